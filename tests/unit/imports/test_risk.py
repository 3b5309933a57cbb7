"""From counts to findings, a score and its reasons."""

import pytest

from gateway.imports.known import Known
from gateway.imports.risk import Domains, Overlap, Standing, examine, wilson
from gateway.imports.tally import Tally
from gateway.model.import_rules import POINTS, ImportRules

KNOWN = Known(frozenset(), frozenset({"trash.example"}), frozenset({"gmial.com"}), frozenset())
RULES = ImportRules()
CLEAN = {"rows": 1000, "evidenced": 1000, "timed": 1000, "located": 1000, "domains": {"gmail.com": 1000}}


def standing(**said):
    return Standing(
        **{"distinct": 1000, "here": 0, "gone": 0, "moved": 0, "subscribers": 0, "days": 10.0} | said
    )


def report(tally=None, store=None, domains=None, rules=RULES):
    return examine(
        Tally(**CLEAN | (tally or {})), standing(**(store or {})), domains or Domains(), KNOWN, rules
    )


def points(found):
    return {one.name: one.points for one in found.findings}


def test_a_clean_import_has_no_findings():
    found = report()
    assert (found.score, found.findings, found.rows, found.distinct) == (0.0, (), 1000, 1000)


@pytest.mark.parametrize(
    ("name", "tally", "store", "domains", "full"),
    [
        ("role", {"role": 100}, {}, None, 1.0),
        ("role", {"role": 55}, {}, None, 0.5),
        ("role", {"role": 9}, {}, None, 0.0),
        ("disposable", {"domains": {"x.trash.example": 50, "b.example": 950}}, {}, None, 1.0),
        ("typo", {"domains": {"gmial.com": 50, "b.example": 950}}, {}, None, 1.0),
        ("dead", {"dead": 250}, {}, None, 1.0),
        ("no-mail", {}, {}, Domains(100, 20), 1.0),
        ("no-mail", {}, {}, Domains(100, 1), 0.0),
        ("sorted", {"sorted": 950}, {}, None, 1.0),
        ("numbered", {"numbered": 100}, {}, None, 1.0),
        ("one-name", {"one_name": 300}, {}, None, 1.0),
        ("same-time", {"same_time": 999}, {}, None, 1.0),
        ("impossible-time", {"impossible_time": 50}, {}, None, 1.0),
        ("same-ip", {"same_ip": 999}, {}, None, 1.0),
        ("no-evidence", {"evidenced": 0}, {}, None, 1.0),
        ("no-evidence", {"evidenced": 500}, {}, None, 0.5),
        ("doubled", {}, {"distinct": 700}, None, 1.0),
        ("gone", {}, {"gone": 50}, None, 1.0),
        ("moved", {}, {"moved": 800}, None, 1.0),
        ("traps", {"traps": 1}, {}, None, 1.0),
        ("numbered", {"rows": 4, "evidenced": 4, "numbered": 2}, {}, None, 0.0),  # few say nothing
        ("velocity", {}, {"distinct": 220_000}, None, 1.0),
        ("bought", {}, {"overlaps": [Overlap(7, 8, 820, 1000)]}, None, 1.0),
        ("bought", {}, {"overlaps": [Overlap(7, 8, 9, 10)]}, None, 0.79),  # of few only what is certain
        ("bought", {}, {"overlaps": [Overlap(7, 8, 100, 1000)]}, None, 0.0),
    ],
)  # fmt: skip
def test_each_finding(name, tally, store, domains, full):
    found = points(report(tally, store, domains))
    assert found.get(name, 0.0) == pytest.approx(POINTS[name] * full, abs=0.6)


@pytest.mark.parametrize("store", [{"distinct": 11_000}, {"distinct": 12_000, "subscribers": 1000}])
def test_what_the_age_and_size_make_likely_is_no_finding(store):
    assert "velocity" not in points(report({}, store))


def test_few_shared_people_are_no_finding():
    found = report({}, {"overlaps": [Overlap(7, 8, 2, 2)]})
    assert "bought" not in points(found)
    assert found.overlaps == ()


def test_the_score_is_the_sum_and_the_worst_comes_first():
    found = report({"role": 100, "traps": 1, "dead": 300})
    assert found.score == sum(one.points for one in found.findings)
    assert found.findings[0].name == "traps"


def test_policy_says_what_each_adds():
    rules = ImportRules(points={**POINTS, "role": 90})
    assert points(report({"role": 100}, rules=rules)) == {"role": 90.0}


def test_tenants_hear_neither_of_traps_nor_of_others():
    found = report({"traps": 3, "role": 100}, {"overlaps": [Overlap(7, 8, 820, 1000)]})
    assert [one.name for one in found.for_tenants()] == ["role"]
    assert not any("account 7" in one.words or "trap" in one.words for one in found.for_tenants())


def test_words_name_the_numbers():
    found = report({}, {"overlaps": [Overlap(7, 8, 820, 1000)]})
    assert found.findings[0].words == "82% of this import (79% to 84%) is list 8 of account 7"


def test_wilson():
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(820, 1000)
    assert (round(low, 3), round(high, 3)) == (0.795, 0.843)
    assert wilson(10, 10)[1] == 1.0
    assert Overlap(1, 2, 0, 0).share == 0.0
