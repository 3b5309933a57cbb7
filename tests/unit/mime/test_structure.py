import pytest

from gateway.mime.scan import scan
from gateway.mime.structure import bodies


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


@pytest.mark.parametrize(
    ("text", "found", "reason"),
    [
        (TEXT, ["text/plain"], ""),
        (HTML, ["text/html"], ""),
        ("\ntext", ["text/plain"], ""),
        ("A: b\n\n", ["text/plain"], ""),
        ("A: b\n", [], "no-body"),
        (FILE, [], "attachment"),
        (NAMED, [], "attachment"),
        (IMAGE, [], "structure"),
        ("Content-Type: message/rfc822\n\nA: b\n\n", [], "structure"),
        ("Content-Type: multipart/report; boundary=x\n\n--x\n\ny\n--x--\n", [], "structure"),
        ("Content-Type: application/pkcs7-mime\n\nx", [], "encrypted"),
        (SIGNED, [], "signed"),
        (_multi("alternative", TEXT, HTML), ["text/plain", "text/html"], ""),
        (_multi("alternative", TEXT, _multi("related", HTML, IMAGE)), ["text/plain", "text/html"], ""),
        (_multi("alternative", TEXT, SIGNED), [], "signed"),
        (_multi("alternative", IMAGE), [], "no-text"),
        (_multi("mixed", TEXT, HTML), ["text/plain"], ""),
        (_multi("mixed", FILE, NAMED, IMAGE, HTML), ["text/html"], ""),
        (_multi("mixed", SIGNED, TEXT), [], "signed"),
        (_multi("mixed", _multi("alternative", TEXT, HTML), FILE), ["text/plain", "text/html"], ""),
        (_multi("mixed", FILE), [], "no-text"),
        (_multi("related", IMAGE, HTML), [], "no-text"),
        (_multi("related", _multi("alternative", TEXT, HTML), IMAGE), ["text/plain", "text/html"], ""),
        ("Content-Type: multipart/mixed\n\n", [], "broken-boundary-missing"),
    ],
)
def test_bodies(text: str, found: list[str], reason: str) -> None:
    result = bodies(scan(text.replace("\n", "\r\n").encode()))
    assert [part.content_type for part in result.parts] == found
    assert result.reason == reason
