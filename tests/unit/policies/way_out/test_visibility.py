"""Every row of the visibility table: what is found, and by which rule."""

import pytest
from visibility_table import ROWS, Row

from policies.way_out.circumstances import Circumstances
from policies.way_out.look import in_html


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row) -> None:
    finding = in_html(row.html, Circumstances())
    assert (str(finding.verdict), finding.evidence.rule) == (row.verdict, row.rule)
    if finding.verdict.is_tampering:
        assert "unsubscribe" in finding.evidence.excerpt or "example.com/t/1" in finding.evidence.excerpt
        assert len(finding.evidence.excerpt) <= 200
        assert len(finding.evidence.selector) <= 160


def test_the_table_is_long_and_its_names_are_different() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 60
    assert all(row.note for row in ROWS if row.shown != (row.verdict == "sender"))
