"""How long a message that was made to be slow keeps a worker from the others: milliseconds of CPU to read it.

    python tests/bench/hostile.py
    python tests/bench/hostile.py --size 1000000 comments

Each case is a message of 25 MiB (``--size``) that aims at one thing which reading does: lines, folds, fields,
boundaries, nested parts, comments. Measured are ``scan``, and the rules of a message's form. Words choose cases
by their names. It fails where one takes longer than ``--allowed`` milliseconds.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

from gateway.mime.scan import DEPTH, scan
from gateway.model.message import Message
from gateway.model.verdict import Refuse
from policies import message_form

FROM = b"From: news@example.com\r\n"
MIXED = FROM + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
TYPE = FROM + b"Content-Type: text/plain"


def filled(unit: bytes, size: int) -> bytes:
    """Return so many octets of one text."""
    return (unit * (size // len(unit) + 1))[:size]


def nested(text: bytes, mark: Callable[[int], bytes]) -> bytes:
    """Put a text into multiparts, one in the other."""
    for level in range(DEPTH - 1):
        name = mark(level)
        head = b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n' % name
        text = head + b"--%b\r\n%b\r\n--%b--\r\n" % (name, text, name)
    return FROM + text


def cases(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield each message with what it is made of."""
    parts = size // 1000
    yield "header fields", FROM + filled(b"A: b\r\n", size)
    yield "header lines that are no fields", FROM + filled(b"x\r\n", size)
    yield "header of one field", FROM + b"Subject: " + filled(b"x", size)
    yield "header of folds", FROM + b"A: " + filled(b"\r\n ", size)
    yield "header of bare CR", FROM + b"A: " + filled(b"\r", size)
    yield "one From: of addresses", b"From: " + filled(b"a@b.example, ", size)
    yield "one From: of folds", b"From: " + filled(b"\r\n a,", size)
    yield "a part of header lines", MIXED + b"--b\r\n" + filled(b"A: b\r\n", size)
    yield "a part of lines that are no fields", MIXED + b"--b\r\nA: b\r\n" + filled(b"x\r\n", size)
    yield "boundaries", MIXED + filled(b"--b\r\n", size)
    yield "lines like a boundary", MIXED + filled(b"--bX\r\n", size)
    yield "lines like a boundary, then blanks", MIXED + filled(b"\r\n--b" + b" " * 60 + b"x", size)
    yield (
        "lines like each of many boundaries",
        nested(filled(b"--" + b"b" * 30 + b"\r\n", size), lambda n: b"b" * (n + 1)),
    )
    yield "nested text", nested(filled(b"hello, this is text\r\n", size), lambda n: b"b%d." % n)
    yield "nested dashes", nested(filled(b"-", size), lambda n: b"-" * 60 + b"%02d" % n)
    yield "a type of comments", TYPE + filled(b"()", size)
    yield "a type of parameters", TYPE + filled(b"; a=b", size)
    yield "a type of open comments", TYPE + b" " + filled(b"(", size)
    yield (
        "many types of comments",
        FROM + (b"Content-Type: text/plain" + filled(b"()", 32_000) + b"\r\n") * (size // 32_000),
    )
    for name, unit in (("comments", b"()"), ("parameters", b"; a=b")):
        part = b"--b\r\nContent-Type: text/plain" + filled(unit, 950) + b"\r\n\r\nx\r\n"
        yield f"parts with types of {name}", MIXED + part * min(parts, 999) + b"--b--\r\n"


def milliseconds(work: Callable[[], object]) -> tuple[float, object]:
    """Return the best of three, and what came out."""
    took = []
    for _ in range(3):
        began = time.process_time()
        result = work()
        took.append(time.process_time() - began)
    return min(took) * 1000, result


def main() -> int:
    """Measure, and say which case is too slow."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=25 << 20, help="octets of each message")
    parser.add_argument("--allowed", type=float, default=150.0, help="milliseconds")
    parser.add_argument("words", nargs="*", help="only cases whose names have one of these words")
    options = parser.parse_args()
    rule = message_form.build({}).message
    assert rule is not None
    slowest = 0.0
    for name, raw in cases(options.size):
        if options.words and not any(word in name for word in options.words):
            continue
        reading, message = milliseconds(lambda raw=raw: scan(raw))
        assert isinstance(message, Message)
        judging, verdict = milliseconds(lambda message=message: rule(message, None))
        said = verdict.reason if isinstance(verdict, Refuse) else "passes"
        print(f"{name:36} scan {reading:6.1f} ms   form {judging:5.1f} ms   {said}")
        slowest = max(slowest, reading + judging)
    print(f"the slowest: {slowest:.1f} ms")
    return int(slowest > options.allowed)


if __name__ == "__main__":
    sys.exit(main())
