"""``kill -9`` of the web process under a load of one-click POSTs: whoever was answered 200 has left.

The senders never repeat a POST: one whose answer was lost is left, as a mailbox provider might leave it.
"""

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from scene import PATIENCE, House, eventually
from sqlalchemy import select

from gateway.app.configuration import read
from gateway.model.token import Purpose, Token, seal
from gateway.store.database import open_store
from gateway.store.schema import EVENT, SUBSCRIPTION

pytestmark = pytest.mark.scenario

BODY = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CONNECTIONS = 8


@dataclass(frozen=True)
class Link:
    """A way out, and whose it is."""

    address_hash: bytes
    path: str


@dataclass
class Book:
    """The gateway's store, looked into from outside."""

    house: House

    def links(self) -> list[Link]:
        """Return the way out of every subscription."""
        tokens = read(self.house.config).tokens
        rows = self._rows(
            select(SUBSCRIPTION.c.account_id, SUBSCRIPTION.c.list_id, SUBSCRIPTION.c.address_hash)
        )
        made = []
        for account_id, list_id, address_hash in rows:
            token = Token(Purpose.UNSUBSCRIBE, account_id, list_id, address_hash, bytes(16))
            key = tokens.keys[tokens.current_id]
            made.append(Link(address_hash, "/u/" + seal(token, tokens.current_id, key)))
        # One each: a person of two lists would be two people here.
        return list({link.address_hash: link for link in made}.values())

    def left(self) -> set[bytes]:
        """Return who has left some list."""
        state = SUBSCRIPTION.c.state == "unsubscribed"
        return {row[0] for row in self._rows(select(SUBSCRIPTION.c.address_hash).where(state))}

    def told(self) -> Counter[bytes]:
        """Return how many events say that somebody left by one click."""
        facts = [
            json.loads(row[0])
            for row in self._rows(select(EVENT.c.facts).where(EVENT.c.type == "Subscription"))
        ]
        return Counter(bytes.fromhex(one["subscriber"]) for one in facts if one.get("via") == "one-click")

    def _rows(self, query) -> Sequence:
        store = open_store(self.house.state / "store.sqlite")
        with store.read() as connection:
            rows = connection.execute(query).all()
        store.close()
        return rows


@dataclass
class Load:
    """Connections that post for as long as there are links."""

    house: House
    links: list[Link]
    answered: set[bytes] = field(default_factory=set)
    lost: set[bytes] = field(default_factory=set)
    wrong: list[int] = field(default_factory=list)
    _grown: threading.Condition = field(default_factory=threading.Condition)

    def run(self, at: dict[int, Callable[[], None]]) -> None:
        """Post; when ``at``'s numbers of POSTs are answered, call what is there, meanwhile posting goes on."""
        threads = [threading.Thread(target=self._post_on) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for count, deed in at.items():
            with self._grown:
                assert self._grown.wait_for(lambda count=count: len(self.answered) >= count, PATIENCE), (
                    f"{len(self.answered)} of {count} were answered; {len(self.lost)} were not"
                )
            deed()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _post_on(self) -> None:
        while self.links:
            connection = http.client.HTTPConnection("127.0.0.1", self.house.web, timeout=PATIENCE)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                while self._post(connection):
                    pass

    def _post(self, connection: http.client.HTTPConnection) -> bool:
        """Post once; say whether there may be more to do."""
        with self._grown:
            if not self.links:
                return False
            link = self.links.pop()
            self.lost.add(link.address_hash)
        connection.request("POST", link.path, BODY, FORM)
        with connection.getresponse() as answer:
            answer.read()
        with self._grown:
            if answer.status != 200:
                self.wrong.append(answer.status)
                return True
            self.lost.discard(link.address_hash)
            self.answered.add(link.address_hash)
            self._grown.notify_all()
        return True


def kill_web(house: House) -> None:
    """SIGKILL to the web process; return when the supervisor has started another."""
    web = [pid for pid, name in house.children().items() if name.startswith("web")]
    os.kill(web[0], signal.SIGKILL)
    eventually(
        lambda: [pid for pid, name in house.children().items() if name.startswith("web") and pid not in web]
    )


def test_kill_9_of_the_web_process_loses_nobody(own_house: House, tell: Callable[[str], None]) -> None:
    own_house.start()
    book = Book(own_house)
    links = book.links()
    load = Load(own_house, list(links))
    began = time.monotonic()
    load.run({250: lambda: kill_web(own_house), 600: lambda: kill_web(own_house)})
    took = time.monotonic() - began
    left, told = book.left(), book.told()
    tell(
        f"kill -9 of the web process, twice, under one-click POSTs: {len(load.answered)} answered 200 in {took:.1f} s,"
        f" {len(load.answered & left)} of them have left; {len(load.lost)} not answered,"
        f" {len(load.lost & left)} of them have left"
    )
    assert load.wrong == []
    assert len(load.answered) + len(load.lost) == len(links)
    assert 1 <= len(load.lost) <= 4 * CONNECTIONS
    assert load.answered <= left <= load.answered | load.lost
    assert told == dict.fromkeys(left, 1)  # once, however it ended

    # Whoever was not answered posts again, and it is as if nothing had been.
    again = Load(own_house, [link for link in links if link.address_hash in load.lost])
    again.run({})
    assert again.answered == load.lost
    assert book.told() == dict.fromkeys((link.address_hash for link in links), 1)
    assert own_house.metric("consentry_unsubscribes_total", via="one-click") >= len(load.answered)
