"""A tenant's file as rows and faults."""

import pytest

from gateway.imports.lines import LONGEST
from gateway.imports.reading import Fault, Form, Kind, Place, Reader, Row, UnreadableFile

JSON = Form(Kind.NDJSON)


def rows(text, form=None):
    octets = text if isinstance(text, bytes) else text.encode()
    return list(Reader([octets], form or Form()))


def said(text, form=None):
    return [
        (one.line, one.address) if isinstance(one, Row) else (one.line, one.reason)
        for one in rows(text, form)
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Email,Confirmed_At,IP,Source\na@b.example,2024-01-02,192.0.2.1,shop\n",
         [Row(2, "a@b.example", "2024-01-02", "192.0.2.1", "shop")]),
        ("name;e-mail\nAnna; a@b.example \n\n \nBob;b@b.example", [Row(2, "a@b.example", "", "", ""), Row(5, "b@b.example", "", "", "")]),
        ("a@b.example\nb@b.example\n", [Row(1, "a@b.example", "", "", ""), Row(2, "b@b.example", "", "", "")]),
        ("\n\nemail\na@b.example\n", [Row(4, "a@b.example", "", "", "")]),
        ('email,name\n"a@b.example","Doe, ""Jane"""\n', [Row(2, "a@b.example", "", "", "")]),
        ('email,name\na@b.example,"two\nlines"\nb@b.example,x\n',
         [Row(3, "a@b.example", "", "", ""), Row(4, "b@b.example", "", "", "")]),
        ('"email"\t"time"\n"a@b.example"\t"1700000000"\n', [Row(2, "a@b.example", "1700000000", "", "")]),
    ],
)  # fmt: skip
def test_rows(text, wanted):
    found = rows(text)
    assert [(one.address, one.at, one.ip, one.source) for one in found] == [
        (one.address, one.at, one.ip, one.source) for one in wanted
    ]
    assert [one.line for one in found if "two" not in text] == [
        one.line for one in wanted if "two" not in text
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("email,name\na@b.example\n", (2, "the line does not have 2 columns, as the first one has, but 1")),
        (
            "email,name\na@b.example,x,y\n",
            (2, "the line does not have 2 columns, as the first one has, but 3"),
        ),
        (b"email\na\xe4@b.example\n", (2, "the line is no text in utf-8")),
        (b"email\na\x00@b.example\n", (2, "the line holds a NUL")),
        (b"email\n" + b"x" * (LONGEST + 5) + b"\n", (2, f"the line is longer than {LONGEST} octets")),
        ('email,name\na@b.example,"x"y\n', (2, "the quotes of the line are wrong (RFC 4180)")),
        ('email,name\na@b.example,"x', (2, "a quote is opened and never closed")),
    ],
)
def test_a_fault_has_its_line_and_its_reason(text, wanted):
    assert said(text) == [wanted]


def test_a_quote_that_is_never_closed_costs_its_own_line():
    body = "".join(f"p{number}@b.example,x\n" for number in range(100))
    found = said(f'email,name\nbad@b.example,"x\n{body}')
    assert found[0] == (2, "a quote is opened and never closed")
    assert found[1:] == [(number + 3, f"p{number}@b.example") for number in range(100)]


def test_a_quote_with_a_nul_behind_it_costs_two_lines():
    found = said(b'email,name\nbad@b.example,"x\n\x00,y\na@b.example,y\n')
    assert found == [
        (2, "a quote is opened and never closed"),
        (3, "the line holds a NUL"),
        (4, "a@b.example"),
    ]


def test_wrong_quotes_over_two_lines_give_the_second_back():
    found = said('email,name\nbad@b.example,"x\ny"z\na@b.example,y\n')
    assert found[0] == (2, "the quotes of the line are wrong (RFC 4180)")
    assert found[-1] == (4, "a@b.example")


def test_columns_are_chosen_by_name_or_number():
    form = Form(address="mail", at="2", source="Form")
    assert rows("mail,when,form\na@b.example,2024,here\n", form) == [
        Row(2, "a@b.example", "2024", "", "here")
    ]
    form = Form(at="1")
    assert rows("2024,a@b.example\n", form) == [Row(1, "a@b.example", "2024", "", "")]


@pytest.mark.parametrize(
    ("text", "form", "reason"),
    [
        ("", Form(), "empty"),
        ("\n\n", Form(), "empty"),
        ("name,age\nx,1\n", Form(), "no column is named"),
        ("email\nx\n", Form(at="3"), "no column 3"),
        ("email\nx\n", Form(at="when"), "no column when"),
        ("a@b.example\n", Form(address="0"), "no column 0"),
        ("x" * (LONGEST + 1), Form(), "too long"),
        (b"\xff\xfa\n", Form(), "no text"),
        ("em\0ail\n", Form(), "no text"),
        (",".join("x" * 501), Form(), "501 columns"),
        ('"email\nx', Form(), "cannot be split"),
        ("email\n", Form(encoding="rot13"), "no such encoding"),
    ],
)
def test_what_cannot_be_read_at_all(text, form, reason):
    with pytest.raises(UnreadableFile, match=reason):
        rows(text, form)


def test_another_encoding():
    form = Form(encoding="latin-1")
    assert said("email\nä@b.example\n".encode("latin-1"), form) == [(2, "ä@b.example")]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('{"email": "a@b.example", "time": 1700000000, "ip": "192.0.2.1", "source": "x"}',
         Row(1, "a@b.example", "1700000000", "192.0.2.1", "x")),
        ('{"email": "a@b.example", "time": 1.5, "ip": null}', Row(1, "a@b.example", "1.5", "", "")),
        ('{"email": "a@b.example", "time": true}', Row(1, "a@b.example", "", "", "")),
        ('{"email": 7}', Fault(1, "the object has no address")),
        ("[1]", Fault(1, "the line is no JSON object")),
        ("{", Fault(1, "the line is no JSON")),
        ('{"email": "a\\u0000@b.example"}', Fault(1, "the line holds a NUL")),
        ("[" * 60_000, Fault(1, "the line is no JSON")),
        ("x" * (LONGEST + 1), Fault(1, f"the line is longer than {LONGEST} octets")),
        (b'{"email": "\xff@b.example"}', Fault(1, "the line is no JSON")),
        ('{"email": "\\ud800@b.example"}', Fault(1, "the line is no JSON")),
    ],
    ids=range(11),
)  # fmt: skip
def test_ndjson(line, wanted):
    assert rows(line, JSON) == [wanted]


def test_ndjson_columns_are_keys():
    form = Form(Kind.NDJSON, address="who", at="when")
    assert rows('{"who": "a@b.example", "when": "2024", "email": "x"}', form) == [
        Row(1, "a@b.example", "2024", "", "")
    ]


FILE = b'email,name\na@b.example,"x\ny"\nb@b.example,"z\nc@b.example,x\n\nd@b.example,x\n'


@pytest.mark.parametrize("after", range(5))
def test_reading_goes_on_where_it_stood(after):
    whole = rows(FILE)
    first = Reader([FILE], Form())
    items = iter(first)
    taken = [next(items) for _ in range(after)]
    place = first.place if taken else Place()
    assert [*taken, *Reader([FILE], Form(), place)] == whole


def test_another_file_is_not_gone_on_with():
    reader = Reader([FILE], Form())
    items = iter(reader)
    next(items)
    with pytest.raises(UnreadableFile, match="not the one"):
        Reader([FILE.replace(b"a@b", b"e@b")], Form(), reader.place)
    with pytest.raises(UnreadableFile, match="not the one"):
        Reader([b"email,name\n"], Form(), reader.place)
