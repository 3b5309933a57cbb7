"""What is a way out and what is not, in HTML and in plain text, with its evidence."""

import pytest

from gateway.model.way_out import MISSING, Evidence, Finding, WayOut, worst
from policies.way_out.circumstances import Circumstances
from policies.way_out.look import in_html
from policies.way_out.plain import in_plain

OURS = "https://o.example.org/u/"
C = Circumstances((OURS,), ("https://example.com/leave?a=1", "mailto:leave@example.com"))


def a(href: str, words: str = "Unsubscribe", more: str = "") -> str:
    return f'<a {more} href="{href}">{words}</a>'


GOOD = a("https://example.com/u")


@pytest.mark.parametrize(
    ("html", "verdict", "rule"),
    [
        ("", "missing", ""),
        ("<p>Unsubscribe at https://example.com/u</p>", "missing", ""),
        (a("https://example.com/", "Shop"), "missing", ""),
        ("<a name=x>Unsubscribe</a>", "missing", ""),
        (a("https://example.com/", "Shop") + "<!-- a comment without links -->", "missing", ""),
        # Ours.
        (a(OURS + "T", "x"), "own", "ours"),
        (f"<p style='display:none'>{a(OURS + 'T')}</p>", "hidden", "display-none"),
        (f"<p style='display:none'>{a(OURS + 'T')}</p>{GOOD}", "sender", "words"),
        (f"<p style='display:none'>{a(OURS + 'T')}</p>{a('#')}", "hidden", "display-none"),
        (a("https://example.com/", "Shop") + f"<!-- {a(OURS + 'T', 'x')} -->", "hidden", "comment"),
        # The header's.
        (a("https://example.com/leave?a=1", "x"), "sender", "header"),
        (a("https://example.com/leave?a=1&amp;b=2", "x"), "sender", "header"),
        (a("https://example.com/leave?a=12", "x"), "missing", ""),
        (a("mailto:leave@example.com?subject=x", "x"), "sender", "header"),
        # By words, titles, images, addresses.
        (a("https://example.com/t", "Se d&eacute;sabonner"), "sender", "words"),
        (a("https://example.com/t", "x", "title=Unsubscribe"), "sender", "words"),
        (a("https://example.com/unsubscribe/1", "x"), "sender", "words"),
        (a("https://example.com/t", "<img src=x alt=Abmelden>"), "sender", "words"),
        (a("https://example.com/t", "<img src=x alt=Shop>"), "missing", ""),
        (a("mailto:x@example.com?subject=abmelden", "x"), "sender", "words"),
        ("<A\r\nCLASS=y HREF = https://example.com/u>UNSUBSCRIBE</A>", "sender", "words"),
        (a(" https://example.com/unsub\n", "x"), "sender", "words"),
        (
            "<area href=https://example.com/>" + a("https://example.com/", "Shop") * 80 + GOOD,
            "sender",
            "words",
        ),
        (a("https://example.com/", "Shop") * 20 + f"<p hidden>{GOOD}</p>", "hidden", "hidden-attribute"),
        ("<template><a>x</a></template>" + a("https://example.com/", "Shop"), "missing", ""),
        # By the sentence that they stand in.
        (f"<p>To unsubscribe, {a('https://example.com/t', 'click here')}.", "sender", "words"),
        (
            f"<p>{a('https://example.com/t', 'Klicken Sie hier')}, um sich abzumelden oder abmelden.",
            "sender",
            "words",
        ),
        (f"<p>Abmelden: <b>{a('https://example.com/t', 'hier')}</b> <i>x</i>", "sender", "words"),
        (f"<p>Abmelden: {a('https://example.com/t', 'https://example.com/t')}", "sender", "words"),
        (
            f"<p>Unsubscribe? {a('https://example.com/', 'Shop')} or {a('https://example.com/t', 'here')}",
            "missing",
            "",
        ),
        (f"<div>Unsubscribe?<p>{a('https://example.com/t', 'here')}</p></div>", "missing", ""),
        (f"<p>To unsubscribe, {a('#', 'click here')}.", "broken", "fragment"),
        # Leading nowhere.
        (a("#"), "broken", "fragment"),
        (a("javascript:x()"), "broken", "scheme"),
        (a("{{unsub}}"), "broken", "unfilled-placeholder"),
        (a("http://10.0.0.1/u"), "broken", "private-address"),
        (a("#") + GOOD, "sender", "words"),
        (a("#") + f"<p style='display:none'>{GOOD}</p>", "hidden", "display-none"),
        ("<a href>Unsubscribe</a>", "broken", "no-target"),
    ],
)
def test_html(html: str, verdict: str, rule: str) -> None:
    finding = in_html(html, C)
    assert (str(finding.verdict), finding.evidence.rule) == (verdict, rule)


def test_evidence_says_where_and_what() -> None:
    sheet = "<style>@media (max-width:600px){.foot .leave{display:none}}</style>"
    long = a("https://example.com/u?" + "x" * 3000)
    html = f"{sheet}<table class='b a c foot' id=T><tr><td class=leave>{long}</td></tr></table>"
    evidence = in_html(html, C).evidence
    assert evidence.rule == "display-none"
    assert evidence.selector == "table#t > tbody > tr > td.leave"
    assert evidence.declaration == "display:none (on a narrow screen)"
    assert evidence.excerpt.startswith('<a href="https://example.com/u?xxx')
    assert len(evidence.excerpt) == 200
    broken = in_html(f"<p>{a('#')}", C).evidence
    assert (broken.selector, broken.declaration) == ("html > body > p > a", "href:#")


@pytest.mark.parametrize(
    ("html", "why"),
    [
        (f"<style>{'.x{color:red}' * 4000}</style>{GOOD}", "style sheets too long"),
        (f"<style>{','.join('a' * 4001)}{{color:red}}</style>{GOOD}", "too many rules"),
        (f"<style>@media {'(' * 3000}{')' * 3000}{{a{{color:red}}}}</style>{GOOD}", "style sheets too deep"),
        (f"<p style='color:{'(' * 1500}{')' * 1500};x:(;)'>{GOOD}", "a style too deep"),
        (f"<p style='--a:{'x' * 900};color:{'var(--a)' * 5}'>{GOOD}", "custom properties too long"),
        (
            f"<p style='{''.join(f'--v{n}:var(--v{n + 1});' for n in range(30))}color:var(--v0)'>{GOOD}",
            "custom properties too deep",
        ),
        (
            f"<style>*{{{''.join(f'--v{n}:1;' for n in range(2500))}}}</style>{'<div>' * 20}{GOOD}",
            "too many rules for too many elements",
        ),
        (
            "<b style='position:absolute;inset:0'>x</b>" * 200 + "<div>" * 300 + GOOD,
            "too much over one another",
        ),
        (a("https://example.com/u", "x") * 5001, "too many links"),
        ("<a href=https://example.com/u><table><tr><td>" * 1500 + "x" * 100_000, "too many links"),
        ("<div>" * 6000 + GOOD, "too many elements"),
        (
            "<style>"
            + "".join(f"a[x='{n}']{{color:red}}" for n in range(900))
            + "</style>"
            + "x" * 5000
            + GOOD,
            "too many intricate selectors",
        ),
        (
            "<style>" + "*{color:red}" * 1500 + "</style>" + "<div>" * 120 + GOOD,
            "too many rules for too many elements",
        ),
    ],
)
def test_what_would_take_too_long_is_missing(html: str, why: str) -> None:
    finding = in_html(html, C)
    assert finding == Finding(WayOut.MISSING, Evidence("doubtful", declaration=why))


@pytest.mark.parametrize(
    "style",
    [
        *("@media print{a{display:none}}", "@font-face{font-family:x}", "@import url(x);", "a{", "}}}", "a{display}"),
        *("a::after{display:none}", "a:unknown-thing(x){display:none}", ",{display:none}", "a..b{display:none}"),
        *("@container (width>0){a{display:none}}", "@supports not (x:y){a{display:none}}", "b{display:none}"),
        *("@media all{@media all{@media all{@media all{@media all{a{display:none}}}}}}", "|a{display:none}"),
        *("#x{display:none}", "a.x{display:none}", "td b a{display:none}", "/* a{display:none} */", "a/**/{margin:9px}"),
    ],
)  # fmt: skip
def test_sheets_that_hide_nothing(style: str) -> None:
    assert in_html(f"<style>{style}</style><p>{GOOD}", C).verdict is WayOut.SENDER


@pytest.mark.parametrize(
    ("text", "verdict", "rule"),
    [
        ("Hello", "missing", ""),
        ("Hello https://example.com/", "missing", ""),
        ("To unsubscribe, answer.", "missing", ""),
        ("Bye: " + OURS + "T.", "own", "ours"),
        ("x <https://example.com/leave?a=1>", "sender", "header"),
        ("x MAILTO:leave@example.com", "missing", ""),
        ("x mailto:leave@example.com", "sender", "header"),
        ("To opt out:\r\nhttps://example.com/o", "sender", "words"),
        ("To opt out:\r\n1\r\nhttps://example.com/o", "sender", "words"),
        ("To opt out:\r\n1\r\n2\r\nhttps://example.com/o", "missing", ""),
        ("https://example.com/o\r\nAbmelden", "sender", "words"),
        ("https://example.com/o\r\n\r\nAbmelden", "missing", ""),
        ("https://example.com/unsubscribe?x", "sender", "words"),
        ("Unsubscribe: http://localhost/u", "broken", "private-name"),
        ("Unsubscribe: http://localhost/u and https://example.com/u", "sender", "words"),
        (
            "Unsubscribe:\nhttps://example.com/u\n" + "Text, a long one, in between.\n" * 900,
            "sender",
            "words",
        ),
        ("x\n" * 4000 + "Peruuta tilaus: https://example.com/u\n" + "x\n" * 9000, "missing", ""),
        ("Unsubscribe:\nhttps://example.com/u\n" + "https://example.com/t\n\n\n" * 150, "sender", "words"),
        ("://example.com/unsub", "missing", ""),
        ("Unsubscribe: http://localhost/u http://localhost/v", "broken", "private-name"),
        ("https://example.com/t\nunsub\n" + "x\n" * 9000, "sender", "words"),
        ("https://example.com/t\n\n\n\n\n" + "x\n" * 9000 + "unsub", "missing", ""),
        ("x\n" * 4000 + "https://example.com/unsub\n" + "x\n" * 4000, "sender", "words"),
    ],
)
def test_plain(text: str, verdict: str, rule: str) -> None:
    finding = in_plain(text, C)
    assert (str(finding.verdict), finding.evidence.rule) == (verdict, rule)


def test_evidence_of_a_plain_text_is_its_line() -> None:
    evidence = in_plain("Hello\r\n  Unsubscribe: http://localhost/u, bye\r\n", C).evidence
    assert (evidence.declaration, evidence.excerpt) == (
        "url:http://localhost/u",
        "Unsubscribe: http://localhost/u, bye",
    )


@pytest.mark.parametrize(
    ("verdicts", "want"),
    [
        ([], WayOut.MISSING), ([WayOut.OWN, WayOut.SENDER], WayOut.SENDER), ([WayOut.SENDER, WayOut.MISSING], WayOut.MISSING),
        ([WayOut.OWN, WayOut.BROKEN], WayOut.BROKEN), ([WayOut.BROKEN, WayOut.HIDDEN], WayOut.HIDDEN), ([WayOut.OWN], WayOut.OWN),
    ],
)  # fmt: skip
def test_the_worst_of_a_message_s_texts_counts(verdicts: list[WayOut], want: WayOut) -> None:
    assert worst([Finding(verdict) for verdict in verdicts]).verdict is want
    assert worst([]) is MISSING
