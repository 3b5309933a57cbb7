"""Whether octets have the line ends that SMTP knows, and no others (RFC 5321 section 2.3.8).

It is asked at every boundary that content crosses, so it has to be quick: with its pairs overwritten, a
content has neither a CR nor an LF left. CPython overwrites in one pass; to take the pairs out it would make
two. Of a large content one piece after another is copied.
"""

_AT_ONCE = 65_536  # octets


def has_bare_newline(octets: bytes | bytearray) -> bool:
    """Whether a CR or LF stands alone."""
    at = 0
    while at < len(octets):
        piece = octets[at : at + _AT_ONCE]
        if piece.endswith(b"\r"):
            piece = octets[at : at + _AT_ONCE + 1]
        rest = piece.replace(b"\r\n", b"--")
        if b"\r" in rest or b"\n" in rest:
            return True
        at += len(piece)
    return False
