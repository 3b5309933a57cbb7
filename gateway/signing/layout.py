"""A DKIM-Signature field as text: folded for people and line limits, unfolded for the hash.

What it promises: lines of at most 76 octets unless one word alone is longer; a fold is CRLF and one space
and stands only where RFC 6376 section 3.5 lets white space stand, so that ``unfold`` gives the relaxed form.
"""

from collections.abc import Sequence

NAME = b"DKIM-Signature: "
_WIDTH = 76
_FOLD = b"\r\n "


def join_folded(first: bytes, pieces: Sequence[bytes], between: bytes) -> bytes:
    """Return ``first`` and the pieces as lines that fit; ``between`` parts two pieces on one line."""
    lines: list[bytes] = []
    line = first
    for number, piece in enumerate(pieces):
        gap = between if number else b""
        if number and 1 + len(line) + len(gap) + len(piece) > _WIDTH:
            lines.append(line)
            line = piece
        else:
            line += gap + piece
    return _FOLD.join([*lines, line])


def heading(algorithm: str, domain: str, selector: str) -> bytes:
    """Return the field's name and the tags that one key always writes, ready for more lines.

    Raises ValueError for a domain or selector outside ASCII: here they are A-labels (RFC 6376 section 2.11).
    """
    tags = ("", f"a={algorithm};", "c=relaxed/relaxed;", f"d={domain};", f"s={selector};")
    return join_folded(NAME + b"v=1;", [tag.encode("ascii") for tag in tags], b" ") + _FOLD


def relaxed(field: bytes) -> bytes:
    """Return the field, up to its empty b=, as it is hashed: RFC 6376 section 3.7."""
    return b"dkim-signature:" + field[len(NAME) :].replace(_FOLD, b" ")


def folded_base64(text: bytes) -> bytes:
    """Return base64 for the line that begins with b=; RFC 6376 section 3.5 lets it be folded anywhere."""
    head, rest = text[: _WIDTH - 3], text[_WIDTH - 3 :]
    lines = [head, *(rest[at : at + _WIDTH - 1] for at in range(0, len(rest), _WIDTH - 1))]
    return _FOLD.join(lines)
