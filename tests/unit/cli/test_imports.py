"""``consentry import``."""

import pytest

ROWS = "email,confirmed_at,ip\n" + "".join(
    f"{name}@example.net,2023-01-0{day},192.0.2.{day}\n"
    for day, name in enumerate(("ann", "eve", "bob", "dan", "cid"), 1)
)
LIST = "bread.bakery.example"


@pytest.fixture
def oven(bakery):
    """Commands at a gateway that asks no name servers, and whose policy points at what the test says."""
    policy = bakery.config.parent / "policy.toml"
    policy.write_text(policy.read_text().replace("look_up = true", "look_up = false"))
    return bakery


@pytest.fixture
def strict(oven):
    policy = oven.config.parent / "policy.toml"
    policy.write_text(policy.read_text().replace("points = {}", "points = {no-evidence = 60}"))
    return oven


def _file(oven, text, name="people.csv"):
    path = oven.config.parent / name
    path.write_text(text)
    return str(path)


def _add(oven, text, *more, source="the till"):
    return oven("import", "add", "bakery", LIST, _file(oven, text), "--source", source, *more)


def test_a_good_file_is_applied(oven):
    result = _add(oven, ROWS)
    assert result.exit_code == 0, result.output
    assert "score 0: 5 added" in result.stdout
    assert "the till [line 3" in oven.good("subscriber", "show", "bakery", "eve@example.net")


def test_from_standard_input_for_programs(oven):
    words = ["import", "add", "bakery", LIST, "-", "--source", "the till", "--format", "ndjson"]
    case = oven.json(*words, stdin='{"email": "a@example.net", "time": 1700000000}\n{"email": "nobody"}\n')
    assert (case["state"], case["added"], case["faults"]) == ("applied", 1, 1)
    shown = oven.json("import", "show", case["import"])
    assert shown["lines"] == [{"line": 2, "reason": "the address has no domain"}]
    assert (shown["account"], shown["list_id"], shown["source"]) == ("bakery", LIST, "the till")


def test_what_is_held_is_approved(strict):
    said = _add(strict, "a@example.net\nb@example.net\nc@example.net\nnobody@\n").stdout
    case_id = said.split()[1].rstrip(",")
    assert "held" in said
    assert case_id in strict.good("import", "list", "--held")
    shown = strict.good("import", "show", case_id)
    assert "3 of 3 (100.0%) say not when they were confirmed" in shown
    assert "line 4: the domain is empty" in shown
    assert "not on any list" in strict.refused("subscriber", "show", "bakery", "a@example.net")
    assert "3 added" in strict.good("import", "approve", case_id, "--reason", "called them")
    assert strict.json("import", "show", case_id)["reason"] == "called them"
    assert strict.json("import", "list", "bakery")[0]["state"] == "applied"
    assert "cannot refuse any more" in strict.refused("import", "reject", case_id, "--reason", "x")


def test_what_is_held_is_rejected(strict):
    case_id = _add(strict, "a@example.net\nb@example.net\nc@example.net\n").stdout.split()[1].rstrip(",")
    result = strict("import", "reject", case_id, "--reason", "bought")
    assert (result.exit_code, "refused: bought" in result.stdout) == (1, True)


def test_what_is_asked_waits_for_the_web_process(oven):
    oven.good("account", "add", "dairy", "--password-stdin", stdin="correct horse\n")
    oven.good("list", "add", "dairy", "milk.dairy.example")
    words = ["import", "add", "dairy", "milk.dairy.example", _file(oven, ROWS), "--source", "x"]
    assert "5 people will be asked" in oven.good(*words)


def test_the_overlap_is_named(oven):
    _add(oven, ROWS)
    oven.good("list", "add", "bakery", "cake.bakery.example")
    words = ["import", "add", "bakery", "cake.bakery.example", _file(oven, ROWS), "--source", "x"]
    case = oven.json(*words)
    shown = oven.good("import", "show", case["import"])
    assert "100.0%  57% and 100%  bakery   bread.bakery.example" in shown


def test_many_lines_that_are_none(oven):
    said = _add(oven, "email\na@example.net\n" + "nobody\n" * 30)
    assert "lines that were not taken: 30" in said.stderr
    case_id = said.stdout.split()[1].rstrip(",")
    assert "and 10 more" in oven("import", "show", case_id).stderr
    assert oven.good("import", "show", case_id, "--faults").count("has no domain") == 30


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        ("", [], "the file is empty"),
        ("email\nx\n", ["--address", "mail"], "there is no column mail"),
        (ROWS, ["--resume", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], "there is no import"),
    ],
)
def test_refusals(oven, text, words, why):
    result = _add(oven, text, *words)
    assert (result.exit_code, why in result.stderr) == (1, True), result.output


def test_a_file_that_was_cut_off_is_gone_on_with(oven):
    case_id = _add(oven, "").stderr.split()[1]  # nothing of it was read
    assert oven.json("import", "show", case_id)["state"] == "receiving"
    assert "5 added" in _add(oven, ROWS, "--resume", case_id).stdout
    assert "takes no more rows" in _add(oven, ROWS, "--resume", case_id).stderr


def test_usage(oven):
    assert oven("import", "add", "bakery", LIST, _file(oven, ROWS)).exit_code == 2
    assert _add(oven, ROWS, "--delimiter", "::").exit_code == 2
    assert "No such file" in oven.refused("import", "add", "bakery", LIST, "no-such-file", "--source", "x")


def test_the_operators_traps(oven):
    config = oven.config
    (config.parent / "traps.txt").write_text("bob@example.net\n")
    config.write_text(
        config.read_text().replace('#spam_traps = "secrets/spam-traps.txt"', 'spam_traps = "traps.txt"')
    )
    case = oven.json("import", "add", "bakery", LIST, _file(oven, ROWS), "--source", "x")
    assert case["state"] == "held"
    assert {one["name"]: one["count"] for one in case["report"]["findings"]} == {"traps": 1}


def test_a_file_of_traps_that_is_none(oven):
    config, traps = oven.config, oven.config.parent / "traps.txt"
    config.write_text(
        config.read_text().replace('#spam_traps = "secrets/spam-traps.txt"', 'spam_traps = "traps.txt"')
    )
    words = ["import", "add", "bakery", LIST, _file(oven, ROWS), "--source", "x"]
    assert "traps.txt: No such file" in oven.refused(*words)
    traps.write_text("nonsense\n")
    assert "no address and no @domain" in oven.refused(*words)


def test_resume_does_what_is_left(strict):
    case_id = _add(strict, ROWS).stdout.split()[1].rstrip(",")
    assert strict.json("import", "resume", case_id)["state"] == "applied"
