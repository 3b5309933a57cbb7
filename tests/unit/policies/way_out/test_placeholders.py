"""Placeholders of other services become links, wherever they stand; ordinary text stays."""

import pytest

from gateway.mime.transfer import Untouchable
from policies.way_out.forms import SERVICES
from policies.way_out.placeholders import Form, sites, unmistakable

URL = "https://o.example.org/u/T?a=1&b=2"
BARE, MARKUP = URL, "https://o.example.org/u/T?a=1&amp;b=2"
LINK = f'<a href="{MARKUP}">'


def _filled(text: str, form: Form, ours: tuple[str, ...] = ()) -> str:
    octets = text.encode()
    pieces, at = [], 0
    for site in sites(octets, form, ours):
        assert site.gap[0] >= at
        pieces += [octets[at : site.start], site.fill(URL)]
        at = site.end
    return b"".join((*pieces, octets[at:])).decode()


def html(text: str) -> str:
    return _filled(text, Form.HTML)


def plain(text: str) -> str:
    return _filled(text, Form.PLAIN)


@pytest.mark.parametrize("form", SERVICES)
def test_no_service_s_placeholder_reaches_a_reader_raw(form: str) -> None:
    assert plain(f"Bye: {form}").startswith(("Bye: " + BARE, "Bye: click here: ", "Bye: leave: "))
    in_text = html(f"<p>{form}</p>")
    assert in_text.startswith(f"<p>{LINK}")
    assert in_text.endswith("</a></p>")
    if "leave</" not in form and "leave[" not in form:
        assert html(f'<a href="{form}">x</a>') == f"{LINK}x</a>"
        assert html(f"<a href='{form}'>x</a>") == f"<a href='{MARKUP}'>x</a>"
        assert html(f"<a href={form}>x</a>") == f"<a href={MARKUP}>x</a>" or " " in form or ">" in form


@pytest.mark.parametrize(
    ("written", "want"),
    [
        # As editors write them into attributes.
        ('<a href="%7B%7Bunsubscribe_url%7D%7D">', LINK),
        ('<a href="%7b%7b%20unsubscribe%5Furl%20%7d%7d">', LINK),
        ('<a href="&#123;&#123;unsubscribe_url&#125;&#125;">', LINK),
        ('<a href="&#x7B;&lcub;unsubscribe_url&rcub;&#x7d;">', LINK),
        ('<a href="*%7CUNSUB%7C*">', LINK),
        ('<a href="%5Bunsubscribe%5D">', LINK),
        ('<a href="&lt;%asm_group_unsubscribe_raw_url%&gt;">', LINK),
        ('<a href="%3C%25%20%25%3E">', LINK),
        # With a scheme before them, and a slash behind what was taken for a host.
        ('<a href="http://{{unsubscribe_url}}">', LINK),
        ('<a href="https:%2F%2F[unsubscribe]/">', LINK),
        ('<a href="mailto:%unsubscribe_email%">', LINK),
        ('<a href="http://<% %>/">', LINK),
        # Within another URL, in percents.
        (
            '<a href="https://t.example.org/?to={{unsubscribe_url}}&amp;x=1">',
            '<a href="https://t.example.org/?to=https%3A%2F%2Fo.example.org%2Fu%2FT%3Fa%3D1%26b%3D2&amp;x=1">',
        ),
        # The author's own link around it.
        ('<a href="{{unsubscribe_url}}">{{unsubscribe_url}}</a>', f"{LINK}{MARKUP}</a>"),
        ("<a href=x><unsubscribe>off</unsubscribe></a>", "<a href=x>off</a>"),
        ("<a href=x>y</a> {{unsubscribe_url}}", f"<a href=x>y</a> {LINK}{MARKUP}</a>"),
        # Where a link cannot be.
        ("<title>{{unsubscribe_url}}</title>", f"<title>{MARKUP}</title>"),
        ("<!-- {{unsubscribe_url}} -->", f"<!-- {MARKUP} -->"),
        ("<script>'{{unsubscribe_url}}'</script>", f"<script>'{MARKUP}'</script>"),
        ('<!--[if mso]><a href="[unsubscribe]">x</a><![endif]-->', f"<!--[if mso]>{LINK}x</a><![endif]-->"),
        # Quotes and signs around it that look like something else.
        ("<a title='a > b' href='{{unsubscribe_url}}'>", f"<a title='a > b' href='{MARKUP}'>"),
        ("<p>1 < 2 {{unsubscribe_url}}", f"<p>1 < 2 {LINK}{MARKUP}</a>"),
        ("<<<<{{unsubscribe}}", f"<<<<{LINK}Unsubscribe</a>"),
        ("{{unsubscribe}}", f"{LINK}Unsubscribe</a>"),
        # Labels, and what services would do with a value.
        ("<p>{% unsubscribe 'Off &amp; away' %}", f"<p>{LINK}Off &amp; away</a>"),
        ('<p>{% unsubscribe "Off" %}', f"<p>{LINK}Off</a>"),
        ("<p>{% unsubscribe &quot;Off&quot; %}", f"<p>{LINK}Off</a>"),
        ("<p>{unsubscribe:Leave us}", f"<p>{LINK}Leave us</a>"),
        ("<p>{{ unsubscribe_url | safe }}", f"<p>{LINK}{MARKUP}</a>"),
        ("<p>{{ unsubscribe_url() }}", f"<p>{LINK}{MARKUP}</a>"),
        ("<p>*|UNSUB:https://example.com/left|*", f"<p>{LINK}Unsubscribe</a>"),
        ("<p>&lt;%\r\n Click  here %&gt;", f"<p>{LINK}Click here</a>"),
        ("<p><unsubscribe class=x>", f"<p>{LINK}Unsubscribe</a>"),
        # Where a link is wanted.
        ("<td>[unsubscribe]</td>", f"<td>{LINK}Unsubscribe</a></td>"),
        ("<p>Privacy | [unsubscribe] | Imprint", f"<p>Privacy | {LINK}Unsubscribe</a> | Imprint"),
        ("<p>Privacy &middot; %unsubscribe%", f"<p>Privacy &middot; {LINK}Unsubscribe</a>"),
    ],
)
def test_html(written: str, want: str) -> None:
    assert html(written) == want


@pytest.mark.parametrize(
    "text",
    [
        *("<p>Press the [unsubscribe] button", "<p>the {unsubscribe} tag", "<p>100 %unsubscribe% more"),
        *("<img alt='[unsubscribe]'>", "<a href='/x/[unsubscribe]/y'>", "<a href='?q=[unsubscribe]'>"),
        *("<title>[unsubscribe]</title>", "<p>{{ unsubscribe_reason }}", "<p>{{unsubscribed}}", "<p>{{#if unsubscribed}}"),
        *("<% if user %>", "<%= unsub %>", "<% end %>", "<% x = 1; %>", "<p>50 <% of all", "unsub", "<p>[unsubscribe](https://x)"),
        *("<p>[unsubscribe]: https://x", "<a href='https://example.com/unsubscribe?u={{id}}'>Unsubscribe</a>"),
        *("<p>#unsubscribe", "<p>{{first_name}}", "<unsubscribed>"),
    ],
)  # fmt: skip
def test_ordinary_text_stays(text: str) -> None:
    assert html(text) == text


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("Unsubscribe: [unsubscribe] or write", f"Unsubscribe: {BARE} or write"),
        ("[unsubscribe]", BARE),
        ("x\n  {unsubscribe}\ny", f"x\n  {BARE}\ny"),
        ("(%unsubscribe%)", f"({BARE})"),
        ("\u2022 [unsubscribe]", f"\u2022 {BARE}"),
        ("Press [unsubscribe] now", "Press [unsubscribe] now"),
        ("[unsubscribe](https://x)", "[unsubscribe](https://x)"),
        ("To leave <% click here %>.", f"To leave click here: {BARE}."),
        ("<unsubscribe>Leave</unsubscribe>!", f"Leave: {BARE}!"),
        ("{{unsubscribe_url}} {{unsubscribe_url}}", f"{BARE} {BARE}"),
    ],
)
def test_plain(text: str, want: str) -> None:
    assert plain(text) == want


def test_a_link_of_ours_is_a_placeholder_too() -> None:
    ours = ("https://o.example.org/u/",)
    old = "https://o.example.org/u/" + "A" * 40
    assert _filled(f'<a href="{old}">{{{{unsubscribe}}}}</a> {old}', Form.HTML, ours) == (
        f"{LINK}Unsubscribe</a> {MARKUP}"
    )
    assert _filled(f"x {old}.", Form.PLAIN, ours) == f"x {BARE}."
    assert _filled("https://o.example.org/u/short", Form.PLAIN, ours) == "https://o.example.org/u/short"


def test_fields_have_only_what_is_no_ordinary_text() -> None:
    head = b"Subject: [unsubscribe] <unsubscribe>x</unsubscribe>\r\nX: {{unsubscribe_url}}\r\nY: %unsubscribe_url%\r\n"
    assert [head[site.start : site.end] for site in unmistakable(head)] == [
        b"{{unsubscribe_url}}",
        b"%unsubscribe_url%",
    ]


@pytest.mark.parametrize("text", [b"{{unsubscribe_url}}" * 1001, b"unsub " * 601])
def test_more_than_any_newsletter_has(text: bytes) -> None:
    with pytest.raises(Untouchable, match="too-many-placeholders"):
        sites(text, Form.HTML)


@pytest.mark.parametrize(
    "text",
    [
        b"{{unsub" * 590,
        b"%unsub" * 590,
        b"<%" * 590,
        b"<a '" * 100 + b"{{unsubscribe_url}}" * 590,
        (b"<" * 2000 + b"{{unsubscribe_url}}") * 590,
        b"<unsubscribe>" * 590,
        b"{{" + b"unsub." * 590,
    ],
)
def test_hostile_texts_come_to_an_end(text: bytes) -> None:
    """Each takes less than a tenth of a second; were one of them looked at again and again, it took minutes."""
    assert sites(text, Form.HTML) is not None


def test_what_may_follow_where_a_length_must_be_right() -> None:
    for text, form, fillers in (
        ("{{unsubscribe_url}}", Form.PLAIN, ("", "#", "#u")),
        ("<p>{{unsubscribe_url}}", Form.HTML, ("", " ", "  ")),
        ("<a href='https://example.com/?to={{unsubscribe_url}}'>", Form.HTML, ("", "+", "++")),
    ):
        (site,) = sites(text.encode(), form)
        assert site.fillers == fillers
