"""What is counted while rows come in."""

import pytest

from gateway.imports.tally import Tally, load

NOW, OPENED = 1_700_000_000.0, 1_600_000_000.0
ROLES = frozenset({"info"})


def counted(*addresses):
    tally = Tally()
    for address in addresses:
        local, _, domain = address.rpartition("@")
        tally.take_address(local, domain, ROLES)
    return tally


def test_roles_and_domains():
    tally = counted("info@a.example", "bob@a.example", "info@b.example")
    assert (tally.rows, tally.role, tally.domains) == (3, 2, {"a.example": 2, "b.example": 1})


def test_domains_are_bounded():
    tally = Tally(domains={f"{number}.example": 1 for number in range(50_000)})
    tally.take_address("bob", "new.example", ROLES)
    tally.take_address("bob", "7.example", ROLES)
    assert (len(tally.domains), tally.other_domains, tally.domains["7.example"]) == (50_000, 1, 2)


@pytest.mark.parametrize(
    ("addresses", "numbered"),
    [
        (["bob1@a", "bob2@a", "bob3@a"], 2),
        (["bob1@a", "bob3@a"], 0),
        (["bob1@a", "bob2@b"], 0),
        (["bob9@a", "bob10@a"], 0),  # no ascending order: "10" comes before "9"
        (["bob09@a", "bob10@a"], 1),
        (["bob@a", "bob2@a"], 0),
        (["ann1@a", "bob2@a"], 0),
        (['"x"@a', '"y"@a'], 0),
    ],
)
def test_numbers_in_a_row(addresses, numbered):
    assert counted(*addresses).numbered == numbered


@pytest.mark.parametrize(("length", "counts"), [(49, 0), (50, 50), (60, 60)])
def test_a_run_counts_from_fifty_on(length, counts):
    assert counted(*(f"p{number:03}x@a" for number in range(length)), "a@a").sorted == counts


def test_one_name_at_many_domains():
    assert counted("bob@a", "bob@b", "bob@b", "ann@b", "ann@c").one_name == 2


@pytest.mark.parametrize(
    ("at", "said", "counts"),
    [
        (NOW - 1, "x", {"timed": 1, "evidenced": 1}),
        (NOW + 90_000, "x", {"timed": 1, "impossible_time": 1}),
        (0.0, "x", {"timed": 1, "impossible_time": 1}),
        (OPENED - 1, "x", {"timed": 1, "evidenced": 1, "before_account": 1}),
        (None, "yesterday", {"unreadable_time": 1}),
        (None, "", {}),
    ],
)
def test_evidence(at, said, counts):
    tally = Tally()
    tally.take_evidence(at, said, "", NOW, OPENED)
    names = ("timed", "evidenced", "impossible_time", "before_account", "unreadable_time")
    assert {name: getattr(tally, name) for name in names if getattr(tally, name)} == counts


def test_the_same_as_the_row_before():
    tally = Tally()
    for at, ip in [
        (1e9, "192.0.2.1"),
        (1e9, "192.0.2.1"),
        (1e9 + 1, ""),
        (None, "192.0.2.1"),
        (None, "192.0.2.1"),
    ]:
        tally.take_evidence(at, "", ip, NOW, OPENED)
    assert (tally.same_time, tally.same_ip, tally.located) == (1, 2, 4)


def test_it_goes_on_where_it_rested():
    addresses = [f"p{number:03}x1@a" for number in range(100)]
    first = counted(*addresses[:60])
    second = load(first.dump())
    for address in addresses[60:]:
        local, _, domain = address.rpartition("@")
        second.take_address(local, domain, ROLES)
    assert second == counted(*addresses)
