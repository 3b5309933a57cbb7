import pytest

from gateway.mime.scan import DEPTH, FIELDS, HEADERS, LOOKALIKES, PARTS, scan


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def test_fields_keep_their_folds_and_their_case_in_the_bytes() -> None:
    message = scan(_crlf("Subject: one\n two\nX-A :b\n\nbody\n"))
    assert [field.name for field in message.fields] == [b"subject", b"x-a"]
    assert message.value(b"subject") == b"one two"
    assert message.value(b"x-a") == b"b"
    assert message.raw[message.root.body_start :] == b"body\r\n"
    assert message.defects == ()


@pytest.mark.parametrize(
    ("raw", "defects", "fields", "body_start"),
    [
        (b"", (), 0, 0),
        (b"\r\n", (), 0, 2),
        (b"\r\nbody", (), 0, 2),
        (b"A: b", (), 1, 4),
        (b"A: b\r\n", (), 1, 6),
        (b"A: b\r\n\r\n", (), 1, 8),
        (b"no field\r\nA: b\r\n\r\n", ("no-header",), 0, 0),
        (b" folded\r\nA: b\r\n\r\n", ("no-header",), 0, 0),
        (b"A: b\r\nno field\r\nC: d\r\n\r\n", ("header-line",), 2, 24),
        (b"A: b\rc\r\n\r\n", (), 1, 10),
        (b"\xc3\xa9: b\r\n\r\n", ("no-header",), 0, 0),
    ],
)
def test_header_sections(raw: bytes, defects: tuple[str, ...], fields: int, body_start: int) -> None:
    message = scan(raw)
    assert message.defects == defects
    assert len(message.fields) == fields
    assert message.root.body_start == body_start


def test_the_tree_of_parts() -> None:
    message = scan(
        _crlf(
            'Content-Type: multipart/mixed; boundary="a b"\n\npreamble\n--a bc\n--a b \n'
            "Content-Type: multipart/digest; boundary=d\n\n--d\n\nx\n--d--\n"
            "--a b\nContent-Type: Text/HTML; Charset=UTF-8\nContent-Transfer-Encoding: Base64\n"
            "Content-Disposition: INLINE\n\nhtml\n--a b\n\nplain\n--a b--\nepilogue\n--a b\nno part\n"
        )
    )
    assert message.defects == ()
    assert [part.content_type for part in message.root.walk()] == [
        *("multipart/mixed", "multipart/digest", "message/rfc822", "text/html", "text/plain")
    ]
    html = message.root.parts[1]
    assert (html.charset, html.encoding, html.disposition) == ("utf-8", "base64", "inline")
    assert message.raw[html.body_start : html.body_end] == b"html"
    plain = message.root.parts[2]
    assert message.raw[plain.body_start : plain.body_end] == b"plain"


_MULTI = "Content-Type: multipart/mixed; boundary=b\n"


@pytest.mark.parametrize(
    ("text", "defect", "parts"),
    [
        ("Content-Type: multipart/mixed\n\n", "boundary-missing", 0),
        ("Content-Type: multipart/mixed; boundary*0=b\n\n--b\n\n--b--", "boundary-missing", 0),
        ("Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--b\n\n--b--", "boundary-missing", 0),
        (_MULTI + "\n", "boundary-absent", 0),
        (_MULTI + "\n--b", "boundary-unclosed part-without-body", 1),
        (_MULTI + "\n--b\n\nx\n", "boundary-unclosed", 1),
        (_MULTI + "\n--b--", "", 0),
        (_MULTI + "\n--b\nContent-Type: text/plain\n--b--\n", "part-without-body", 1),
        (_MULTI + "\n--b\n--b--\n", "part-without-body", 1),
        (_MULTI + "\n--b\nno field\n\nx\n--b--\n", "part-header", 1),
        (_MULTI + "Content-Transfer-Encoding: base64\n\n--b\n\nx\n--b--\n", "content-encoding", 0),
        (_MULTI + _MULTI + "\n--b\n\nx\n--b--\n", "content-type", 0),
        ("Content-Type: nonsense\n\n", "content-type", 0),
        ("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n", "content-encoding", 0),
    ],
)
def test_defects(text: str, defect: str, parts: int) -> None:
    message = scan(_crlf(text))
    assert message.defects == tuple(defect.split())
    assert len(message.root.parts) == parts


def test_too_many_fields_are_not_read() -> None:
    message = scan(b"A: b\r\n" * (FIELDS + 5) + b"\r\n")
    assert len(message.fields) == FIELDS
    assert message.defects == ("too-many-fields",)
    assert len(scan(b"A: b\r\n" * FIELDS + b"\r\n").fields) == FIELDS


def test_too_many_parts_stay_closed() -> None:
    head, part, end = _crlf(_MULTI + "\n"), b"--b\r\n\r\nx\r\n", b"--b--\r\n"
    assert len(scan(head + part * PARTS + end).root.parts) == PARTS
    message = scan(head + part * (PARTS + 1) + end)
    assert message.defects == ("too-many-parts",)
    assert message.root.parts == ()


def test_too_deep_stays_closed() -> None:
    def nested(levels: int) -> bytes:
        text = b"Content-Type: text/plain\r\n\r\nx\r\n"
        for level in range(levels):
            mark = b"b%d." % level
            text = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n%b\r\n--%b--\r\n" % (
                mark,
                mark,
                text,
                mark,
            )
        return text

    assert scan(nested(DEPTH)).defects == ()
    assert scan(nested(DEPTH + 1)).defects == ("too-deep",)


def test_lines_that_are_no_fields_count_as_fields() -> None:
    message = scan(b"A: b\r\n" + b"x\r\n" * (FIELDS + 5) + b"\r\n")
    assert message.defects == ("header-line", "too-many-fields")


def test_a_header_section_that_is_too_large_is_not_read() -> None:
    def headed(octets: int) -> bytes:
        return b"A: " + b"x" * (octets - 5) + b"\r\n"

    assert scan(headed(HEADERS) + b"\r\nbody").defects == ()
    assert len(scan(headed(HEADERS) + b"\r\nbody").fields) == 1
    for raw in (headed(HEADERS + 1) + b"\r\nbody", headed(HEADERS + 1), b"x" * (HEADERS + 1)):
        message = scan(raw)
        assert message.defects == ("header-too-large",)
        assert message.fields == ()
        assert (message.root.body_start, message.root.body_end) == (0, len(raw))


def test_the_header_sections_of_all_parts_share_the_limit() -> None:
    part = b"--b\r\nA: " + b"x" * (HEADERS // 2) + b"\r\n\r\nx\r\n"
    message = scan(_crlf(_MULTI + "\n") + part * 3 + b"--b--\r\n")
    assert message.defects == ("header-too-large",)
    assert [len(one.fields) for one in message.root.parts] == [1, 0, 0]


def test_lines_like_boundaries_are_bounded() -> None:
    head, lookalike, end = _crlf(_MULTI + "\n"), b"--bX\r\n", b"--b\r\n\r\nx\r\n--b--\r\n"
    assert scan(head + lookalike * LOOKALIKES + end).defects == ()
    message = scan(head + lookalike * (LOOKALIKES + 1) + end)
    assert message.defects == ("too-many-parts",)
    assert message.root.parts == ()


def test_what_is_looked_through_on_each_level_is_bounded() -> None:
    text = b"Content-Type: text/plain\r\n\r\n" + b"x" * 2_000_000 + b"\r\n"
    for level in range(DEPTH):
        mark = b"b%d." % level
        text = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n%b\r\n--%b--\r\n" % (
            *(mark, mark, text, mark),
        )
    assert scan(text).defects == ("too-deep",)


def test_a_content_field_of_many_lines_says_nothing_known() -> None:
    long = ";" + "x" * 40_000 + "\n"
    message = scan(
        _crlf(
            f"Content-Type: text/html{long}Content-Disposition: inline{long}Content-Transfer-Encoding: 8bit{long}\n"
        )
    )
    assert message.defects == ("content-type",)
    assert (message.root.encoding, message.root.disposition) == ("", "attachment")
