import pytest

from gateway.mime.content import (
    UNREADABLE,
    ContentType,
    content_type_of,
    disposition_of,
    encoding_of,
    names_a_file,
)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"text/plain", ContentType("text/plain")),
        (b'TEXT/Plain ; charset = "UTF-8"; x=y', ContentType("text/plain", "utf-8")),
        (b'text/plain; charset="a\\"b"', ContentType("text/plain", 'a"b')),
        (b"text/plain (a comment); (another) charset=x", ContentType("text/plain", "x")),
        (b"text/plain; format=Flowed; delsp=YES", ContentType("text/plain", "", b"", True, True)),
        (b'multipart/mixed; boundary="a(1) "', ContentType("multipart/mixed", boundary=b"a(1)")),
        (b"Multipart/Mixed; BOUNDARY=ab", ContentType("multipart/mixed", boundary=b"ab")),
        (b"multipart/mixed; type=x; boundary=ab", ContentType("multipart/mixed", boundary=b"ab")),
        (b'multipart/mixed; boundary=""', ContentType("multipart/mixed", defect="boundary-missing")),
        (b"text/plain; charset*=utf-8''x", ContentType("text/plain", defect="content-type")),
        (b"text/plain; charset=a; charset=b", ContentType("text/plain", defect="content-type")),
        (b"text", UNREADABLE),
        (b"", UNREADABLE),
        (b"text/plain charset=x", UNREADABLE),
    ],
)
def test_content_type(value: bytes, want: ContentType) -> None:
    assert content_type_of(value) == want


def test_a_long_value_is_not_remembered() -> None:
    assert content_type_of(b"text/plain; x=" + b"y" * 200).name == "text/plain"


@pytest.mark.parametrize(
    ("value", "want"),
    [(b"Base64", "base64"), (b"7bit (really)", "7bit"), (b"x-uuencode", ""), (b"", "")],
)
def test_encoding(value: bytes, want: str) -> None:
    assert encoding_of(value) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"Inline; filename=x", "inline"),
        (b"ATTACHMENT", "attachment"),
        (b"form-data", "attachment"),
        (b"", "inline"),
    ],
)
def test_disposition(value: bytes, want: str) -> None:
    assert disposition_of(value) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (b"attachment; filename=x", True),
        (b"attachment; filename*0*=x", True),
        (b"text/plain; NAME = x", True),
        (b"text/plain; x-username=x", False),
        (b"text/plain", False),
    ],
)
def test_names_a_file(value: bytes, want: bool) -> None:
    assert names_a_file(value) is want
