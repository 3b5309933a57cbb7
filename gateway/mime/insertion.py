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
# In lower case, with "<" before all else and no groups: the engine passes other tags by without a try.
_MARK = re.compile(rb"<(?:!--|/body\b|/html\b|" + b"|".join(name + rb"\b" for name in _HIDING) + b")")
_COMMENT_END = re.compile(rb"--!?>|\Z")


def end_of_html(lower: bytes) -> int:
    """Return the offset of the last visible ``</body>``, else ``</html>``, else the end of a lower-case text.

    Where a comment or script never ends, that is before it: what follows, no reader would see.
    """
    found = {b"</body": -1, b"</html": -1}
    end, at = len(lower), 0
    while (mark := _MARK.search(lower, at)) is not None:
        if mark[0] in found:
            found[mark[0]] = mark.start()
            at = mark.end()
            continue
        if mark[0] == b"<!--":
            at = _end_of_comment(lower, mark)
        else:
            at = lower.find(b"</" + mark[0][1:], mark.end())
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
