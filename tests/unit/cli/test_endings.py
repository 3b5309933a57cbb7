"""How accounts end, and the terms that they accept, at the command line."""


def change(typed, name: str, old: str, new: str) -> None:
    file = typed.config.with_name(name)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_cancel_and_restore(bakery) -> None:
    said = bakery.good("account", "cancel", "bakery", "--reason", "contract ended", "--grace", "3 days")
    assert said.startswith("account bakery is cancelled: contract ended\n")
    assert "account restore bakery" in said
    assert bakery.json("account", "show", "bakery")["state"] == "cancelled"
    assert "erased from" in bakery.good("account", "show", "bakery")
    assert "account restore bakery" in bakery.refused("account", "reinstate", "bakery")
    assert bakery.json("account", "show", "bakery")["erase_at"]
    assert bakery.good("account", "restore", "bakery") == "account bakery is restored: it is active\n"
    assert bakery.json("account", "show", "bakery")["erase_at"] is None
    assert "not cancelled" in bakery.refused("account", "restore", "bakery")


def test_the_grace_of_the_config_and_none_at_all(bakery) -> None:
    change(bakery, "gateway.toml", 'grace = "30 days"', 'grace = "0"')
    said = bakery.good("account", "cancel", "bakery", "--reason", "fraud")
    assert "Everything of it is erased now" in said
    assert "being erased" in bakery.refused("account", "restore", "bakery")


def test_a_grace_that_is_none(bakery) -> None:
    result = bakery("account", "cancel", "bakery", "--reason", "x", "--grace", "soon")
    assert result.exit_code == 2
    assert "30s" in result.stderr
    assert bakery.json("account", "show", "bakery")["state"] == "active"


def test_terms(bakery) -> None:
    assert "no terms are in force" in bakery.refused("account", "terms", "bakery", "--accept", "1")
    change(bakery, "policy.toml", 'version = ""\n', 'version = "2026-03"\n')
    change(bakery, "policy.toml", "required = false\n", "required = true\n")
    assert "sends     not before it accepts 2026-03" in bakery.good("account", "terms", "bakery")
    assert "are 2026-03, not 2025" in bakery.refused("account", "terms", "bakery", "--accept", "2025")
    values = bakery.json("account", "terms", "bakery", "--accept", "2026-03")
    assert values["accepted"] == values["current"] == "2026-03"
    assert values["accepted_at"]
    assert values["required"] is True
    assert "sends     yes" in bakery.good("account", "terms", "bakery")
    assert bakery.json("account", "show", "bakery")["terms"] == "2026-03"


def test_that_required_terms_need_a_version(bakery) -> None:
    change(bakery, "policy.toml", "required = false\n", "required = true\n")
    assert "required terms need a version" in bakery.refused("check")


def test_that_other_rules_of_spelling_are_refused(bakery) -> None:
    words = ["subscriber", "add", "bakery", "bread.bakery.example", "ann@example.net", "--basis", "asserted"]
    bakery.good(*words, "--source", "fair")
    change(bakery, "gateway.toml", "rules = []", 'rules = ["plus-tags"]')
    assert "[addresses] rules is [plus-tags]" in bakery.refused("account", "list")
