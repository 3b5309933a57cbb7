"""Two accounts that wish each other ill, at every door: SMTP, the API, the links, imports, the clock.

``slow`` attacks, ``acme`` has what it wants to know: who is on acme's list. Each answer that slow gets about a
reader of acme's is held against the one about somebody nobody knows: they must be the same. What the clock tells
is printed and not asserted, because other work on the machine would decide it.
"""

import base64
import json
import re
import statistics
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scene import PASSWORD, House, newsletter

pytestmark = pytest.mark.scenario

STRANGER = "nobody-knows-me@example.net"
SCOPES = (
    "lists:read",
    "lists:write",
    "subscriptions:read",
    "subscriptions:write",
    "events:read",
    "newsletters:read",
    "imports:read",
    "imports:write",
)
Tell = Callable[[str], None]


@pytest.fixture(scope="module")
def house(house_of_the_file: House) -> House:
    """A house of their own, where one may try many links from one place."""
    house_of_the_file.change(r"^bad_links = .*", 'bad_links = "10,000/min"')
    house_of_the_file.start()
    return house_of_the_file


@pytest.fixture(scope="module")
def keys(house: House) -> dict[str, str]:
    """An API key of each account."""
    words = [word for scope in SCOPES for word in ("--scope", scope)]
    made = {}
    for account in ("acme", "slow"):
        said = house.json("apikey", "add", account, "--name", "duel", *words)
        assert isinstance(said, dict)
        made[account] = str(said["key"])
    return made


@pytest.fixture
def victim(reader: str) -> str:
    """A reader of acme's, of whom slow has heard."""
    return reader


def api(
    house: House, key: str, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, str]:
    """Return an answer's status, and its text without what is new in each."""
    request = urllib.request.Request(f"http://127.0.0.1:{house.web}/api/v1{path}", method=method)
    request.add_header("Authorization", f"Bearer {key}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def page(house: House, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
    """Return a page's status and text."""
    body = urllib.parse.urlencode(data).encode() if data is not None else None
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{house.web}{path}", data=body, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def rcpt(house: House, account: str, to: str) -> tuple[int, bytes]:
    with house.client(account=account) as client:
        client.mail(f"news@{account}.example")
        return client.rcpt(to)


def state(house: House, account: str, address: str) -> object:
    return house.json("subscriber", "show", account, address)


# SMTP -------------------------------------------------------------------------------------------------------


def test_mail_tells_nothing_and_goes_in_nobody_elses_name(house: House, victim: str) -> None:
    assert rcpt(house, "acme", victim)[0] == 250
    assert rcpt(house, "slow", victim) == rcpt(house, "slow", STRANGER)
    with house.client(account="slow") as client:
        code, text = client.mail("news@acme.example")
        assert code == 550, text
    mine = newsletter("duel").replace(b"Acme News <news@acme.example>", b"news@slow.example")
    foreign = b"X-Consentry-List: news.acme.example\r\n" + mine
    with house.client(account="slow") as client:
        client.mail("news@slow.example")
        assert client.rcpt("bob@example.net")[0] == 250, "slow's own reader"
        code, text = client.data(foreign)
        assert (code, b"list" in text.lower()) == (550, True), text
    with house.client(account="slow") as client:
        client.mail("news@slow.example")
        client.rcpt("bob@example.net")
        code, text = client.data(newsletter("duel"))  # From: is acme's
        assert code == 550, text


# The API ----------------------------------------------------------------------------------------------------


def test_the_api_knows_no_list_but_ones_own(house: House, keys: dict[str, str], victim: str) -> None:
    theirs, nobodys = "news.acme.example", "news.nowhere.example"
    slow = keys["slow"]
    asks: list[tuple[str, str, Callable[[str], object]]] = [
        ("GET", "/lists/{}", lambda _: None),
        ("PATCH", "/lists/{}", lambda _: {"name": "Taken over"}),
        ("DELETE", "/lists/{}", lambda _: None),
        ("GET", "/subscriptions?list={}", lambda _: None),
        ("GET", "/newsletters?list={}", lambda _: None),
        (
            "POST",
            "/subscriptions",
            lambda name: {"list": name, "address": victim, "evidence": {"source": "a form"}},
        ),
        ("POST", "/subscriptions/unsubscribe", lambda name: {"list": name, "address": victim}),
    ]
    for method, path, body in asks:
        answers = [
            api(house, slow, method, path.format(name), body(name), Idempotency_Key=f"duel-{name}-{method}")
            for name in (theirs, nobodys)
        ]
        assert answers[0][0] in {403, 404, 422}, (method, path, answers[0])
        assert answers[0][0] == answers[1][0], (method, path)
        assert answers[0][1].replace(theirs, nobodys) == answers[1][1], (method, path)
    assert rcpt(house, "acme", victim)[0] == 250
    said, listed = api(house, slow, "GET", "/lists")
    assert (said, "acme" in listed) == (200, False)


def test_a_look_up_sees_ones_own_side_only(house: House, keys: dict[str, str], victim: str) -> None:
    answers = [
        api(house, keys["slow"], "POST", "/subscriptions/lookup", {"address": address})
        for address in (victim, STRANGER)
    ]
    assert answers[0][0] == answers[1][0]
    assert answers[0][1].replace(victim, STRANGER) == answers[1][1]
    status, text = api(house, keys["acme"], "POST", "/subscriptions/lookup", {"address": victim})
    assert (status, "confirmed" in text) == (200, True)


def test_cursors_and_idempotency_keys_are_ones_own(house: House, keys: dict[str, str], victim: str) -> None:
    status, text = api(house, keys["acme"], "GET", "/events?limit=1")
    assert status == 200
    cursor = json.loads(text)["next"]
    assert api(house, keys["slow"], "GET", f"/events?after={cursor}")[0] == 400
    same = {"Idempotency_Key": "the-same-for-both"}
    body = {"list": "news.acme.example", "address": victim}
    mine = api(house, keys["acme"], "POST", "/subscriptions/lookup", {"address": victim})
    first = api(house, keys["acme"], "POST", "/subscriptions/unsubscribe", body, **same)
    assert first[0] == 200, first
    second = api(house, keys["slow"], "POST", "/subscriptions/unsubscribe", body, **same)
    assert second[0] in {404, 422}, "not acme's stored answer"
    assert mine[0] == 200


def test_an_import_is_ones_own(house: House, keys: dict[str, str]) -> None:
    new = {"list": "news.acme.example", "source": "our shop"}
    assert api(house, keys["slow"], "POST", "/imports", new)[0] == 404
    status, text = api(house, keys["acme"], "POST", "/imports", new)
    assert status == 201, text
    mine = json.loads(text)["id"]
    for method, path in (("GET", ""), ("GET", "/faults"), ("PUT", "/rows")):
        answers = [
            api(house, keys["slow"], method, f"/imports/{one}{path}", {} if method == "PUT" else None)
            for one in (mine, "01M85C0HBFB5RBX2SYFY8R342Z")
        ]
        assert answers[0][0] == 404, answers
        assert answers[0] == answers[1]
    assert mine not in api(house, keys["slow"], "GET", "/imports")[1]
    assert json.loads(api(house, keys["acme"], "GET", f"/imports/{mine}")[1])["lines"] == 0


# Links ------------------------------------------------------------------------------------------------------


def test_a_link_opens_its_own_door_and_no_other(house: House, reader: str) -> None:
    with house.client() as client:
        client.sendmail("news@acme.example", [reader], newsletter(f"duel-{reader}"))
    field = house.sink.copy(f"duel-{reader}").message["List-Unsubscribe"]
    found = re.search(r"/u/([A-Za-z0-9_-]{79})", field)
    assert found
    token = found[1]
    made_up = page(house, f"/u/{'A' * 79}")
    assert made_up[0] == 404
    for forged in forgeries(token):
        for door in ("u", "r", "w", "c", "s", "f", "i", "undo"):
            assert page(house, f"/{door}/{forged}")[0] == 404, (door, forged)
            assert page(house, f"/{door}/{forged}", {"List-Unsubscribe": "One-Click"})[0] in {
                400,
                404,
                405,
            }, door
    for door in ("r", "w", "c", "s", "f", "i"):
        assert page(house, f"/{door}/{token}")[0] == 404, door
    assert rcpt(house, "acme", reader)[0] == 250


def forgeries(token: str) -> Iterator[str]:
    """Change the purpose, the account, the list, the reader, and the signature."""
    raw = bytearray(base64.urlsafe_b64decode(token + "=="))
    for place in (0, 1, 2, 6, 10, 12, 30, len(raw) - 1):
        changed = bytearray(raw)
        changed[place] ^= 1
        yield base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()


# Imports ----------------------------------------------------------------------------------------------------


def test_an_import_of_anothers_readers_tells_the_operator_only(
    house: House, keys: dict[str, str], tmp_path: Any
) -> None:
    before = json.loads(api(house, keys["slow"], "GET", "/events?limit=1000")[1])
    assert not before["has_more"]
    file = tmp_path / "stolen.csv"
    stolen = [f"r{number}@example.net" for number in range(300)]
    file.write_text("email\n" + "".join(f"{one}\n" for one in stolen))
    done = house.call(
        "import", "add", "slow", "news.slow.example", str(file), "--source", "found it", "--json", check=False
    )
    shown = house.json("import", "list")
    assert isinstance(shown, list)
    case = next(one for one in shown if one["account"] == "slow")
    report = house.call("import", "show", str(case["import"])).stdout
    assert "acme" in report, "the operator hears whose list it is"
    assert case["state"] not in {"applied", "accepted"}, done.stdout
    status, text = api(house, keys["slow"], "GET", f"/events?limit=1000&after={before['next']}")
    assert (status, "acme" in text) == (200, False), text
    status, text = api(house, keys["slow"], "GET", f"/imports/{case['import']}")
    assert (status, "acme" in text, "bought" in text, "score" in text) == (200, False, False, False), text
    # Nothing of it counts, but for whoever slow had already.
    assert rcpt(house, "slow", stolen[0]) == rcpt(house, "slow", STRANGER)


# The clock --------------------------------------------------------------------------------------------------


def test_the_clock_is_shown(house: House, keys: dict[str, str], victim: str, tell: Tell) -> None:
    """Medians in turns: whoever reads them sees whether one answer comes later than the other."""
    with house.client(account="slow") as client:

        def ask_smtp(to: str) -> None:
            client.mail("news@slow.example")
            client.rcpt(to)
            client.rset()

        smtp = in_turns(ask_smtp, victim, STRANGER)
    look = in_turns(
        lambda to: api(house, keys["slow"], "POST", "/subscriptions/lookup", {"address": to}),
        victim,
        STRANGER,
    )
    tell(
        "time of answers to another account about a reader of acme's and a stranger, ms: "
        f"RCPT {smtp[0]:.2f} and {smtp[1]:.2f}, API {look[0]:.2f} and {look[1]:.2f}"
    )


def in_turns(ask: Callable[[str], object], one: str, other: str) -> tuple[float, float]:
    """Return both medians, in milliseconds."""
    spent: dict[str, list[float]] = {one: [], other: []}
    for number in range(40):
        for to in (one, other) if number % 2 else (other, one):
            start = time.perf_counter()
            ask(to)
            spent[to].append((time.perf_counter() - start) * 1000)
    return statistics.median(spent[one]), statistics.median(spent[other])


def test_a_wrong_password_and_a_wrong_name_are_one_answer(house: House) -> None:
    answers = []
    for name in ("acme", "nobody"):
        client = house.client(login=False)
        with client:
            answers.append(client.docmd("AUTH", "PLAIN " + plain(name, PASSWORD + "x")))
    assert answers[0] == answers[1]


def plain(name: str, password: str) -> str:
    return base64.b64encode(f"\0{name}\0{password}".encode()).decode()
