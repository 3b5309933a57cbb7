"""``kill -9`` of workers while readers ask for letters of confirmation: whoever was shown the page gets one.

A letter goes from the store into a worker's spool by two commits. The store is kept from writing at the moment of
each death, so that there are letters which a spool has and the store does not know of yet.
"""

import contextlib
import os
import signal
import sqlite3
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scene import House, eventually, newsletter
from scene.waiting import PATIENCE
from sqlalchemy import update

from gateway.store.database import open_store
from gateway.store.schema import LETTER

pytestmark = pytest.mark.scenario

READERS = 40
DEATHS = 2


@contextlib.contextmanager
def unwritable(file: Path) -> Iterator[None]:
    """Let nobody write into a database meanwhile."""
    holder = sqlite3.connect(file, isolation_level=None, timeout=PATIENCE)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def ways_out(house: House) -> dict[str, str]:
    """Write to the readers; return each one's link."""
    readers = [f"r{number}@example.net" for number in range(READERS)]
    with house.client() as client:
        client.sendmail("news@acme.example", readers, newsletter("asked"))
    copies = house.sink.copies("asked", READERS)
    return {
        one.recipients[0]: one.message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
        for one in copies
    }


def letters(house: House) -> list[tuple[str, str]]:
    """Whom a letter has reached, with its Message-ID."""
    return [
        (one.recipients[0], str(one.message["Message-ID"])) for one in house.sink.received if not one.sender
    ]


def press(url: str) -> bool:
    """Press the page's button; say whether the page that promises a letter was shown."""
    try:
        with urllib.request.urlopen(url, b"confirm=1", timeout=PATIENCE) as page:
            return "mailbox" in page.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return False


def a_minute_passes(house: House) -> None:
    """Let what dead workers have borrowed be due again, as it is when their minute is over."""
    store = open_store(house.state / "store.sqlite")
    with store.write() as connection:
        connection.execute(update(LETTER).where(LETTER.c.due_at.is_not(None)).values(due_at=0.0))
    store.close()


def test_workers_die_between_the_two_commits_of_a_letter(
    own_house: House, tell: Callable[[str], None]
) -> None:
    own_house.change(r'^confirmation = "page"', 'confirmation = "email"')
    own_house.start()
    ways = ways_out(own_house)
    asked, todo = set[str](), iter(ways.items())

    def ask() -> None:
        for reader, url in todo:
            if press(url):
                asked.add(reader)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    arrived = 0
    for _ in range(DEATHS):
        own_house.sink.wait_for(lambda _, before=arrived: len(letters(own_house)) > before)
        with unwritable(own_house.state / "store.sqlite"):
            for pid in own_house.workers():
                os.kill(pid, signal.SIGKILL)
        arrived = len(letters(own_house))
        a_minute_passes(own_house)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert len(asked) > READERS // 2
    own_house.sink.wait_for(lambda _: asked <= {reader for reader, _ in letters(own_house)})
    own_house.wait_until_empty()
    came = Counter(letters(own_house))
    assert len(came) == len({reader for reader, _ in came})  # one that came twice is the same letter
    eventually(lambda: own_house.metric("consentry_letters_total", kind="leaving", result="sent") >= 1)
    tell(
        f"kill -9 of all workers {DEATHS} times: {len(asked)} readers were promised a letter, "
        f"{len(came)} got it, {came.total() - len(came)} of them twice"
    )
