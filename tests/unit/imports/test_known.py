"""What is known of names."""

import pytest

from gateway.imports.known import load_known


@pytest.fixture(scope="module")
def known():
    return load_known()


@pytest.mark.parametrize(("name", "is_role"), [("info", True), ("postmaster", True), ("anna", False)])
def test_roles(known, name, is_role):
    assert (name in known.roles) is is_role


@pytest.mark.parametrize(
    ("domain", "disposable"),
    [
        ("mailinator.com", True),
        ("x.y.mailinator.com", True),
        ("gmail.com", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_disposable(known, domain, disposable):
    assert known.is_disposable(domain) is disposable


@pytest.mark.parametrize(
    ("domain", "typo"),
    [
        ("gmial.com", True),
        ("gmal.com", True),
        ("gmail.co", True),
        ("gmaill.com", True),
        ("hotmial.com", True),
        ("gmail.com", False),
        ("mail.com", False),  # one letter from gmail.com, and a provider
        ("hotmail.co.uk", False),
        ("gmx.dr", False),  # too short a name to tell
        ("example.com", False),
    ],
)
def test_typos(known, domain, typo):
    assert (domain in known.typos) is typo


def test_no_provider_is_disposable(known):
    assert not [domain for domain in ("gmail.com", "gmx.de", "proton.me") if known.is_disposable(domain)]


def test_traps_are_the_operators_own(tmp_path):
    file = tmp_path / "traps.txt"
    file.write_text("# ours\nTrap@Example.NET\n@Trap.Example # a whole domain\n\n")
    assert load_known(file).traps == {"trap@example.net", "@trap.example"}
    file.write_text("nonsense\n")
    with pytest.raises(ValueError, match="no address"):
        load_known(file)
