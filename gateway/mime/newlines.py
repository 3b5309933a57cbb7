"""Whether octets have the line ends that SMTP knows, and no others (RFC 5321 section 2.3.8).

It is asked at every boundary that content crosses, so it has to be quick: without its pairs a content has
neither a CR nor an LF left. Of a large one no copy is made; there, nothing but line ends is kept, and they
must be pairs.
"""

import re

_LARGE = 1_048_576  # octets
_NO_LINE_END = bytes(set(range(256)) - {10, 13})
_LONE_CR = re.compile(rb"\r(?!\n)")


def has_bare_newline(octets: bytes | bytearray) -> bool:
    """Whether a CR or LF stands alone."""
    if len(octets) <= _LARGE:
        rest = octets.replace(b"\r\n", b"")
        return b"\r" in rest or b"\n" in rest
    ends = octets.translate(None, _NO_LINE_END)
    return ends != b"\r\n" * (len(ends) // 2) or _LONE_CR.search(octets) is not None
