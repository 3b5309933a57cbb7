"""Any text gives a finding; placeholders are apart from one another, and filling them in leaves the rest as it was."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.way_out import WayOut
from policies.way_out.circumstances import Circumstances
from policies.way_out.forms import SERVICES
from policies.way_out.look import in_html
from policies.way_out.placeholders import Form, sites
from policies.way_out.plain import in_plain
from policies.way_out.target import cleaned, why_broken

CIRCUMSTANCES = Circumstances(("https://o.example.org/u/",), ("https://example.com/leave",))
URL = "https://o.example.org/u/" + "A" * 40
PIECES = (
    *("<p>", "</p>", "<a href='", "<a href=", "'>", ">", "</a>", "<!--", "-->", "<style>", "</style>", "<script>", "<img alt='"),
    *("a{display:none}", ".x > p{color:#fff", "@media (max-width:600px){", "}", "<div class=x style='", "position:absolute;"),
    *("left:-9999px;", "font:0/0 a", "color:rgb(", "(((((", "\\", "/*", "*/", '"', "'", "&#123;", "%7B", "unsubscribe", "Abmelden"),
    *("https://example.com/", "mailto:a@example.com", "http://", "\r\n", " ", "<template>", "<details>", "<area href=x>", "\u9000\u8ba2"),
    *SERVICES,
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join)


@given(TEXTS)
def test_any_text_gives_a_finding(text: str) -> None:
    for finding in (in_html(text, CIRCUMSTANCES), in_plain(text, CIRCUMSTANCES)):
        assert finding.verdict in WayOut
        assert len(finding.evidence.excerpt) <= 200
        assert len(finding.evidence.declaration) <= 240
        if finding.verdict.is_tampering:
            assert finding.evidence.rule


@given(TEXTS, st.sampled_from(Form))
def test_placeholders_are_apart_and_the_rest_stays(text: str, form: Form) -> None:
    octets = text.encode("utf-8", "replace")
    at = 0
    for site in sites(octets, form, CIRCUMSTANCES.ours):
        assert at <= site.start < site.end <= len(octets)
        assert b"\0" not in site.fill(URL) or b"\0" in octets
        at = site.end


@given(TEXTS)
def test_any_target_is_judged(href: str) -> None:
    assert isinstance(why_broken(cleaned(href)), str)
