"""What a text is judged by, beside itself: which links are ours, and which the sender's header names."""

import re
from dataclasses import dataclass

from gateway.mime.needles import needle
from gateway.model.way_out import Evidence, Finding, WayOut
from policies.way_out.target import web_host

_NOT_LONGER = re.compile(r"\.?[\w/=%~-]")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a text is judged by, beside itself.

    ``ours``: how our links begin, none of them empty. ``named``: the sender's own, from its header.
    ``reserved``: top-level names of RFC 2606 that count as real ones.
    """

    ours: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()

    @property
    def common(self) -> object:
        """What is the same for other messages of the same house."""
        return self.ours, self.reserved

    def is_ours(self, url: str) -> bool:
        """Whether a URL is a link of ours."""
        return url.startswith(self.ours)

    def may_be_in(self, octets: bytes) -> bool:
        """Whether a text may hold such links."""
        return any(needle(one.encode()).is_in(octets) for one in self.ours) or any(
            one.encode() in octets for one in self.named
        )

    def is_hinted_in(self, hrefs: str) -> bool:
        """Whether some URLs may be such links."""
        return any(one in hrefs for one in (*self.ours, *self.named))

    def is_ours_within(self, text: str) -> bool:
        """Whether a text holds a link of ours."""
        return any(one in text for one in self.ours)

    def is_named_within(self, text: str) -> bool:
        """Whether a text holds a URL that the sender's header names, and not only a longer one."""
        for one in self.named:
            at = text.find(one)
            while at >= 0:
                if not _NOT_LONGER.match(text, at + len(one)):
                    return True
                at = text.find(one, at + 1)
        return False

    def is_named(self, url: str) -> bool:
        """Whether a URL is one that the sender's header names; more may follow in its query."""
        return any(url.startswith(one) and not _NOT_LONGER.match(url, len(one)) for one in self.named)


def theirs(rule: str, href: str) -> Finding:
    """Return what is found where a link of the sender's is seen and can work."""
    return Finding(WayOut.SENDER, Evidence(rule), web_host(href))
