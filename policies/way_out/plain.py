"""Whether a plain text shows a way to leave: all of it is seen, and mail programs make its URLs links.

What counts is as in HTML (``look``), with the lines around a URL in place of a link's words. A long text is
read at its beginning and its end, where ways out stand, so that the time does not grow with what is between.
"""

import re
from collections.abc import Iterator

from gateway.model.way_out import MISSING, Evidence, Finding, WayOut
from policies.way_out.circumstances import Circumstances, theirs
from policies.way_out.target import why_broken
from policies.way_out.words import says_leave, says_leave_in_url

_EXCERPT = 200  # characters
_URL = re.compile(r"(?:https?://|mailto:)[^\s<>\"']+", re.IGNORECASE)
_CLOSELY = 4000  # characters that are read word by word
_REGION = 16_384  # characters at the end whose URLs are looked at, and a quarter at the beginning
_NEAR = 240  # characters around a URL, in so many lines
_LINES_BEFORE, _LINES_AFTER = 2, 1


def in_plain(text: str, circumstances: Circumstances) -> Finding:
    """Judge a plain text."""
    if "://" not in text and "mailto:" not in text.lower():
        return MISSING
    if circumstances.is_ours_within(text):
        return Finding(WayOut.OWN, Evidence("ours"))
    if circumstances.is_named_within(text):
        return theirs("header", circumstances.named[0])
    if text.lower().rfind("unsub") < 0 and not says_leave(_read_closely(text)):
        return MISSING
    broken = MISSING
    for part, url in _urls(text):
        target = url[0].rstrip(".,;:!?)]}'*_")
        if not says_leave_in_url(target) and not says_leave(_around(part, url)):
            continue
        why = why_broken(target, circumstances.reserved)
        if not why:
            return theirs("words", target)
        if broken is MISSING:
            evidence = Evidence(why, "", f"url:{target[:_EXCERPT]}", _line(part, url))
            broken = Finding(WayOut.BROKEN, evidence)
    return broken


def _urls(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield URLs from the end on, where most ways out stand, and of a long text those of its beginning."""
    for size in (_REGION // 8, _REGION):
        part = text[-size:]
        for url in reversed(list(_URL.finditer(part))):
            yield part, url
    if len(text) > _REGION:
        part = text[: _REGION // 4]
        for url in _URL.finditer(part):
            yield part, url


def _read_closely(text: str) -> str:
    """Return what of a text is read word by word: its beginning and its end, where ways out stand."""
    return text if len(text) <= _CLOSELY else f"{text[: _CLOSELY // 4]}\n{text[-_CLOSELY * 3 // 4 :]}"


def _around(text: str, url: re.Match[str]) -> str:
    """Return the line that a URL stands in, the two before it and the one after."""
    before = text[max(0, url.start() - _NEAR) : url.start()].split("\n")[-1 - _LINES_BEFORE :]
    after = text[url.end() : url.end() + _NEAR].split("\n")[: 1 + _LINES_AFTER]
    return "\n".join((*before, *after))


def _line(text: str, url: re.Match[str]) -> str:
    start = text.rfind("\n", 0, url.start()) + 1
    return text[max(start, url.start() - _EXCERPT // 2) : url.end() + _EXCERPT // 4].strip()[:_EXCERPT]
