"""A text that is a known one with other words in it is read as if the known one had never been."""

from collections.abc import Iterable
from itertools import chain, count

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mime.scan import scan
from policies.footer_reading import STAND_IN, Reading, reading_of
from policies.way_out.circumstances import Circumstances
from policies.way_out.forms import SERVICES

OURS = "https://o.example.org/u/"
HEAD = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
FRESH = count()

MARKUP = (
    *("<p>", "</p>", "<a href='", '<a href="', "'>", '">', "</a>", '<a href="https://a.example/">', '<a class="x" href="'),
    *("<!-- ", " -->", "<style>", "</style>", "<script>", "</script>", "<img alt='", "<br>", "<table><tr><td>", "</table>"),
    *('<div style="', "<div hidden>", "</div>", "a{display:none}", "display:none", "position:absolute", "<title>", "</title>"),
    *("<svg>", "<select>", "<textarea>", "<template>", "</template>", "<![CDATA[", "]]>", "<", ">", '"', "\r\n", "\r\n", " "),
    *("<body>", "</body>", "</html>", "<head>", "</head>", "<b>", "</b>", "<area href=x>", "<plaintext>", "<frameset>", *SERVICES),
)  # fmt: skip
WORDS = (
    *("", " ", "Ann", "Bob Smith", "Zo\u00eb", "-", "\u2014", "unsub", "scribe", "Unsubscribe", "here", "click here", "leave"),
    *("display", "none", "https://a.example/x?u=1", "https://a.example/y?u=22&amp;z=3", "mailto:a@example.com", "a/unsub/9"),
    *(OURS, OURS + "A" * 40, "&amp;", "&eacute;", "&#117;", "&unknown;", "{{name}}", "%name%", "x > y", "position", "a'b", 'a"b'),
)  # fmt: skip
word, name = (
    st.sampled_from(WORDS),
    st.sampled_from(("Ann", "Bob Smith", "Zo\u00eb", "Jo-Anne, dear", "x7f", "none")),
)
same = (word | name).map(lambda one: (one, one))
either = same | st.tuples(name, name) | same | st.tuples(name, word)  # in the known text, in the other
SOUP = st.lists(either | st.sampled_from(MARKUP).map(lambda one: (one, one)), max_size=40)


def _joined(lists: Iterable[list]) -> list:
    return list(chain.from_iterable(lists))


def _element(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Return markup that is closed as it should be, around what ``inner`` gives."""
    names = st.sampled_from(("p", "td", "table", "div", "b", "a", "h1", "style", "title", "span"))
    links = either.map(lambda pair: [('<a href="', '<a href="'), pair, ('">', '">')])
    whole = st.tuples(names, inner).map(lambda one: [(f"<{one[0]}>",) * 2, *one[1], (f"</{one[0]}>",) * 2])
    link = st.tuples(links, inner).map(lambda one: [*one[0], *one[1], ("</a>",) * 2])
    return st.lists(whole | link | inner, max_size=5).map(_joined)


ROWS = (
    "<p>Dear |,</p>\r\n", '<p>| <a href="https://a.example/|">|</a> |</p>\r\n', '<a href="|"><img alt="|"></a>', "<td>|\r\n| x</td>",
    '<div style="display:none">|</div>', "<h1>| for you</h1>", "<style>p{color:|}</style>", '<a href="{{unsubscribe_url}}">|</a>',
    "<p>Hello |,</p>" + "<!-- -->" * 40, '<a href="https://n.example.com/unsub?u=|&amp;v=1">Unsubscribe</a>', '<p><a href="https://n.example.com/|">Leave</a>',
    '<a href="|">unsubscribe</a> <i>here</i>', '<a href="https://n.example.com/|" style="color:#fff">Unsubscribe</a>', "<style>a{color:red}</style>",
    f'<p style="position:absolute">|</p><a href="{OURS}{"B" * 40}">|</a>', "<!-- | -->", "<p>un<b>|</b>scribe |</p>", "</body>|</html>",
)  # fmt: skip


def _filled(row: str) -> st.SearchStrategy:
    """Return a row of a page with words in its gaps."""
    text = [st.just([(piece, piece)]) for piece in row.split("|")]
    gaps = [either.map(lambda pair: [pair]) for _ in text[1:]]
    return st.tuples(*[one for pair in zip(text, [*gaps, st.just([])], strict=True) for one in pair]).map(
        _joined
    )


NAMED = st.sampled_from(
    (
        (),
        ("https://example.com/leave",),
        ("https://n.example.com/unsub?u=Ann&v=1",),
        ("https://n.example.com/none", "mailto:a@example.com"),
        ("https://n.example.com/unsub?u=none&v=1",),
    )
)
PAGES = st.lists(st.sampled_from(ROWS).flatmap(_filled), max_size=8).map(_joined)
NESTED = st.recursive(either.map(lambda pair: [pair]), _element, max_leaves=20)


def reading(html: str, circumstances: Circumstances) -> Reading:
    message = scan(HEAD + html.encode())
    return reading_of(message, message.root, circumstances)


@given(SOUP | NESTED | PAGES, NAMED, NAMED, st.booleans())
@settings(max_examples=300)
def test_it_is_read_as_if_nothing_were_known(
    pieces: list[tuple[str, str]], before: tuple[str, ...], named: tuple[str, ...], same_header: bool
) -> None:
    known, other = ("".join(piece[side] for piece in pieces) for side in (0, 1))
    # Nothing is remembered of one text in a house where other names count as real.
    here, elsewhere = (frozenset({str(next(FRESH))}) for _ in "12")
    reading(known, Circumstances((STAND_IN, OURS), named if same_header else before, here))
    merged = reading(other, Circumstances((STAND_IN, OURS), named, here))
    anew = reading(other, Circumstances((STAND_IN, OURS), named, elsewhere))
    assert merged.finding == anew.finding
    assert merged.sites == anew.sites
    assert (merged.place, merged.reason, merged.armoured) == (anew.place, anew.reason, anew.armoured)
