"""Which texts are read by what is known of another one, and which anew."""

from itertools import count
from unittest.mock import patch

import pytest

from gateway.mime.scan import scan
from policies import footer_reading
from policies.footer_reading import STAND_IN, Reading, reading_of
from policies.way_out.circumstances import Circumstances

OURS = "https://o.example.org/u/"
LINK = OURS + "A" * 40
NUMBERS = count()


@pytest.fixture
def circumstances() -> Circumstances:
    """Circumstances under which nothing has been read yet."""
    return Circumstances((STAND_IN, OURS), ("https://example.com/leave",), frozenset({f"t{next(NUMBERS)}"}))


def reading(
    html: str, circumstances: Circumstances, head: str = "Content-Type: text/html; charset=utf-8"
) -> Reading:
    message = scan(f"{head}\r\n\r\n".encode() + html.encode())
    return reading_of(message, message.root, circumstances)


def is_merged(
    known: str, other: str, circumstances: Circumstances, head: str = "Content-Type: text/html; charset=utf-8"
) -> bool:
    """Whether the second text was read by the first."""
    reading(known, circumstances, head)
    with patch.object(footer_reading, "_read", wraps=footer_reading._read) as read:
        reading(other, circumstances, head)
    return not read.called


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ("<p>Dear Ann,</p> see you", "<p>Dear Bob,</p> see you"),
        ('<a href="https://a.example/1">Shop</a>', '<a href="https://a.example/2">Store</a>'),
        ("<p>Ann: unsubscribe by letter</p><p>x</p>", "<p>Ann: unsubscribe by letter</p><p>y</p>"),
        (f'<p>Ann <a href="{LINK}">here</a>', f'<p>Bob <a href="{LINK}">here</a>'),
        ('<p>Ann <a href="{{unsubscribe_url}}">x</a>', '<p>Robert <a href="{{unsubscribe_url}}">y</a>'),
    ],
)  # fmt: skip
def test_other_words_are_no_other_text(known: str, other: str, circumstances: Circumstances) -> None:
    assert is_merged(
        known.replace("letter", "letter" + " " * 300),
        other.replace("letter", "letter" + " " * 300),
        circumstances,
    )


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ('<a href="/1">Ann</a>', '<a href="/1">Unsubscribe</a>'),
        ('<a href="/1">Ann</a>', '<a href="/unsubscribe">Ann</a>'),
        ('<a href="/1">un<b>Ann</b></a>', '<a href="/1">un<b>subscribe</b></a>'),
        ('<a href="/1">&eacute;Ann</a>', '<a href="/1">&Uuml;nsubscribe</a>'),
        ("<p>Ann</p>", "<p>{{unsubscribe_url}}</p>"),
        ("<p>Ann</p>", "<p>&lt;% leave %></p>"),
        ('<a href="/1">Ann</a>', f'<a href="{LINK}">Ann</a>'),
        ('<a href="/1">Ann</a>', '<a href="https://example.com/leave?u=1">Ann</a>'),
        (f'<p>Ann</p><a href="{LINK}">x</a>', f'<p>Ann</p><a href="{LINK}B">x</a>'),
        (f'<p style="position:absolute">Ann</p><a href="{LINK}">x</a>', f'<p style="position:absolute">Bob</p><a href="{LINK}">x</a>'),
        ('<p>Ann</p><a href="https://example.com/unsubscribe">Unsubscribe</a>', '<p>Bob</p><a href="https://example.com/unsubscribe">Unsubscribe</a>'),
        ('<p>Ann</p><b title="x">unsubscribe</b> <i>x</i> <a href="/1">shop</a>', '<p>Ann</p><b title="x">unsubscribe</b> <i>x</i> <a href="/1">here</a>'),
        ("<p>unsubscribe " + "x " * 300 + " here</p><p>Ann</p>", "<p>unsubscribe " + "x " * 300 + " here</p><p>Bob</p>"),
        ("<p>Ann</p>" * 25, "<p>Bob</p>" * 25),
        ("<p>{{unsubscribe_url}}</p><template>", "<p>{{unsubscribe_url}}</p><template> "),
        ("<p>Ann</p>", "<b>Bob</b>"),
    ],
)  # fmt: skip
def test_what_has_to_do_with_leaving_is_read_anew(
    known: str, other: str, circumstances: Circumstances
) -> None:
    assert not is_merged(known, other, circumstances)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: text/html; charset=iso-8859-1",
        "Content-Type: text/x-amp-html; charset=utf-8",
        "Content-Type: text/html; charset=utf-7",
    ],
)
def test_other_charsets_and_amp_are_read_each_time(head: str, circumstances: Circumstances) -> None:
    first = reading("<p>Ann</p>", circumstances, head)
    assert first.known is None
    assert reading("<p>Bob</p>", circumstances, head).text.view == b"<p>Bob</p>"


def test_links_and_the_place_move_with_the_words(circumstances: Circumstances) -> None:
    known = '<p>Ann</p><a href="{{unsubscribe_url}}">x</a><p>Ann</p></body>'
    other = '<p>Alexandra</p><a href="{{unsubscribe_url}}">x</a><p>B</p></body>'
    reading(known, circumstances)
    moved = reading(other, circumstances)
    assert moved.known is None
    assert [other[site.start : site.end] for site in moved.sites] == ["{{unsubscribe_url}}"]
    assert moved.place is not None
    assert other[moved.place.at :] == "</body>"


def test_the_last_two_that_look_alike_are_compared(circumstances: Circumstances) -> None:
    for name in ("p", "b", "i"):
        reading(f"<{name}>Ann", circumstances)
    assert reading("<b>Bob", circumstances).known is None
    assert reading("<p>Bob", circumstances).known is not None


# Ways out of the sender's own --------------------------------------------------------------------------------

FAR = "<!-- -->" * 40


def theirs(reader: str, href: str, label: str = "Unsubscribe") -> str:
    return f'<p>Dear {reader},</p>{FAR}<p><a href="{href}">{label}</a></p>'


def both(
    known: tuple[str, tuple[str, ...]], other: tuple[str, tuple[str, ...]], reserved: frozenset[str]
) -> tuple[bool, Reading]:
    """Read two texts, each with what its header names; say whether the second was read by the first, and how."""
    first, second = (Circumstances((STAND_IN, OURS), named, reserved) for _, named in (known, other))
    reading(known[0], first)
    with patch.object(footer_reading, "_read", wraps=footer_reading._read) as read:
        found = reading(other[0], second)
    return not read.called, found


A, B = "https://n.example.com/unsub?u=1&v=1", "https://n.example.com/unsub?u=22&v=1"


@pytest.mark.parametrize(
    ("known", "other", "rule"),
    [
        ((theirs("Ann", A), ()), (theirs("Bob", A), ()), "words"),
        ((theirs("Ann", A), ()), (theirs("Bob", B), ()), "words"),
        ((theirs("Ann", A), (A,)), (theirs("Bob", B), (B,)), "header"),
        ((theirs("Ann", A.replace("&", "&amp;")), (A,)), (theirs("Bob", B.replace("&", "&amp;")), (B,)), "header"),
        ((theirs("Ann", A), (A,)), (theirs("Bob", A), (A,)), "header"),
        ((theirs("Ann", A, "x"), (A, "mailto:a@x.com")), (theirs("Bob", B, "x"), (B, "mailto:b@x.com")), "header"),
        ((theirs("Ann", A), ("https://n.example.com/unsub",)), (theirs("Bob", B), ("https://n.example.com/unsub",)), "header"),
        ((theirs("Ann", A), ("https://x.com/1",)), (theirs("Bob", B), ("https://x.com/2",)), "words"),
    ],
)  # fmt: skip
def test_a_way_out_for_another_reader(
    known: tuple, other: tuple, rule: str, circumstances: Circumstances
) -> None:
    merged, found = both(known, other, circumstances.reserved)
    assert merged
    assert (str(found.finding.verdict), found.finding.evidence.rule, found.finding.host) == (
        "sender",
        rule,
        "n.example.com",
    )


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ((theirs("Ann", A), ()), (theirs("Bob", B.replace("n.", "m.")), ())),  # another host
        ((theirs("Ann", A), ()), (theirs("Bob", B.replace("unsub", "x")), ())),  # which says less
        ((theirs("Ann", A), ()), (theirs("Bob", "https://n.example.com/*|UNSUB|*"), ())),
        ((theirs("Ann", A), ()), (theirs("Bob", "https://n.example.com/u/%%x%%"), ())),
        ((theirs("Ann", A), ()), (theirs("Bob", LINK), ())),
        ((theirs("Ann", A), ()), (theirs("Ann", A, "Shop"), ())),
        ((theirs("Ann", A), ()), (theirs("here", B), ())),
        ((theirs("Ann", A), (A,)), (theirs("Bob", B), ("https://n.example.com/unsub?u=3&v=1",))),
        ((theirs("Ann", A), (A,)), (theirs("Bob", A), (B,))),
        ((theirs("Ann", A), ()), (theirs("Bob", B), (B,))),
        ((theirs("Ann", A) + theirs("Ann", A), (A,)), (theirs("Bob", B) + theirs("Bob", A), (B,))),
        ((f"<style>a{{position:absolute}}</style>{theirs('Ann', A)}", ()), (f"<style>a{{position:absolute}}</style>{theirs('Bob', A)}", ())),
        (("<p>Ann</p>" + FAR, ()), ("<p>Bob</p>" + FAR + "", ("https://x.com/1", "<!-- -->"))),
    ],
)  # fmt: skip
def test_a_way_out_that_is_another_one(known: tuple, other: tuple, circumstances: Circumstances) -> None:
    merged, found = both(known, other, circumstances.reserved)
    assert not merged
    anew = Circumstances((STAND_IN, OURS), other[1], frozenset({f"t{next(NUMBERS)}"}))
    assert found.finding == reading(other[0], anew).finding
