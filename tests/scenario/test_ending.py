"""An account ends: everything stops within a second, is put back whole, or is erased without a trace."""

import contextlib
import json
import os
import re
import signal
import smtplib
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from scene import House, Received, Sink, eventually, newsletter
from sqlalchemy import func, select

from gateway.cli.opened import opened_at
from gateway.store.schema import ACCOUNT_KEY, DKIM_KEY, EVENT, SUBSCRIPTION

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"


@pytest.fixture(scope="module")
def house(template: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway of this file's own, whose account acme is cancelled, restored, and erased in the end."""
    house = House(tmp_path_factory.mktemp("ending") / "house", Sink())
    house.sink.start()
    house.move_into_copy_of(template)
    try:
        house.start()
        yield house
    finally:
        house.clear_away()
        house.sink.stop()


def send(house: House, marker: str, recipients: list[str], account: str = "acme") -> None:
    sender = SENDER if account == "acme" else "news@slow.example"
    content = newsletter(marker).replace(b"news@acme.example", sender.encode())
    with house.client(account=account) as client:
        assert client.sendmail(sender, recipients, content) == {}


def link_of(house: House, marker: str, recipient: str) -> str:
    copies = house.sink.wait_for(lambda seen: any(_is(one, marker, recipient) for one in seen))
    (copy,) = [one for one in copies if _is(one, marker, recipient)]
    field = re.search(rb"List-Unsubscribe: <(http[^>]+)>", copy.content)
    assert field is not None
    return field[1].decode()


def _is(one: Received, marker: str, recipient: str) -> bool:
    return one.marker == marker and one.recipients == (recipient,)


def one_click(url: str) -> int:
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as answer:
        return int(answer.status)


def api_status(house: House, key: str) -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{house.web}/api/v1/events", headers={"Authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_cancelling_stops_everything_within_a_second_and_restoring_loses_nothing(
    house: House, tell: Callable[[str], None]
) -> None:
    send(house, "before", ["r1@example.net", "r2@example.net"])
    link = link_of(house, "before", "r1@example.net")
    added = house.call("apikey", "add", "acme", "--scope", "events:read", "--json")
    key = json.loads(added.stdout)["key"]
    assert api_status(house, key) == 200
    house.sink.stop()
    send(house, "queued", ["r3@example.net"])
    with house.client() as client:
        house.call("account", "cancel", "acme", "--reason", "contract ended", "--grace", "1 h")
        began = time.monotonic()
        eventually(lambda: refused(client, SENDER))
        took = time.monotonic() - began
    tell(f"MAIL of a cancelled account is refused {took:.2f} s after the command came back")
    eventually(lambda: not logs_in(house))  # at each of the workers, within the same second
    eventually(lambda: api_status(house, key) == 401)
    house.sink.start()
    eventually(lambda: states_in_queue(house) == ["held"])
    send(house, "of others", ["ann@example.net"], account="slow")
    assert house.sink.copy("of others")
    assert one_click(link) == 200  # the links of what it has sent work on

    house.call("account", "restore", "acme")
    assert house.sink.copy("queued")  # what was held goes on
    eventually(lambda: logs_in(house))
    with house.client() as client:
        client.mail(SENDER)
        assert sorted(client.rcpt(one)[0] for one in ("r1@example.net", "r2@example.net")) == [250, 550]


def states_in_queue(house: House) -> list[str]:
    with opened_at(house.config) as opened:
        account = opened.registry.account("acme")
        assert account is not None
        return [str(one.state) for one in opened.queue.listing(account_id=account.id)]


def test_a_person_is_shown_and_erased_while_their_mail_waits(house: House) -> None:
    house.sink.stop()
    send(house, "to both", ["r5@example.net", "r6@example.net"])
    eventually(lambda: states_in_queue(house) == ["queued", "queued"])
    found = house.json("person", "show", "R5@example.net")
    assert isinstance(found, dict)
    assert [one["recipient"] for one in found["queue"]] == ["r5@example.net"]
    assert [one["act"] for one in found["accounts"][0]["ledger"]] == ["imported"]
    done = house.json("person", "erase", "r5@example.net", "--account", "acme", "--yes")
    assert isinstance(done, dict)
    assert done["done"]
    assert (done["counts"]["queue: copies"], done["counts"]["subscription"]) == (1, 1)
    house.sink.start()
    assert house.sink.copy("to both").recipients == ("r6@example.net",)
    house.wait_until_empty()
    with house.client() as client:
        client.mail(SENDER)
        assert client.rcpt("r5@example.net")[0] == 550


def refused(client: smtplib.SMTP, sender: str) -> bool:
    code, said = client.mail(sender)
    client.rset()
    return (code, b"5.7.1 Account cancelled" in said) == (550, True)


def logs_in(house: House) -> bool:
    with contextlib.suppress(smtplib.SMTPAuthenticationError), house.client():
        return True
    return False


def signs_of(house: House) -> dict[str, bytes]:
    """Return what must be found nowhere: names, hashes, keys, and seals of every kind."""
    with opened_at(house.config) as opened:
        account = opened.registry.account("acme")
        assert account is not None
        hashes = {
            f"hash of r{number}": opened.keyring.address_hash(account.id, f"r{number}@example.net")
            for number in range(0, 1000, 17)
        }
        with opened.store.read() as connection:
            seals = connection.execute(
                select(SUBSCRIPTION.c.sealed).where(SUBSCRIPTION.c.account_id == account.id)
            ).scalars()
            found = {
                f"subscription {number}": seal[:24] for number, seal in enumerate(seals) if number % 17 == 0
            }
            told = connection.execute(select(EVENT.c.data).where(EVENT.c.account_id == account.id)).scalars()
            found |= {
                f"event {number}": data[:24] for number, data in enumerate(told) if data and number % 17 == 0
            }
            found["key"] = connection.execute(
                select(ACCOUNT_KEY.c.wrapped).where(ACCOUNT_KEY.c.account_id == account.id)
            ).scalar_one()
            found["dkim key"] = connection.execute(select(DKIM_KEY.c.private).limit(1)).scalar_one()[:24]
        names = {word: word.encode() for word in ("acme", "Acme", "example.net", "contract ended", "fair")}
        return names | hashes | found


def subscriptions_of(house: House) -> int:
    with opened_at(house.config) as opened, opened.store.read() as connection:
        account = opened.registry.account("acme")
        assert account is not None
        query = select(func.count()).select_from(SUBSCRIPTION)
        return int(connection.execute(query.where(SUBSCRIPTION.c.account_id == account.id)).scalar_one())


def found_in(house: House, signs: dict[str, bytes], files: str = "*") -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(house.state)), name)
        for path in sorted(house.state.rglob(files))
        if path.is_file()
        for octets in [path.read_bytes()]
        for name, sign in signs.items()
        if sign in octets
    ]


def test_that_nothing_of_an_erased_account_is_left_in_any_file(
    house: House, tell: Callable[[str], None]
) -> None:
    house.change('^confirmation = "page"', 'confirmation = "email"')  # so that there is a letter
    house.call("reload")
    send(house, "last", [f"r{number}@example.net" for number in range(10, 40)])
    house.sink.copies("last", 30)
    house.sink.stop()
    for number in range(5):
        send(house, f"backlog {number}", [f"r{number * 9 + one}@example.net" for one in range(10, 19)])
    send(house, "waits too", ["bob@example.net"], account="slow")
    signs, subscriptions = signs_of(house), subscriptions_of(house)
    before = {name for _, name in found_in(house, signs, "*.sqlite*")}
    assert {"acme", "key", "dkim key"} <= before
    assert len(before) > len(signs) * 0.9

    began = time.monotonic()
    house.call("account", "cancel", "acme", "--reason", "contract ended", "--grace", "0")
    killed = kill_at_each_phase(house)
    took = time.monotonic() - began
    house.sink.start()
    assert house.sink.copy("waits too")  # others' mail flows
    left = eventually_empty(lambda: found_in(house, signs))
    assert left == []
    (erasure,) = [one for one in house.json("account", "erased") if one["kind"] == "account"]
    certificate = erasure["certificate"]
    assert certificate["erased"]["subscription"] == subscriptions >= 1005
    assert certificate["erased"]["account"] == 1
    assert certificate["erased"]["queue: copies"] == 45
    assert not any(name in json.dumps(certificate) for name in ("acme", "@", "example.net"))
    file = house.folder / "certificate.json"
    house.call("account", "certificate", "show", erasure["id"], "--out", str(file))
    assert "is genuine" in house.call("account", "certificate", "verify", str(file), "--name", "acme").stdout
    assert [one["name"] for one in house.json("account", "list")] == ["slow"]
    tell(
        f"an account of {subscriptions} subscriptions and 45 queued copies, erased in {took:.1f} s, the process "
        f"that erases killed by -9 in the phases {', '.join(killed)}; {len(signs)} signs of it looked for in {len(list(house.state.rglob('*')))} files: none"
    )


def kill_at_each_phase(house: House) -> list[str]:
    """Kill the process that erases whenever it has come to another phase; return those that were caught."""
    caught: list[str] = []

    def over() -> bool:
        phase = phase_of_erasure(house)
        if phase and phase != "done" and phase not in caught:
            for pid in [pid for pid, name in house.children().items() if name.startswith("web")]:
                os.kill(pid, signal.SIGKILL)
                caught.append(phase)
        return phase == "done"

    eventually(over, 60)
    return caught


def phase_of_erasure(house: House) -> str:
    with contextlib.closing(sqlite3.connect(house.state / "store.sqlite")) as connection:
        found = connection.execute("SELECT phase FROM erasure WHERE kind = 'account'").fetchone()
    return found[0] if found else ""


def eventually_empty(look: Callable[[], list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """Return what is left once it is nothing, or at the end of all patience."""
    found: list[tuple[str, str]] = []

    def nothing() -> bool:
        found[:] = look()
        return not found

    with contextlib.suppress(AssertionError):
        eventually(nothing)
    return found
