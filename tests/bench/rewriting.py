"""Milliseconds of CPU to make one copy of a message: scan, rewriting policies, splices, applied.

    make bench-mime

`new` texts differ from all before in their markup, so that nothing is remembered from one message to the next;
`merged` ones only in their words, as a newsletter's do when each reader's name is put in; `known` ones not at
all. The best of several rounds: other load only adds.
"""

import base64
import quopri
import time
from collections.abc import Callable

from gateway.cli.corpus.rewriting import rewrite_facts
from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.pipeline.rewrite import rewrite
from gateway.pipeline.shelf import Shelf
from policies import SHELF

_FACTS = rewrite_facts()
_REWRITING = Shelf.of([policy for policy in (build({}) for build in SHELF.values()) if policy.rewrite])
_HEAD = (
    b"From: Shop <news@shop.example.com>\r\nTo: reader@example.net\r\nSubject: Spring\r\nMIME-Version: 1.0\r\n"
    b"Date: Mon, 05 Jan 2026 09:30:00 +0100\r\nMessage-ID: <1@example.com>\r\n"
)
_ROW = (
    b'<tr><td align="center" style="font-size:0px;padding:10px 25px;word-break:break-word;">'
    b'<div style="font-family:Ubuntu, Helvetica;font-size:13px;line-height:1;color:#000000;">Spring is here, and '
    b'with it &amp; with us <a href="https://shop.example.com/x?y=1&amp;z=2" style="color:#123456">the new '
    b"collection</a> of this year.</div></td></tr>\r\n"
)
_WORDS = b"Spring is here, and with it comes the new collection of this year, as every year.\r\n"


Make = Callable[..., bytes]
"""Makes one message: from a number that is put into its words, and one that is put into its markup."""


def _html(octets: int) -> bytes:
    rows = _ROW * (max(octets - 200, 0) // len(_ROW))
    return (
        b"<!doctype html><html><head><title>x</title></head><body><table>\r\n"
        + rows
        + b"</table></body></html>\r\n"
    )


def _one(kind: str, encoding: str, body: bytes) -> Make:
    head = (
        _HEAD
        + f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    )

    def make(number: int, markup: int = 0) -> bytes:
        text = body.replace(b"Spring", b"Spring %d" % number, 1).replace(
            b"<html>", b'<html id="%05d">' % markup
        )
        if encoding == "quoted-printable":
            text = quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
        elif encoding == "base64":
            text = base64.encodebytes(text).replace(b"\n", b"\r\n")
        return head + text

    return make


def _alternative(octets: int) -> Make:
    text, html = (
        _one("plain", "quoted-printable", _WORDS * (octets // 4 // 84)),
        _one("html", "quoted-printable", _html(octets * 3 // 4)),
    )

    def make(number: int, markup: int = 0) -> bytes:
        parts = [one(number, markup).removeprefix(_HEAD) for one in (text, html)]
        return (
            _HEAD
            + b'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
            + b"".join(b"--=_b\r\n" + part + b"\r\n" for part in parts)
            + b"--=_b--\r\n"
        )

    return make


def _with_file(octets: int) -> Make:
    body = base64.encodebytes(bytes(range(256)) * (octets // 256 * 3 // 4)).replace(b"\n", b"\r\n")
    text = _one("plain", "8bit", _WORDS)

    def make(number: int, markup: int = 0) -> bytes:
        return (
            _HEAD
            + b'Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\n'
            + text(number, markup).removeprefix(_HEAD)
            + b"\r\n--=_b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
            + b'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n'
            + body
            + b"\r\n--=_b--\r\n"
        )

    return make


def _file_alone(octets: int) -> Make:
    body = base64.encodebytes(bytes(range(256)) * (octets // 256 * 3 // 4)).replace(b"\n", b"\r\n")
    head = _HEAD + b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return lambda number, _=0: head + b"%d" % number * 4 + body


CASES: list[tuple[str, float, Make]] = [
    ("4 KiB text", 0.1, _one("plain", "8bit", _WORDS * 47)),
    ("4 KiB HTML, 8bit", 0.1, _one("html", "8bit", _html(4096))),
    ("4 KiB HTML, quoted-printable", 0.1, _one("html", "quoted-printable", _html(4096))),
    ("4 KiB alternative", 0.1, _alternative(4096)),
    ("50 KiB HTML, 8bit", 0.3, _one("html", "8bit", _html(51200))),
    ("50 KiB HTML, quoted-printable", 0.3, _one("html", "quoted-printable", _html(46000))),
    ("50 KiB HTML, base64", 0.3, _one("html", "base64", _html(37000))),
    ("50 KiB alternative", 0.3, _alternative(46000)),
    ("500 KiB HTML, 8bit", 3.0, _one("html", "8bit", _html(512_000))),
    ("10 MiB attachment beside a text", 15.0, _with_file(10 * 1024 * 1024)),
    ("10 MiB file alone, wrapped", 15.0, _file_alone(10 * 1024 * 1024)),
]


def _spent(raws: list[bytes]) -> float:
    start = time.process_time()
    for raw in raws:
        message = scan(raw)
        apply(raw, rewrite(_REWRITING, message, _FACTS))
    return (time.process_time() - start) * 1000 / len(raws)


def main() -> None:
    """Measure and print."""
    print(f"{'':34}{'octets':>10}{'budget':>9}{'new':>9}{'merged':>9}{'known':>9}")
    for name, budget, make in CASES:
        size = len(make(0))
        count = max(2, min(200, 4_000_000 // size))
        new, merged, known = (
            min(
                _spent([make(*numbers(number + 1000 * round_)) for number in range(count)])
                for round_ in range(9)
            )
            for numbers in (lambda number: (number, number), lambda number: (number,), lambda _: (0,))
        )
        print(f"{name:34}{size:>10}{budget:>9.1f}{new:>9.3f}{merged:>9.3f}{known:>9.3f}")


if __name__ == "__main__":
    main()
