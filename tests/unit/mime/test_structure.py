import pytest

from gateway.mime.scan import scan
from gateway.mime.structure import Choice, Room, Row, bodies


def _multi(kind: str, *parts: str) -> str:
    mark = f"{kind}-{len(''.join(parts))}"
    return (
        f"Content-Type: multipart/{kind}; boundary={mark}\n\n"
        + "".join(f"--{mark}\n{part}\n" for part in parts)
        + f"--{mark}--\n"
    )


TEXT, HTML = "Content-Type: text/plain\n\ntext", "Content-Type: text/html\n\nhtml"
FILE = "Content-Type: text/plain\nContent-Disposition: attachment\n\nfile"
NAMED = "Content-Type: text/plain\nContent-Disposition: inline;\n filename=x\n\nfile"
IMAGE = "Content-Type: image/png\n\nx"
SIGNED = _multi("signed", TEXT, "Content-Type: application/pgp-signature\n\nx")


CALENDAR = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR"
AMP = "Content-Type: text/x-amp-html\n\n<html amp4email>"
ENCRYPTED = _multi("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1")
REPORT = _multi("report", TEXT, "Content-Type: message/delivery-status\n\nx")

_REPEATED = (
    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=b\n\n"
    "--b\n\ntext\n--b--\n--b--\n"
)


def _related(start: str) -> str:
    root = "Content-Type: text/html\nContent-ID: <root>\n\nhtml"
    return _multi("related", "Content-Type: text/plain\nContent-ID: <a>\n\nno", root).replace(
        "boundary=", f"start={start}; boundary=", 1
    )


def _names(row: Row) -> list[object]:
    return [
        [_names(form) for form in one.forms]
        if isinstance(one, Choice)
        else one.part.content_type.removeprefix("text/") + one.sealed
        for one in row
    ]


@pytest.mark.parametrize(
    ("text", "found", "reason", "room"),
    [
        (TEXT, ["plain"], "", Room.WRAP_AFTER),
        (HTML, ["html"], "", Room.WRAP_AFTER),
        ("\ntext", ["plain"], "", Room.WRAP_AFTER),
        ("A: b\n", ["plain"], "", Room.WRAP_AFTER),
        (FILE, [], "attachment", Room.WRAP_BEFORE),
        (NAMED, [], "attachment", Room.WRAP_BEFORE),
        (IMAGE, [], "structure", Room.WRAP_BEFORE),
        (CALENDAR, [], "calendar", Room.NONE),
        ("Content-Type: message/rfc822\n\nA: b\n\n", [], "structure", Room.NONE),
        ("Content-Type: odd\n\nA: b\n\n", [], "broken-content-type", Room.NONE),
        (REPORT, [], "report", Room.NONE),
        (_multi("digest", "\nA: b\n\n"), [], "digest", Room.NONE),
        ("Content-Type: application/pkcs7-mime\n\nx", [], "encrypted", Room.WRAP_AFTER),
        (ENCRYPTED, [], "encrypted", Room.WRAP_AFTER),
        (SIGNED, ["plainsigned"], "signed", Room.WRAP_AFTER),
        (
            _multi("signed", _multi("alternative", TEXT, HTML), IMAGE),
            [[["plainsigned"], ["htmlsigned"]]],
            "signed",
            Room.WRAP_AFTER,
        ),
        ("Content-Type: multipart/signed; boundary=b\n\n--b--\n", [], "signed", Room.WRAP_AFTER),
        (_multi("alternative", TEXT, HTML), [[["plain"], ["html"]]], "", Room.WRAP_AFTER),
        (
            _multi("alternative", TEXT, AMP, HTML, CALENDAR),
            [[["plain"], ["x-amp-html"], ["html"]]],
            "",
            Room.WRAP_AFTER,
        ),
        (
            _multi("alternative", TEXT, _multi("related", HTML, IMAGE)),
            [[["plain"], ["html"]]],
            "",
            Room.WRAP_AFTER,
        ),
        (_multi("alternative", TEXT, SIGNED), [[["plain"], ["plainsigned"]]], "", Room.WRAP_AFTER),
        (_multi("alternative", IMAGE), [], "no-text", Room.NONE),
        (_multi("alternative", ENCRYPTED), [], "encrypted", Room.NONE),
        (_multi("mixed", TEXT, IMAGE, HTML), ["plain", "html"], "", Room.WRAP_AFTER),
        (_multi("x-odd", TEXT, HTML), ["plain", "html"], "", Room.WRAP_AFTER),
        (_multi("mixed", FILE, NAMED, IMAGE, HTML), ["html"], "", Room.WRAP_AFTER),
        (_multi("mixed", SIGNED, TEXT), ["plainsigned", "plain"], "", Room.WRAP_AFTER),
        (_multi("mixed", ENCRYPTED), [], "encrypted", Room.NONE),
        (
            _multi("mixed", _multi("alternative", TEXT, HTML), FILE),
            [[["plain"], ["html"]]],
            "",
            Room.WRAP_AFTER,
        ),
        (_multi("mixed", TEXT, "Content-Type: message/rfc822\n\n" + HTML), ["plain"], "", Room.WRAP_AFTER),
        (_multi("mixed", FILE), [], "no-text", Room.INSERT),
        (_multi("mixed", "odd\n\nx"), [], "broken-part-header", Room.NONE),
        (_multi("mixed", TEXT, "odd\n\nx"), ["plain"], "", Room.WRAP_AFTER),
        (_multi("related", IMAGE, HTML), [], "structure", Room.NONE),
        (_related('"<root>"'), ["html"], "", Room.WRAP_AFTER),
        (_related("root"), ["html"], "", Room.WRAP_AFTER),
        (_related("root").replace("Content-ID: <a>\n", ""), ["html"], "", Room.WRAP_AFTER),
        (
            _REPEATED,
            [],
            "broken-boundary-repeated",
            Room.NONE,
        ),
        (_related("nobody"), ["plain"], "", Room.WRAP_AFTER),
        ("Content-Type: multipart/related; boundary=b\n\n--b--\n", [], "no-text", Room.NONE),
        ("Content-Type: multipart/mixed\n\n", [], "broken-boundary-missing", Room.NONE),
        (_multi("mixed", TEXT).replace("--\n", ""), ["plain"], "", Room.WRAP_AFTER),
        ("no header", [], "broken-no-header", Room.NONE),
    ],
)
def test_bodies(text: str, found: list[object], reason: str, room: Room) -> None:
    result = bodies(scan(text.replace("\n", "\r\n").encode()))
    assert _names(result.row) == found
    assert (result.reason, result.room) == (reason, room)
