"""Whatever comes in, rewriting changes only what it says it changes, and readers read the rest as before."""

import binascii
import email
import email.policy
import quopri
from dataclasses import replace

import pytest
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.mime.structure import Room, bodies
from gateway.mime.transfer import Untouchable, decode, place, quoted
from gateway.model.address import Address
from gateway.model.facts import Account, AccountState, Client, ConsentLevel, MailList, OverQuota, RewriteFacts
from gateway.model.message import Message, Part
from gateway.pipeline.rewrite import rewrite
from gateway.pipeline.shelf import Shelf
from policies import footer, list_headers, own_headers, trace_headers
from policies.way_out.placeholders import may_hold

_ACCOUNT = Account(
    7, "acme", AccountState.ACTIVE, "", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, frozenset(), (), None
)
_FACTS = RewriteFacts(
    account=_ACCOUNT,
    mail_list=MailList(3, 7, "news.example.com", "Gr\u00fc\u00dfe & News"),
    submission_id="01KDV8T400ABCDEFGHJKMNPQRS",
    recipient=Address("reader", "example.net"),
    client=Client("192.0.2.7", 50000, "client.example.com", "ESMTPSA", authenticated=True),
    hostname="mx.example.org",
    received_at=1767225600.5,
    unsubscribe_url="https://mail.example.org/u/AQEB-x?a=1&b=2",
    unsubscribe_mailto="mailto:unsubscribe@mx.example.org?subject=AQEB-x",
    abuse_url="https://mail.example.org/r/AQEC-x",
    why_url="https://mail.example.org/w/AQED-x",
    single_recipient=True,
)
_SHELF = Shelf.of(
    [build({}) for build in (own_headers.build, trace_headers.build, list_headers.build, footer.build)]
)
# Received grows at each hop by design; the header of our own would hide whether the link is found in the text.
_SECOND = Shelf.of([list_headers.build({}), footer.build({"own_header_counts": False})])

# Messages ------------------------------------------------------------------------------------------------

_CHARSETS = (
    "us-ascii",
    "utf-8",
    "iso-8859-1",
    "windows-1252",
    "koi8-r",
    "shift_jis",
    "gb18030",
    "big5",
    "euc-kr",
)
_SHIFTED = ("iso-2022-jp", "utf-7", "hz")
_LEFT_OPEN = (
    *(
        "<table><tr><td>",
        "<div style='display:none'>",
        "<a href='x'>",
        "<p><font color='white'>",
        "<!-- ",
        "<select>",
    ),
    *(
        "<textarea>",
        "<script>",
        "<p title='</body>'>",
        '<a href="',
        "<svg><desc>",
        "<plaintext>",
        "</body></body>",
    ),
    *("<![CDATA[</body>]]>", "<!--[if mso]></body><![endif]-->", "<template>", "<title>"),
)
_ENCODINGS = ("7bit", "8bit", "quoted-printable", "base64")
# Without placeholders: Hypothesis tries the texts that stand in our own modules too.
_words = st.text(
    st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="{"), max_size=60
).filter(lambda words: not may_hold(words.lower().encode()))


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = draw(st.lists(_words, max_size=8))
    text = "\r\n".join(lines)
    if draw(st.booleans()):
        text = f"<html><body>{text}{draw(st.sampled_from(('', '', *_LEFT_OPEN)))}</body></html>"
    return text + draw(st.sampled_from(["", "\r\n", " ", "\u00e9", "\u00e9\r\n"]))


def _encoded(octets: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    if encoding == "base64":
        return binascii.b2a_base64(octets, newline=False) if len(octets) < 50 else _lines_of_base64(octets)
    return octets


def _lines_of_base64(octets: bytes) -> bytes:
    text = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)) + b"\r\n"


@st.composite
def text_parts(draw: st.DrawFn) -> bytes:
    charset, encoding = draw(st.sampled_from(_CHARSETS)), draw(st.sampled_from(_ENCODINGS))
    octets = draw(texts()).encode(charset if encoding != "7bit" else "ascii", "replace")
    if draw(st.integers(0, 9)) == 0:
        charset = draw(st.sampled_from(_SHIFTED))
        octets = (draw(texts()) + draw(st.sampled_from(["", "\u65e5\u672c", "\u65e5\r\n"]))).encode(
            charset, "replace"
        )
    elif draw(st.integers(0, 9)) == 0:
        charset, encoding = draw(st.sampled_from(["utf-16", "utf-16le", "utf-16be"])), "base64"
        octets = draw(texts()).encode(charset)
    subtype = draw(st.sampled_from(["plain", "plain; format=flowed; delsp=yes", "html", "x-amp-html"]))
    head = f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return head.encode() + b"\r\n" + _encoded(octets, encoding)


@st.composite
def attachments(draw: st.DrawFn) -> bytes:
    head = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    head += b'Content-Disposition: attachment; filename="x.bin"\r\n\r\n'
    return head + _lines_of_base64(draw(st.binary(max_size=200)))


def _multiparts(below: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    def put_together(kind: str, number: int, parts: list[bytes]) -> bytes:
        boundary = f"=_{number}".encode()
        head = f'Content-Type: multipart/{kind}; boundary="=_{number}"\r\n\r\n'.encode()
        return (
            head
            + b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
            + b"--"
            + boundary
            + b"--\r\n"
        )

    kinds = st.sampled_from(["alternative", "mixed", "related"])
    numbers = st.integers(10**6, 10**9)  # boundaries that are no prefix of one another, in all likelihood
    return st.builds(put_together, kinds, numbers, st.lists(below, min_size=1, max_size=3))


entities = st.recursive(text_parts() | attachments(), _multiparts, max_leaves=6)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    head = b"From: news@example.com\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
    if draw(st.booleans()):
        head += b"Bcc: a@example.net,\r\n b@example.net\r\nX-Consentry-List: news.example.com\r\n"
    return head + draw(entities)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    raw = draw(messages())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        cut = draw(st.integers(0, 20))
        new = draw(
            st.sampled_from(
                [
                    b"",
                    b"\r\n",
                    b"\r\n\r\n",
                    b"=",
                    b"--",
                    b"\x00",
                    b"\r",
                    b"\n",
                    b" {{unsubscribe_url}} ",
                    b"<!--",
                ]
            )
        )
        raw = raw[:at] + new + raw[at + cut :]
    return raw


anything = st.binary(max_size=300) | messages() | mutations()


def _rewritten(message: Message) -> bytes:
    return apply(message.raw, rewrite(_SHELF, message, _FACTS))


Shape = tuple[str, str, str, list["Shape"]]


def _shape(part: Part) -> Shape:
    return part.content_type, part.encoding, part.charset, [_shape(one) for one in part.parts]


_OURS: Shape = ("text/plain", "quoted-printable", "utf-8", [])


def _announced(message: Message) -> Shape:
    """The tree of parts that a message has to have when it was rewritten."""
    before = _shape(message.root)
    match footer.explain(message):
        case outcome if outcome.startswith("added, wrapped"):
            encoding = before[1] if before[1] in {"8bit", "binary"} else "7bit"
            below = bodies(message).room is Room.WRAP_AFTER
            return "multipart/mixed", encoding, "", [before, _OURS] if below else [_OURS, before]
        case "added, as a part":
            return *before[:3], [_OURS, *before[3]]
        case _:
            return before


# Properties ----------------------------------------------------------------------------------------------


@given(anything)
@example(b"")
@example(b"\r\n")
@example(b"A:\r\n\r\n")
@example(b" folded: nothing\r\n\r\n")
def test_any_octets_give_a_result_and_what_no_splice_names_stays(raw: bytes) -> None:
    message = scan(raw)
    splices = rewrite(_SHELF, message, _FACTS)
    out = apply(raw, splices)
    at = place_in_out = 0
    for splice in splices:
        kept = raw[at : splice.start]
        assert out[place_in_out : place_in_out + len(kept)] == kept
        place_in_out += len(kept)
        assert out[place_in_out : place_in_out + len(splice.new)] == splice.new
        place_in_out += len(splice.new)
        at = splice.end
    assert out[place_in_out:] == raw[at:]


@given(anything)
def test_offsets_lie_within_the_message_and_within_one_another(raw: bytes) -> None:
    message = scan(raw)
    for part in message.root.walk():
        assert 0 <= part.start <= part.body_start <= part.body_end <= len(raw)
        for field in part.fields:
            assert part.start <= field.start < field.colon <= field.end <= part.body_start
            assert raw[field.start : field.colon].lower().rstrip(b" \t:").startswith(field.name)
        for child in part.parts:
            assert part.body_start <= child.start <= child.body_end <= part.body_end


@given(anything)
def test_no_bare_line_end_appears(raw: bytes) -> None:
    message = scan(raw)
    # A Content-* field that moves into a part of a wrapped message takes along what its sender wrote.
    theirs = raw.replace(b"\r\n", b"")
    for splice in rewrite(_SHELF, message, _FACTS):
        bare = splice.new.replace(b"\r\n", b"")
        assert not [octet for octet in b"\r\n\0" if octet in bare and octet not in theirs]


@given(messages())
def test_the_tree_of_parts_stays_the_same(raw: bytes) -> None:
    message = scan(raw)
    again = scan(_rewritten(message))
    assert _shape(again.root) == _announced(message)
    assert again.defects == message.defects


@pytest.mark.parametrize(
    "head", [b"MIME-Version: 1.0", b"A: b", b"Content-Transfer-Encoding: 8bit", b"Content-ID: <a>"]
)
def test_a_wrapped_message_has_one_mime_version(head: bytes) -> None:
    message = scan(head + b"\r\n\r\nx\ry")
    assert footer.explain(message) == "added, wrapped: bare-newline"
    assert [field.name for field in scan(_rewritten(message)).fields].count(b"mime-version") == 1


@given(messages() | mutations())
def test_rewriting_twice_adds_nothing_twice(raw: bytes) -> None:
    once = _rewritten(scan(raw))
    message = scan(once)
    assume("no-header" not in message.defects)
    other = replace(_FACTS, unsubscribe_url="https://mail.example.org/u/OTHER")
    again = apply(once, rewrite(_SECOND, message, other))
    before, after = scan(once), scan(again)
    assert again[after.root.body_start :] == once[before.root.body_start :]
    assert sorted(field.name for field in after.fields) == sorted(field.name for field in before.fields)


@given(messages())
def test_an_independent_reader_finds_the_old_text_and_the_footer(raw: bytes) -> None:
    out = _rewritten(scan(raw))
    before = [part for part in email.message_from_bytes(raw).walk() if not part.is_multipart()]
    after = [part for part in email.message_from_bytes(out).walk() if not part.is_multipart()]
    if footer.explain(scan(raw)).startswith(("added, wrapped", "added, as a part")):
        ours = after.pop(-1 if bodies(scan(raw)).room is Room.WRAP_AFTER else 0)
        assert "https://mail.example.org/u/AQEB-x?a=1&b=2" in ours.get_payload(decode=True).decode()
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        was, now = old.get_payload(decode=True), new.get_payload(decode=True)
        if was == now:
            continue
        assert old.get_content_disposition() != "attachment"
        start, end = _inserted(was, now)
        assert now[:start] + now[end:] == was
        html = old.get_content_type() != "text/plain"
        link = f"https://mail.example.org/u/AQEB-x?a=1&{'amp;' if html else ''}b=2"
        # The footer is right in the part's charset.
        assert now.decode(new.get_content_charset("ascii")).count(link) == 1
        if html and now.isascii():
            shown = LexborHTMLParser(now).body.css_first(
                "a[href='https://mail.example.org/u/AQEB-x?a=1&b=2']"
            )
            assert shown.parent.parent.tag == "body"


def _inserted(was: bytes, now: bytes) -> tuple[int, int]:
    """Where something stands in ``now`` that does not in ``was``."""
    start = next(
        (i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now))
    )
    return start, start + len(now) - len(was)


@given(messages())
def test_lines_of_the_new_text_fit(raw: bytes) -> None:
    message = scan(raw)
    out = scan(_rewritten(message))
    for part in out.root.walk():
        if part.encoding == "quoted-printable" and not part.parts:
            assert all(len(line) <= 76 for line in out.raw[part.body_start : part.body_end].split(b"\r\n"))
    assert all(len(line) <= 998 for line in out.raw.split(b"\r\n"))


# Transfer encodings alone --------------------------------------------------------------------------------

_octets = st.lists(
    st.binary(max_size=90).map(lambda b: b.replace(b"\r", b".").replace(b"\n", b".")), max_size=6
).map(b"\r\n".join)


@given(_octets)
def test_quoted_printable_is_what_two_decoders_read(octets: bytes) -> None:
    text = quoted(octets)
    assert binascii.a2b_qp(text) == octets
    assert quopri.decodestring(text) == octets
    assert all(len(line) <= 76 for line in text.split(b"\r\n"))
    assert len(text.rpartition(b"\r\n")[2]) <= 75
    assert not text.replace(b"\r\n", b"").strip(bytes(range(32, 127)) + b"\t")


@given(_octets, st.sampled_from(["8bit", "quoted-printable", "base64"]), st.data())
def test_a_gap_is_filled_and_nothing_else_changes(octets: bytes, encoding: str, data: st.DataObject) -> None:
    body = _encoded(octets, encoding) if encoding != "quoted-printable" else quoted(octets)
    # A line end is one thing: nothing goes between its halves.
    places = [i for i in range(len(octets) + 1) if octets[i - 1 : i + 1] != b"\r\n"]
    points = sorted(data.draw(st.lists(st.sampled_from(places), max_size=6, unique=True)))
    points = points[: len(points) // 2 * 2] or [0, 0]
    gaps = list(zip(points[::2], points[1::2], strict=False))
    news = [data.draw(_octets.filter(bool)) for _ in gaps]
    raw = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body
    message = scan(raw)
    assert decode(raw, message.root) == octets
    out = apply(raw, place(raw, message.root, octets, gaps).fill(news))
    want, at = b"", 0
    for (start, end), new in zip(gaps, news, strict=True):
        want += octets[at:start] + new
        at = end
    assert decode(out, scan(out).root) == want + octets[at:]


@given(
    st.binary(max_size=200),
    st.sampled_from(["7bit", "quoted-printable", "base64", "x-odd"]),
    st.integers(0, 200),
)
def test_any_body_is_changed_rightly_or_not_at_all(body: bytes, encoding: str, point: int) -> None:
    raw = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body
    message = scan(raw)
    try:
        octets = decode(raw, message.root)
        at = min(point, len(octets))
        out = apply(raw, place(raw, message.root, octets, [(at, at)]).fill([b"\r\nnew\r\n"]))
    except Untouchable as untouchable:
        event(untouchable.reason)
        return
    assert decode(out, scan(out).root) == octets[:at] + b"\r\nnew\r\n" + octets[at:]


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_a_big_part_is_quick(encoding: str) -> None:
    octets = b"All work and no play makes Jack a dull boy = \xc3\xa9.\r\n" * 20_000
    raw = (
        b"Content-Transfer-Encoding: "
        + encoding.encode()
        + b"\r\n\r\n"
        + (quoted(octets) if encoding != "base64" else _lines_of_base64(octets))
    )
    message = scan(raw)
    splices = place(raw, message.root, decode(raw, message.root), [(len(octets) - 5, len(octets) - 5)]).fill(
        [b"x"]
    )
    assert len(splices[0].new) < 200
