"""The sender's own way out in the header: what its List-Unsubscribe names (RFC 2369 section 3.2)."""

import re
from dataclasses import dataclass

from gateway.model.message import Message
from policies.way_out.placeholders import unmistakable
from policies.way_out.target import cleaned, why_broken

_IN_BRACKETS = re.compile(rb"<([^<>]*)>")
_BLANKS = re.compile(rb"\s+")
_LONGEST = 900  # octets of one: more fits no line
_MOST = 8
_ONE_CLICK = b"list-unsubscribe=one-click"


@dataclass(frozen=True, slots=True)
class OwnHeader:
    """What a message says by itself. ``links``: those that may work, in order, http, https and mailto.

    ``one_click``: whether a mail program can leave by the https one with one POST (RFC 8058 section 3.1).
    """

    links: tuple[str, ...] = ()
    one_click: bool = False


NONE = OwnHeader()


def own_header(message: Message, reserved: frozenset[str] = frozenset()) -> OwnHeader:
    """Read the sender's List-Unsubscribe; one that asks for our link is none of the sender's."""
    fields = message.all(b"list-unsubscribe")
    if not fields:
        return NONE
    links: list[str] = []
    for field in fields:
        value = message.text_of(field)
        for found in _IN_BRACKETS.findall(value)[:_MOST]:
            link = _BLANKS.sub(b"", found)
            if len(link) <= _LONGEST and link.isascii() and not unmistakable(b"<" + link + b">"):
                links.append(cleaned(link.decode("ascii")))
    working = tuple([link for link in links if not why_broken(link, reserved)])
    posts = message.all(b"list-unsubscribe-post")
    one_click = (
        len(fields) == len(posts) == 1
        and message.text_of(posts[0]).lower() == _ONE_CLICK
        and any(link.lower().startswith("https:") for link in working)
    )
    return OwnHeader(working, one_click)
