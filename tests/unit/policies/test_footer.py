import base64
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.model.facts import MailList, RewriteFacts
from policies import footer

_TEMPLATES = Path(__file__).parents[3] / "config" / "templates"
_SHORT = {
    "text_template": "{{ list_name }}: {{ unsubscribe_url }}",
    "html_template": "<i>{{ list_name }}</i> {{ unsubscribe_url }}",
}


def _put(facts: RewriteFacts, raw: bytes, **settings: object) -> bytes:
    rewrite = footer.build(_SHORT | settings).rewrite
    assert rewrite
    return apply(raw, rewrite(scan(raw), facts))


def _body(facts: RewriteFacts, head: bytes, body: bytes, **settings: object) -> bytes:
    return _put(facts, head + b"\r\n\r\n" + body, **settings).partition(b"\r\n\r\n")[2]


def test_the_files_show_the_defaults() -> None:
    assert (_TEMPLATES / "footer.txt.j2").read_text(encoding="utf-8") == footer.TEXT_TEMPLATE
    assert (_TEMPLATES / "footer.html.j2").read_text(encoding="utf-8") == footer.HTML_TEMPLATE
    assert (_TEMPLATES / "footer.amp.j2").read_text(encoding="utf-8") == footer.AMP_TEMPLATE


def test_text_and_html(rewrite_facts: RewriteFacts) -> None:
    assert _body(rewrite_facts, b"A: b", b"x") == b"x\r\n\r\nNews: https://mail.example.org/u/T?a=1&b=2"
    html = _body(rewrite_facts, b"Content-Type: text/html", b"<body>x</body>")
    assert html == b"<body>x\r\n<i>News</i> https://mail.example.org/u/T?a=1&amp;b=2\r\n</body>"


def test_a_plan_serves_all_recipients(rewrite_facts: RewriteFacts) -> None:
    rewrite = footer.build(_SHORT).rewrite
    assert rewrite
    message = scan(b"A: b\r\n\r\nx")
    for url in ("https://one.example/", "https://two.example/"):
        (splice,) = rewrite(message, replace(rewrite_facts, unsubscribe_url=url))
        assert splice.new.endswith(url.encode())


def test_a_lists_name_cannot_break_anything(rewrite_facts: RewriteFacts) -> None:
    facts = replace(rewrite_facts, mail_list=MailList(1, 7, "x", "<b>\r\n& " + "\u00fc" * 200))
    assert _body(facts, b"A: b", b"x").startswith(b"x\r\n\r\n<b> & " + b"u" * 84 + b":")
    html = _body(facts, b"Content-Type: text/html", b"x")
    assert html.startswith(b"x\r\n<i>&lt;b&gt; &amp; " + b"&#252;" * 84 + b"</i>")


def test_a_list_without_a_name_shows_its_id(rewrite_facts: RewriteFacts) -> None:
    facts = replace(rewrite_facts, mail_list=MailList(1, 7, "news.example.com", ""))
    assert b"news.example.com: https" in _body(facts, b"A: b", b"x")


_UTF8 = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit"


def _in(language: str, facts: RewriteFacts) -> RewriteFacts:
    return replace(facts, mail_list=replace(facts.mail_list, language=language))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("", "News: https"),
        ("pl", "News: https"),  # nobody has written that one
        ("en", "Unsubscribe: https"),
        ("de", "Abmelden: https"),
        ("de-AT", "Abmelden: https"),
        ("es", "\u00bfPor qu\u00e9 recibo esto? https"),
        ("fr", "Se d\u00e9sabonner: https"),
        ("ro", "De ce am primit acest mesaj? https"),
    ],
)
def test_a_list_has_its_footer_in_its_language(
    rewrite_facts: RewriteFacts, language: str, words: str
) -> None:
    assert words in _body(_in(language, rewrite_facts), _UTF8, "\u00e9".encode()).decode()


@pytest.mark.parametrize("language", footer.WORDS)
def test_each_language_in_each_form(rewrite_facts: RewriteFacts, language: str) -> None:
    words, facts, utf8 = footer.WORDS[language], _in(language, rewrite_facts), _UTF8.partition(b"\r\n")[2]
    html = unescape(_body(facts, b"Content-Type: text/html\r\n" + utf8, b"<body>x</body>").decode())
    head, body = b"Content-Type: text/x-amp-html\r\n" + utf8, b"<html amp4email><body><p>x</body>"
    amp = unescape(_body(facts, head, body).decode())
    assert f'<div lang="{language}"' in html
    assert '<a href="https://mail.example.org/u/T?a=1&b=2"' in html
    for text in (words.leave, words.why, words.report):
        assert f">{text}</a>" in html
        assert f">{text}</a>" in amp
    ascii_text = _body(facts, b"Content-Type: text/plain; charset=us-ascii", b"x")
    assert b"https://mail.example.org/u/T?a=1&b=2" in ascii_text
    assert ascii_text.isascii()


def test_the_operators_own_translations_come_first(rewrite_facts: RewriteFacts) -> None:
    def forms(text: str) -> dict[str, str]:
        link = text + " {{ unsubscribe_url }}"
        return {"text_template": link, "html_template": link, "amp_template": link}

    own = {"de": forms("Tsch\u00fcs:"), "pl": forms("Wypisz:"), "pt-BR": forms("Sair:")}
    for language, text in (("de", "Tsch\u00fcs:"), ("pl", "Wypisz:"), ("pt-BR", "Sair:"), ("pt", "News:")):
        body = _body(_in(language, rewrite_facts), _UTF8, "\u00e9".encode(), translations=own)
        assert f"{text} https" in body.decode()
    with pytest.raises(ValueError, match=r"translations\.pl\.text_template"):
        footer.build({"translations": {"pl": forms("x") | {"text_template": "no link"}}})
    with pytest.raises(ValidationError):
        footer.build({"translations": {"Polish": forms("x")}})


def test_flowed_text_is_stuffed_and_kept_apart(rewrite_facts: RewriteFacts) -> None:
    head = b"Content-Type: text/plain; format=flowed"
    template = "> one \n From\nFrom us\n{{ unsubscribe_url }}"
    body = _body(rewrite_facts, head, b"x \r\n", text_template=template)
    assert body.startswith(b"x \r\n\r\n\r\n > one\r\n  From\r\n From us\r\nhttps://")


@pytest.mark.parametrize(
    "settings",
    [
        *({"x": 1}, {"text_template": "no link"}, {"html_template": "{{ unsubscribe_url | urlencode }}"}),
        *({"text_template": "{{ nobody_knows }} {{ unsubscribe_url }}"}, {"html_template": "{% if %}"}),
    ],
)
def test_bad_settings(settings: dict[str, object]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        footer.build(settings)


_OWN = b"List-Unsubscribe: <mailto:leave@example.com>, <https://example.com/\r\n leave?a=1&b=2>"


@pytest.mark.parametrize(
    ("head", "body", "outcome", "without_header"),
    [
        (b"A: b", b"x", "added", "added"),
        (_OWN, b"x", "sender provides", "added"),
        (_OWN, b"x https://example.com/leave?a=1&b=2 y", "sender provides", "sender provides"),
        (_OWN, b"x https://example.com/leave?a=1&b=2.", "sender provides", "sender provides"),
        (_OWN, b"x https://example.com/leave?a=1&b=23 y", "sender provides", "added"),
        (_OWN, b"x https://example.com/leave?a=1&b=2&utm=x y", "sender provides", "sender provides"),
        (b"List-Unsubscribe: nonsense", b"x", "added", "added"),
        (b"List-Unsubscribe: <{{unsubscribe_url}}>", b"x", "added", "added"),
        (b"List-Unsubscribe: <https://x/{{unsubscribe_url}}>", b"x", "added", "added"),
        (b"A: b", b"{{ unsubscribe_url }}", "sender provides", "sender provides"),
        (b"A: b", b"unsubscribe_url}}", "added", "added"),
        (b"A: b", b"To opt out:\r\nhttps://example.com/o", "sender provides", "sender provides"),
        (b"A: b", b"To opt out:\r\n1\r\n2\r\nhttps://example.com/o", "added", "added"),
        (b"A: b", b"options: https://example.com/o", "added", "added"),
        (b"A: b", b"To unsubscribe, answer.", "added", "added"),
        (
            b"Content-Type: text/plain; charset=utf-16\r\n" + _OWN,
            b"x",
            "sender provides",
            "added, wrapped: charset",
        ),
        (
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x",
            b"x",
            *["added, wrapped: encoding"] * 2,
        ),
        (b"A: b", b"{{unsubscribe_url}}" * 1001, *["added, wrapped: too-many-placeholders"] * 2),
        (b"Content-Type: image/png", b"x", *["added, wrapped"] * 2),
        (b"Content-Type: image/png\r\n" + _OWN, b"x", "headers only: structure", "added, wrapped"),
        (b"Content-Type: text/html", b"<body hidden>x", *["added, wrapped: html"] * 2),
        (b"Content-Type: text/html; charset=utf-7", b"+AHgAPA-/body+AD4-", *["added, wrapped: charset"] * 2),
        (b"Content-Type: text/html", b"<div>" * 5001, *["added, wrapped: deep-html"] * 2),
        (b"Content-Type: text/html", b" " * 4_194_305, *["added, wrapped: long-html"] * 2),
        (b"Content-Type: text/html", b"<frameset><frame src=x></frameset>", *["added, wrapped: html"] * 2),
        (b"Content-Type: text/x-amp-html", b"<html amp4email><body><p>x</body>", *["added"] * 2),
        (b"Content-Type: text/x-amp-html", b"<html amp4email><body><div>x", *["added, wrapped: html"] * 2),
        (b"Content-Type: text/plain; charset=cp037", b"x", *["added, wrapped: charset"] * 2),
    ],
)
def test_what_counts_as_the_senders_own(head: bytes, body: bytes, outcome: str, without_header: str) -> None:
    message = scan(head + b"\r\n\r\n" + body)
    assert footer.explain(message) == outcome
    assert footer.explainer({"own_header_counts": False})(message, "").outcome == without_header


@pytest.mark.parametrize(
    ("html", "provided"),
    [
        (b"<a href='https://x.net'>Unsubscribe</a>", True),
        (b"<A\r\nCLASS=y HREF = https://x.net/unsubscribe><img alt=x></A>", True),
        (b"<a href='mailto:x@x.net?subject=abmelden'>x</a>", True),
        (b"<a href='https://x.net'>Se d&eacute;sabonner</a>", True),
        (b"<a href='https://x.net'>Darse de baja</a>", True),
        (b"<a href='https://x.net'>Uitschrijven</a>", True),
        (b"<a href='#unsubscribe'>Unsubscribe</a>", False),
        (b"<a name=x>Unsubscribe</a> <a href='https://x.net'>x</a>", False),
        (b"Unsubscribe at https://x.net", False),
        (b"<a href='https://x.net'>Our subscription description</a>", False),
        (b"<a href='https://x.net", False),
    ],
)
def test_links_in_html(html: bytes, provided: bool) -> None:
    message = scan(b"Content-Type: text/html\r\n\r\n" + html)
    assert footer.explain(message) == ("sender provides" if provided else "added")


def test_own_link_as_html_writes_it() -> None:
    message = scan(
        _OWN + b"\r\nContent-Type: text/html\r\n\r\n<a href='https://example.com/leave?a=1&amp;b=2'>x</a>"
    )
    assert footer.explainer({"own_header_counts": False})(message, "").outcome == "sender provides"


def test_placeholders_in_fields_leave_other_policies_fields_alone(rewrite_facts: RewriteFacts) -> None:
    head = b"Bcc: {{unsubscribe_url}}\r\nList-Unsubscribe: <{{unsubscribe_url}}>\r\nX: {{\r\n unsubscribe_url}}!\r\n\r\n"
    put = _put(rewrite_facts, head)
    assert put.count(b"{{unsubscribe_url}}") == 2
    assert b"X: https://mail.example.org/u/T?a=1&b=2!\r\n\r\n" in put


def test_where_one_form_cannot_be_changed_all_have_it_below(rewrite_facts: RewriteFacts) -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nx"
        b"\r\n--b\r\nContent-Type: text/html\r\n\r\ny\r\n--b--\r\n"
    )
    put = _put(rewrite_facts, raw)
    theirs, ours = scan(put).root.parts
    assert put[theirs.start : theirs.body_end] == raw
    assert b"News" in put[ours.body_start : ours.body_end]
    assert footer.explain(scan(raw)) == "added, wrapped: charset"


@pytest.mark.parametrize(
    ("body", "outcome", "verdict"),
    [
        ("Unsubscribe: https://example.com/u", "sender provides", "sender"),
        ("Unsubscribe: http://localhost/u", "added", "broken"),
        ("{{unsubscribe_url}}", "sender provides", "own"),
        ("x", "added", "missing"),
    ],
)
def test_rewriting_tells_the_way_out(body: str, outcome: str, verdict: str) -> None:
    rewriting = footer.explainer({})(scan(f"A: b\r\n\r\n{body}".encode()), "https://mail.example.org/u/")
    assert (rewriting.outcome, str(rewriting.finding.verdict)) == (outcome, verdict)


def test_a_header_never_makes_good_what_the_text_hides() -> None:
    html = b"<p style='display:none'><a href='https://example.com/u'>Unsubscribe</a></p>"
    message = scan(_OWN + b"\r\nContent-Type: text/html\r\n\r\n" + html)
    rewriting = footer.explainer({})(message, "")
    assert (rewriting.outcome, str(rewriting.finding.verdict)) == ("added", "hidden")


def test_a_link_of_the_senders_own_counts_only_where_the_settings_say_so() -> None:
    message = scan(b"A: b\r\n\r\nUnsubscribe: https://example.com/u")
    assert footer.explainer({"own_link_counts": False})(message, "").outcome == "added"
    ours = scan(b"A: b\r\n\r\n{{unsubscribe_url}}")
    assert footer.explainer({"own_link_counts": False})(ours, "").outcome == "sender provides"
    reserved = scan(b"A: b\r\n\r\nUnsubscribe: https://shop.example/u")
    assert footer.explainer({})(reserved, "").outcome == "added"
    assert footer.explainer({"reserved_hosts": ["example"]})(reserved, "").outcome == "sender provides"


def test_a_copy_that_comes_in_again_gets_its_new_readers_link(rewrite_facts: RewriteFacts) -> None:
    old = b"https://mail.example.org/u/" + b"A" * 60
    facts = replace(rewrite_facts, unsubscribe_url="https://mail.example.org/u/" + "B" * 60)
    assert _body(facts, b"A: b", b"Bye: " + old + b"\r\n") == b"Bye: " + old.replace(b"A", b"B") + b"\r\n"


def test_a_hidden_placeholder_is_filled_in_and_the_footer_added(rewrite_facts: RewriteFacts) -> None:
    html = b"<div hidden><a href='{{unsubscribe_url}}'>x</a></div><p>y</p></body><p hidden><a href='[unsubscribe]'>x</a>"
    link = b"https://mail.example.org/u/T?a=1&amp;b=2"
    for encoding, encoded in ((b"8bit", html), (b"base64", base64.encodebytes(html).replace(b"\n", b"\r\n"))):
        head = b"Content-Type: text/html\r\nContent-Transfer-Encoding: " + encoding
        body = _body(rewrite_facts, head, encoded)
        got = base64.b64decode(body) if encoding == b"base64" else body
        assert got.startswith(b"<div hidden><a href='" + link + b"'>x</a></div><p>y</p>")
        assert b"<i>News</i> " + link in got
        assert got.endswith(b"</body><p hidden><a href='" + link + b"'>x</a>")


def test_placeholders_in_wide_and_shifted_charsets(rewrite_facts: RewriteFacts) -> None:
    text = "\u3053\u3093 {% unsubscribe '\u505c\u6b62' %}"
    link = "https://mail.example.org/u/T?a=1&b=2"
    raw = base64.encodebytes(text.encode("utf-16-le")).replace(b"\n", b"\r\n")
    body = _body(
        rewrite_facts, b"Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64", raw
    )
    assert base64.b64decode(body).decode("utf-16-le").rstrip() == f"\u3053\u3093 \u505c\u6b62: {link}"
    shifted = _body(
        rewrite_facts, b"Content-Type: text/plain; charset=iso-2022-jp", text.encode("iso2022_jp")
    )
    assert shifted.decode("iso2022_jp") == f"\u3053\u3093 \u505c\u6b62: {link}"


def test_a_broken_text_has_a_footer_below() -> None:
    head = b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    assert footer.explain(scan(head + b"<p>a</p>==</body> x")) == "added, wrapped: broken-quoted-printable"
