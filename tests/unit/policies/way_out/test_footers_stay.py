"""A style sheet of the message's own against our footer: it stays, or the sender is known for it."""

import pytest
from footer_table import FOOTERS, Footer, message, rewritten

from gateway.mime.scan import scan
from gateway.model.way_out import WayOut
from policies.footer import explainer
from policies.footer_words import WORDS, templates_in
from policies.way_out.circumstances import Circumstances
from policies.way_out.look import in_html

_OURS = Circumstances(("https://example.com/t/",), (), frozenset())


@pytest.mark.parametrize("row", FOOTERS, ids=lambda row: row.css)
def test_what_is_found_before_and_after(row: Footer) -> None:
    rewriting = explainer({})(scan(message(row)), "https://example.com/t/")
    assert rewriting.outcome == (f"added, wrapped: {row.rule}" if row.rule else "added")
    assert rewriting.finding.evidence.rule == row.rule
    assert rewriting.finding.verdict is (WayOut.HIDDEN if row.rule else WayOut.MISSING)
    assert in_html(rewritten(row), _OURS).verdict is (WayOut.HIDDEN if row.rule else WayOut.OWN)


def test_that_something_over_it_counts_without_a_style_sheet() -> None:
    over = b'<p style="position:fixed;top:0;left:0;width:100%;height:100%;background:#fff">Buy</p>'
    head = b"Content-Type: text/html\r\n\r\n<html><body>"
    rewriting = explainer({})(scan(head + over + b"</body></html>\r\n"), "")
    assert (rewriting.outcome, rewriting.finding.evidence.rule) == ("added, wrapped: covered", "covered")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('<body style="transform:scale(0)">', "tiny-font"),
        ('<html style="translate:-9999px"><body>', "off-screen"),
        ('<body style="clip-path:circle(0)">', "clipped"),
        ('<body style="margin-left:-9999px">', "off-screen"),
        ('<body style="zoom:1e-5">', "tiny-font"),
        ('<body style="margin:0;padding:0;background-color:#ffffff">', ""),
    ],
)
def test_that_the_bodys_own_style_counts(body: str, rule: str) -> None:
    rewriting = explainer({})(scan(b"Content-Type: text/html\r\n\r\n" + body.encode() + b"<p>Buy"), "")
    assert (rewriting.outcome, rewriting.finding.evidence.rule) == (
        f"added, wrapped: {rule}" if rule else "added",
        rule,
    )


def test_that_it_counts_where_something_was_left_open() -> None:
    head = b"Content-Type: text/html\r\n\r\n<html><head><style>body{opacity:0}</style></head><body>"
    rewriting = explainer({})(scan(head + b"<table><tr><td><font>Buy</body></html>\r\n"), "")
    assert (rewriting.outcome, rewriting.finding.evidence.rule) == ("added, wrapped: opacity", "opacity")


def test_that_who_gets_no_footer_hides_none() -> None:
    head = b"List-Unsubscribe: <https://shop.com/u>\r\nContent-Type: text/html\r\n\r\n"
    html = b"<html><head><style>body{opacity:0}</style></head><body>Buy</body></html>\r\n"
    rewriting = explainer({})(scan(head + html), "")
    assert (rewriting.outcome, rewriting.finding.verdict) == ("sender provides", WayOut.MISSING)


@pytest.mark.parametrize("language", WORDS)
def test_every_language_stays(language: str) -> None:
    html = templates_in(language).html
    assert html.count("all:initial!important") == 2
    assert max(map(len, html.split("\n"))) < 800  # of SMTP's 998
