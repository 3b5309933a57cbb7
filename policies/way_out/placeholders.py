"""What stands for the unsubscribe link in other services' texts, and what becomes of it here.

A placeholder is a *frame* around a *name*: ``{{unsubscribe_url}}``, ``*|UNSUB|*``, ``%tag_unsubscribe_url%``.
``forms`` knows the frames of many services; a name is one when it is put together of nothing but the words
that services use, so that ``{{unsubscribe_reason}}`` is none. Each sign of a frame may be written as it
stands, in percents, or as an HTML entity, as editors write it into attributes.

What could be ordinary text is left alone unless it stands where a link is wanted. Ordinary text could be a
name of one word in a single frame, as ``[unsubscribe]`` or ``%unsubscribe%``, and ``<% words %>``. A link is
wanted

* in an attribute, where the placeholder is the whole value (but for a scheme that an editor put before it);
* in running text, where the placeholder stands by itself: at the beginning of a line or an element, or after
  one of ``: ( < - | *``, a bullet or a dash, and with no word directly behind it;
* ``<% words %>`` anywhere in text, unless its words are those of a program (``if``, ``end``, ``=``, ``;``).

In an attribute and in plain text the bare URL takes its place; in a URL's query, the URL in percents; in
running HTML text a link, where the author did not wrap it in one; in comments, scripts and titles the URL.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote

from gateway.mime.needles import Needles, needle
from gateway.mime.transfer import Gap, Untouchable
from policies.way_out.forms import A_LINK, FORM, FRAMES, GROUPS, LEAVES, MORE_THAN_A_WORD, WORDED, WORDS

_HINTS = Needles(b"unsub", b"optout", b"<%", b"&lt;%", b"%3c%25")  # one of them is in every placeholder
_UNSUBSCRIBE = b"Unsubscribe"
_MOST_HINTS = 600
_NEAR = 64  # octets before a hint in which a frame may begin
_LONGEST = 400  # and after it, in which it may end
_MOST_SIGNS = 64  # "<" before a placeholder that begin no tag


class Form(Enum):
    """What a text is, which says how a link is written in it."""

    PLAIN = "plain"
    HTML = "html"


_OPENING = re.compile(b"[{%\\[*#<$:&]")
_SCHEME_BEFORE = re.compile(rb"(?:https?:(?:/|%2f){2}|mailto:)\Z")  # as editors put it before a placeholder
_PAIR = re.compile(rb"<unsubscribe\b[^<>]{0,200}>|\[unsubscribe\]")
_LONGEST_PAIR = 500  # octets between the two of a pair

_TOKEN = re.compile(rb"[A-Za-z0-9_-]{20,}")  # what follows in a link of ours
_PROGRAM = re.compile(
    rb"\s*(?:if|unless|else|elsif|elseif|end|for|each|do|while|case|when|include|set|dim|next|loop|response|import|var"
    rb"|let|const|function|return|render|yield|def|class)\b|\s*[=@#!_-]|[^;{}=()\[\]$/\\]*[;{}=()\[\]$/\\]"
)
_AFTER_SIGNS = (b":", b"(", b"<", b"&lt;")  # what calls for a link
# A line's or an element's beginning, and what parts the items of a footer: bars, bullets, dashes.
_AFTER_BREAKS = (
    b"\n",
    b">",
    b"-",
    b"|",
    b"*",
    b"&nbsp;",
    b"&bull;",
    b"&middot;",
    b"\xb7",
    b"\x93",
    b"\x94",
    b"\xa2",
)
_WORD_BEHIND = re.compile(rb"[ \t]*[a-z0-9\x80-\xff]")
_MARKDOWN_BEHIND = re.compile(rb"[(\[]|:\s*(?:http|<)")

# Where it stands in HTML.
_LOOK_BACK = 16_384  # octets
_CLOSED_TAG = re.compile(rb"<[a-z/?](?:[^\"'<>]++|\"[^\"]*+\"|'[^']*+')*+>")
_VALUE = re.compile(rb"=\s*[\"']?([^\"'=]*|[^\"']*)\Z")
_HREF = re.compile(rb"(?:href|action|src)\s*=\s*[\"']?\s*\Z")
_END_OF_VALUE = re.compile(rb"(/?)\s*[\"'>]")
_NO_LINKS = (b"script", b"style", b"title", b"textarea")


@dataclass(frozen=True, slots=True)
class Site:
    """One placeholder's octets in a text, and what takes their place.

    ``written`` has a NUL where the link stands; no text of mail holds one. ``percents``: whether the URL is a
    value within another one.
    """

    start: int
    end: int
    written: bytes
    html: bool
    percents: bool = False

    @property
    def gap(self) -> Gap:
        """The octets that go."""
        return self.start, self.end

    @property
    def fillers(self) -> tuple[str, str, str]:
        """What may follow, and changes nothing, where a length must be right: none, one or two characters."""
        if self.percents:
            return "", "+", "++"
        # A fragment that a browser never sends; blanks behind a whole link.
        return ("", "#", "#u") if self.written.endswith(b"\0") else ("", " ", "  ")

    def fill(self, url: str) -> bytes:
        """Return what stands here for the reader whose link this is."""
        if self.percents:
            url = quote(url, safe="")
        elif self.html:
            url = escape(url)
        return self.written.replace(b"\0", url.encode("ascii"))


class _Role(Enum):
    """What a placeholder is of a link."""

    WHOLE = "whole"
    OPENS = "opens"
    CLOSES = "closes"


class _Found(NamedTuple):
    """A placeholder, wherever it stands. ``label``: the link's words; NUL for its URL."""

    start: int
    end: int
    label: bytes
    sure: bool
    role: _Role = _Role.WHOLE
    named: bool = True  # it has the name of a link for leaving in it


def sites(
    octets: bytes, form: Form, ours: Sequence[str] = (), lower: bytes | None = None
) -> tuple[Site, ...]:
    """Return the placeholders of a text in an ASCII-compatible charset, in order.

    A link of ours is one too, wherever it came from: it was another reader's. ``ours``: how they begin.
    ``lower``: the same text in lower case, where the caller has it. Raise Untouchable for more of them than
    any newsletter has.
    """
    lower = octets.lower() if lower is None else lower
    links = [link for begin in ours for link in _links_of_ours(octets, begin.encode("ascii"), form)]
    write = _in_html if form is Form.HTML else _in_plain
    found: list[Site] = []
    hints = _hints(lower)
    if len(hints) > _MOST_HINTS:
        raise Untouchable("too-many-placeholders")
    for one in _found(octets, lower, hints):
        site = None if found and one.start < found[-1].end else write(lower, one)
        if site is not None:
            found.append(site)
    return tuple(sorted((*found, *links), key=lambda site: site.start) if links else found)


def _links_of_ours(octets: bytes, begin: bytes, form: Form) -> Iterator[Site]:
    for at in needle(begin).places(octets):
        token = _TOKEN.match(octets, at + len(begin))
        if token:
            yield Site(at, token.end(), b"\0", html=form is Form.HTML)


def unmistakable(octets: bytes) -> tuple[Site, ...]:
    """Return the placeholders that are no ordinary text anywhere, not even in a header or what is sealed."""
    lower = octets.lower()
    found = _found(octets, lower, _hints(lower)[:_MOST_HINTS])
    sure = [one for one in found if one.sure and one.named and one.role is _Role.WHOLE]
    return tuple([Site(one.start, one.end, b"\0", html=False) for one in sure])


def may_hold(lower: bytes) -> bool:
    """Whether a text, in lower case, may hold placeholders."""
    return any(True for _ in _HINTS.places(lower))


# Finding ----------------------------------------------------------------------------------------------------


def _found(octets: bytes, lower: bytes, hints: Sequence[int]) -> Iterator[_Found]:
    at = 0
    for hint in hints:
        if hint >= at:
            found = _at(octets, lower, hint, max(at, hint - _NEAR))
            at = found[0].end if found else at
            yield from found


def _hints(lower: bytes) -> list[int]:
    """Return where placeholders may be, in order: enough to say that there are too many."""
    return list(islice(_HINTS.places(lower), _MOST_HINTS + 1))


def _at(octets: bytes, lower: bytes, hint: int, begin: int) -> list[_Found]:
    """Return the placeholder that a hint is part of; both ends where it is a pair."""
    if lower.startswith((b"<", b"["), hint - 1):
        pair = _pair(lower, hint - 1)
        if pair:
            return pair
    for opening in _OPENING.finditer(lower, begin, hint + 1):
        form = FORM.match(lower, opening.start(), hint + _LONGEST)
        found = _named(octets, form) if form is not None else None
        if found is not None:
            return [found]
    worded = WORDED.match(lower, hint)
    if worded is None or _PROGRAM.match(lower[worded.start(1) : worded.end(1)]):
        return []
    label = b" ".join(octets[worded.start(1) : worded.end(1)].split())
    return [_Found(_begin(lower, hint), worded.end(), label or _UNSUBSCRIBE, sure=True, named=False)]


def _pair(lower: bytes, start: int) -> list[_Found]:
    opening = _PAIR.match(lower, start)
    if opening is None:
        return []
    element = opening[0].startswith(b"<")
    closing = b"</unsubscribe>" if element else b"[/unsubscribe]"
    end = lower.find(closing, opening.end(), opening.end() + _LONGEST_PAIR)
    if end >= 0:
        first = _Found(start, opening.end(), b"", sure=True, role=_Role.OPENS)
        return [first, _Found(end, end + len(closing), b"", sure=True, role=_Role.CLOSES)]
    return [_Found(start, opening.end(), _UNSUBSCRIBE, sure=True)] if element else []


def _named(octets: bytes, form: re.Match[bytes]) -> _Found | None:
    frame, group = next(
        (frame, 1 + number * GROUPS)
        for number, frame in enumerate(FRAMES)
        if form[1 + number * GROUPS] is not None
    )
    name = form[group].decode("ascii").replace("%5f", "_")
    if not WORDS.match(name) or not LEAVES.search(name):
        return None
    label = b"\0" if A_LINK.search(name) else _UNSUBSCRIBE
    for place in range(group + 1, group + GROUPS):
        if form[place] and b"/" not in form[place]:
            label = octets[form.start(place) : form.end(place)].strip()
    sure = frame.sure or MORE_THAN_A_WORD.search(name) is not None
    return _Found(_begin(form.string, form.start()), form.end(), label, sure)


def _begin(lower: bytes, start: int) -> int:
    """Return where a placeholder begins: with the scheme before it, if there is one."""
    scheme = _SCHEME_BEFORE.search(lower, max(0, start - 12), start)
    return scheme.start() if scheme else start


# Writing ----------------------------------------------------------------------------------------------------


def _in_plain(lower: bytes, one: _Found) -> Site | None:
    if not one.sure and not _alone(lower, one):
        return None
    match one.role:
        case _Role.OPENS:
            written = b""
        case _Role.CLOSES:
            written = b": \0"
        case _:
            named = one.label not in {b"\0", _UNSUBSCRIBE}
            written = one.label + b": \0" if named else b"\0"
    return Site(one.start, one.end, written, html=False)


def _in_html(lower: bytes, one: _Found) -> Site | None:
    tag = _tag_around(lower, one.start)
    if tag >= 0:
        return _in_attribute(lower, one, tag)
    if _without_links(lower, one.start):
        return Site(one.start, one.end, b"\0", html=True) if one.sure else None
    if not one.sure and not _alone(lower, one):
        return None
    begin = max(0, one.start - _LOOK_BACK)
    wrapped = max(lower.rfind(b"<a ", begin, one.start), lower.rfind(b"<a\r\n", begin, one.start))
    if wrapped > lower.rfind(b"</a", begin, one.start):
        written = b"" if one.role is not _Role.WHOLE else one.label
    else:
        opens, closes = b'<a href="\0">', b"</a>"
        written = {_Role.OPENS: opens, _Role.CLOSES: closes}.get(one.role, opens + one.label + closes)
    return Site(one.start, one.end, written, html=True)


def _in_attribute(lower: bytes, one: _Found, tag: int) -> Site | None:
    value = _VALUE.search(lower, tag, one.start)
    before = value[1].strip() if value else b""
    behind = _END_OF_VALUE.match(lower, one.end)
    if not one.sure and (before or behind is None or not _HREF.search(lower, tag, one.start)):
        return None
    # An editor that knows URLs has put a slash behind what it took for a host.
    end = behind.end(1) if behind and not before else one.end
    return Site(one.start, end, b"\0", html=True, percents=bool(before))


def _tag_around(lower: bytes, at: int) -> int:
    """Return where the tag begins that an offset lies in, -1 for none."""
    begin = max(0, at - _LOOK_BACK)
    start = lower.rfind(b"<", begin, at)
    tries = 0
    while start >= 0 and not lower[start + 1 : start + 2].isalpha():
        tries += 1
        if tries > _MOST_SIGNS or lower[start + 1 : start + 2] in {b"/", b"!"}:
            return -1
        start = lower.rfind(b"<", begin, start)
    closed = _CLOSED_TAG.match(lower, start, at) if start >= 0 else None
    return -1 if closed else start


def _without_links(lower: bytes, at: int) -> bool:
    """Whether an offset lies where no link can be: in a comment, a script, a style or a title."""
    begin = max(0, at - _LOOK_BACK)
    if lower.rfind(b"<!--", begin, at) > lower.rfind(b"-->", begin, at):
        return True
    return any(lower.rfind(b"<" + one, begin, at) > lower.rfind(b"</" + one, begin, at) for one in _NO_LINKS)


def _alone(lower: bytes, one: _Found) -> bool:
    """Whether what could be ordinary text stands where a link is wanted."""
    if _MARKDOWN_BEHIND.match(lower, one.end):
        return False
    before = lower[max(0, one.start - 16) : one.start].rstrip(b" \t")
    if before.endswith(_AFTER_SIGNS):
        return True
    at_break = not before or before.endswith(_AFTER_BREAKS)
    return at_break and _WORD_BEHIND.match(lower, one.end) is None
