"""A stream of octets as lines, in bounded memory whatever it is.

What it promises: lines without their ends, in order; one that is longer than ``LONGEST`` comes as its first
``LONGEST + 1`` octets, so that its length tells, and the rest of it is passed over. A file in UTF-16 that
says so by its first octets comes as UTF-8; a byte order mark is taken away. How the stream was cut into
chunks makes no difference. Pure.
"""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

LONGEST = 65_536  # octets of one line

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream."""
    rest = b""
    for chunk in _in_utf8(chunks):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _ended(line)
        rest = rest[: LONGEST + 2]  # one more may be the carriage return of its end
    if rest:
        yield _ended(rest)


def _ended(line: bytes) -> bytes:
    line = line[: LONGEST + 2].removesuffix(b"\r")
    return line[: LONGEST + 1]


def _in_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the octets without a byte order mark, decoded from UTF-16 where there is its mark."""
    stream = iter(chunks)
    head = b""
    while len(head) < len(codecs.BOM_UTF8) and (chunk := next(stream, b"")):
        head += chunk
    if not head.startswith(_UTF_16):
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from stream
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for chunk in chain([head], stream):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
