"""Whether a text already shows its reader a way to leave. No policy of its own: the footer's eyes.

What counts (docs/decisions/0010-footer-detection.md): our placeholder; the address that the sender's own
List-Unsubscribe names; a link that says it is for leaving, in its words or its address. Simple and on the
careful side: where in doubt, there is no link and the footer is added. All take time linear in the text.
Whether a text holds something at all is asked backwards: CPython needs half the time for that.
"""

import re
from html import escape

from gateway.mime.transfer import Gap
from gateway.model.message import Message, Part

_NAME = b"unsubscribe_url"
# Editors that know braces are no part of a URL write them in percents.
_PLACEHOLDER = re.compile(
    rb"(?:\{\{|(?i:%7B%7B))(?:\s|%20){0,5}unsubscribe_url(?:\s|%20){0,5}(?:\}\}|(?i:%7D%7D))"
)
_OWN_LINK = re.compile(rb"<\s*((?:https?:|mailto:)[^<>]+)>", re.IGNORECASE)
_NOT_LONGER = rb"(?!\.?[\w/=%~-])"
_BLANKS = re.compile(rb"\s+")

# Stems in ASCII, so that inflected forms match, in every charset that may carry a footer: English, German,
# French (with or without accents and entities), Spanish, Dutch, Italian. The hints are what a text must hold
# to hold one of them; each costs a pass.
_WORD = re.compile(
    rb"unsubscri|opt[- ]?out|abmeld|abbestell|sabonn|sinscri"
    rb"|(?:dar(?:se|me)?|dese) de baja|afmeld|uitschrijv|disiscri"
)
_HINTS = (b"scri", b"opt", b"meld", b"bestell", b"sabonn", b"de baja", b"uitschrijv")
_ANCHOR = re.compile(rb"<a\s")
_LEADS_AWAY = re.compile(rb"href\s*=\s*[\"']?\s*(?:https?:|mailto:)")
_URL = re.compile(rb"(?:https?://|mailto:)[^\s<>]")
_BEFORE, _AFTER = 1, 2  # lines of plain text around the word in which its URL may stand


def placeholders(octets: bytes) -> list[Gap]:
    """Return where the placeholder stands."""
    if octets.rfind(_NAME) < 0:
        return []
    return [match.span() for match in _PLACEHOLDER.finditer(octets)]


def own_links(message: Message) -> tuple[bytes, ...]:
    """Return the addresses in the sender's own List-Unsubscribe: what it is for, not our placeholder."""
    links = [
        _BLANKS.sub(b"", link)
        for field in message.all(b"list-unsubscribe")
        for link in _OWN_LINK.findall(message.text_of(field))
    ]
    return tuple(link for link in links if _NAME not in link)


def shows_link(part: Part, octets: bytes, lower: bytes, named: tuple[bytes, ...]) -> bool:
    """Whether the text shows one of the links that the header names, or one that says what it is for.

    ``lower`` is the text in lower case.
    """
    if any(_holds(octets, link) for link in named):
        return True
    if lower.rfind(b"://") < 0 and lower.rfind(b"mailto:") < 0:
        return False
    for hint in _HINTS:
        if lower.rfind(hint) >= 0:
            return _in_anchor(lower) if part.content_type == "text/html" else _near_url(lower)
    return False


def _holds(octets: bytes, link: bytes) -> bool:
    """Whether the text holds this link, as it stands or as HTML writes it; more may follow in its query."""
    for form in (link, escape(link.decode("latin-1")).encode("latin-1")):
        if form in octets and re.search(re.escape(form) + _NOT_LONGER, octets):
            return True
    return False


def _in_anchor(lower: bytes) -> bool:
    for piece in _ANCHOR.split(lower)[1:]:
        anchor = piece.partition(b"</a")[0]
        if _LEADS_AWAY.search(anchor.partition(b">")[0]) and _WORD.search(anchor):
            return True
    return False


def _near_url(lower: bytes) -> bool:
    lines = lower.split(b"\n")
    for number, line in enumerate(lines):
        if _WORD.search(line):
            near = lines[max(0, number - _BEFORE) : number + _AFTER + 1]
            if any(_URL.search(one) for one in near):
                return True
    return False
