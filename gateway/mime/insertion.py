"""Where a line for the reader goes in a part's text: at the end of plain text, before ``</body>`` in HTML.

What it promises: the place in HTML lies in no comment, script, style, or other element whose text nobody
sees; it takes time linear in the text; any octets of an ASCII-compatible charset have a place.
"""

import re

# What hides a tag that stands in it. HTML comments end as the HTML standard's section 13.2.5 has it.
_HIDING = (
    b"script",
    b"style",
    b"title",
    b"textarea",
    b"template",
    b"iframe",
    b"xmp",
    b"noembed",
    b"noframes",
)
_QUICKLY = ((b"<!--", b"-->"), *((b"<" + name, b"</" + name) for name in _HIDING))
_MARK = re.compile(
    rb"(?P<comment><!--)|<(?P<hidden>" + b"|".join(_HIDING) + rb")\b|<(?P<closed>/body|/html)\b",
    re.IGNORECASE,
)
_COMMENT_END = re.compile(rb"--!?>|\Z")


def end_of_html(octets: bytes) -> int:
    """Return the offset of the last visible ``</body>``, else ``</html>``, else the end.

    Where a comment or script never ends, that is before it: what follows, no reader would see.
    """
    lower = octets.lower()
    at = lower.rfind(b"</body")
    if at >= 0 and _plainly_visible(lower, at):
        return at
    return _visible_end(lower)


def _plainly_visible(lower: bytes, at: int) -> bool:
    """Whether everything that could hide this place is closed before it; only a quick look."""
    for opening, closing in _QUICKLY:
        opened = lower.rfind(opening, 0, at)
        if opened >= 0 and lower.find(closing, opened + 2, at) < 0:
            return False
    return True


def _visible_end(lower: bytes) -> int:
    """Read the marks one by one, from the start."""
    found = {b"/body": -1, b"/html": -1}
    end, at = len(lower), 0
    while (mark := _MARK.search(lower, at)) is not None:
        if mark["closed"]:
            found[mark["closed"]] = mark.start()
            at = mark.end()
            continue
        at = (
            _end_of_comment(lower, mark)
            if mark["comment"]
            else lower.find(b"</" + mark["hidden"], mark.end())
        )
        if at < 0:
            end = mark.start()
            break
    return next((place for place in found.values() if place >= 0), end)


def _end_of_comment(lower: bytes, mark: re.Match[bytes]) -> int:
    """Return where a comment ends, or -1."""
    if lower.startswith((b">", b"->"), mark.end()):
        return mark.end() + 1
    closed = _COMMENT_END.search(lower, mark.end())
    return -1 if closed is None or closed.start() == closed.end() else closed.end()
