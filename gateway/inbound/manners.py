"""When a program must not answer mail: RFC 3834, and what its readers have learned since. Pure.

What it promises: "" only for what a person seems to have sent; else a slug that says why there is silence.
"""

import re

from gateway.model.address import Address
from gateway.model.message import Message

_BULK = frozenset({b"bulk", b"list", b"junk", b"auto_reply"})
# RFC 3834 section 2, and RFC 2142 section 6 for lists; "noreply" in its spellings wants no mail by its name.
_ROBOTS = re.compile(
    r"(?:mailer-daemon|postmaster|listserv|majordomo|mailman|bounces?|owner-.*|.*-(?:owner|request|bounces?)"
    r"|(?:do-?not|no)[-_.]?reply)(?:\+.*)?\Z",
    re.IGNORECASE | re.DOTALL,
)


def why_silent(message: Message, sender: Address | None) -> str:
    """Say why a letter gets no answer; "" where it may have one."""
    if sender is None:  # RFC 3834 section 2: never to the null return path
        return "null-sender"
    if _ROBOTS.match(sender.local):
        return "robot"
    slugs = (_slug(field.name, message.text_of(field).lower()) for field in message.fields)
    return next((slug for slug in slugs if slug), "")


def _slug(name: bytes, value: bytes) -> str:
    match name:
        case b"auto-submitted" if re.split(rb"[ \t;(]", value, maxsplit=1)[0] != b"no":  # RFC 3834 section 5
            return "auto-submitted"
        case b"x-auto-response-suppress" if value != b"none":
            return "auto-submitted"
        case b"precedence" if value in _BULK:
            return "bulk"
        case _ if name.startswith(b"list-"):  # RFC 3834 section 2: mail of a list
            return "list"
    return ""
