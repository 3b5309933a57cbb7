"""``kill -9`` of any process at any moment: what was answered 250 arrives, and only what was on the wire twice.

The senders never repeat a message: one whose answer was lost is left, and the next has a marker of its own.
"""

import collections
import contextlib
import itertools
import os
import random
import signal
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from scene import House, eventually, newsletter

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
CONNECTIONS = 4  # to the next hop, of one worker
UNKEPT = 30  # outcomes of one worker that wait for a commit: two or three, and some tens on a busy machine
SESSIONS = 4


@dataclass
class Load:
    """Sessions that send until there are ``wanted`` messages answered 250; ``at`` says when to do what."""

    house: House
    wanted: int
    answered: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _grown: threading.Condition = field(default_factory=threading.Condition)

    def run(self, at: dict[int, Callable[[], None]]) -> None:
        """Send; when ``at``'s numbers of messages are answered, call what is there, meanwhile sending goes on."""
        threads = [threading.Thread(target=self._send_on, name=f"s{number}") for number in range(SESSIONS)]
        for thread in threads:
            thread.start()
        for count, deed in at.items():
            with self._grown:
                assert self._grown.wait_for(lambda count=count: len(self.answered) >= count, 60), (
                    f"{len(self.answered)} of {count} were answered; {len(self.lost)} were not"
                )
            deed()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()

    def _send_on(self) -> None:
        while len(self.answered) < self.wanted:
            with contextlib.suppress(smtplib.SMTPException, OSError), self._session() as client:
                while len(self.answered) < self.wanted and self._send(client):
                    pass

    def _session(self) -> smtplib.SMTP:
        """Return a session; between two supervisors nobody listens."""

        def connected() -> smtplib.SMTP | None:
            with contextlib.suppress(ConnectionError):
                return self.house.client()
            return None

        return eventually(connected)

    def _send(self, client: smtplib.SMTP) -> bool:
        """Send one message; say whether the session is good for another."""
        number = next(self._numbers)
        marker = f"m{number}"
        self.lost.add(marker)
        for command in (
            lambda: client.mail(SENDER),
            lambda: client.rcpt(f"r{number % 500}@example.net"),
            lambda: client.data(newsletter(marker)),
        ):
            code, text = command()
            if code != 250:
                assert code // 100 == 4, (code, text)
                return False
        with self._grown:
            self.lost.discard(marker)
            self.answered.add(marker)
            self._grown.notify_all()
        return True


@dataclass
class Killer:
    """Kills, and counts."""

    house: House
    dice: random.Random
    killed: list[str] = field(default_factory=list)

    def a_worker(self) -> None:
        pid, name = self.dice.choice(sorted(self.house.workers().items()))
        os.kill(pid, signal.SIGKILL)
        self.killed.append(name)

    def the_supervisor(self) -> None:
        self.house.kill()
        self.killed.append("supervisor")
        self.house.start()


def arrivals(house: House) -> collections.Counter[str]:
    return collections.Counter(one.marker for one in house.sink.received if one.sender)


def test_under_load(own_house: House, tell: Callable[[str], None]) -> None:
    seed = random.randrange(1 << 32)
    own_house.change("^connections = 20", f"connections = {CONNECTIONS}")
    own_house.start()
    load, killer = Load(own_house, wanted=400), Killer(own_house, random.Random(seed))
    load.run(
        {
            80: killer.a_worker,
            160: killer.a_worker,
            240: killer.the_supervisor,
            320: killer.a_worker,
        }
    )
    own_house.sink.wait_for(lambda _: load.answered <= arrivals(own_house).keys())
    own_house.wait_until_empty()

    arrived = arrivals(own_house)
    twice = sum(count - 1 for count in arrived.values())
    unanswered = len(load.lost & arrived.keys())
    tell(
        f"kill -9 of {', '.join(killer.killed)} (seed {seed}): {len(load.answered)} answered 250, "
        f"{len(load.answered & arrived.keys())} of them arrived, {twice} twice; "
        f"{len(load.lost)} not answered, {unanswered} of them arrived"
    )
    assert load.answered <= arrived.keys()
    assert arrived.keys() <= load.answered | load.lost
    # A supervisor's death ends its workers in order: that puts nothing on the wire twice.
    workers = sum(name.startswith("worker") for name in killer.killed)
    assert twice <= (CONNECTIONS + UNKEPT) * workers


def test_with_a_backlog_while_the_next_hop_is_down(own_house: House, tell: Callable[[str], None]) -> None:
    own_house.start()
    own_house.sink.stop()
    answered = send_backlog(own_house, "first")
    for pid in own_house.workers():
        os.kill(pid, signal.SIGKILL)
    answered |= send_backlog(own_house, "second")
    tree = own_house.children()
    own_house.kill()
    for pid in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    own_house.sink.start()
    own_house.start()
    own_house.sink.wait(len(answered))
    own_house.wait_until_empty()
    arrived = collections.Counter((one.marker, one.recipients[0]) for one in own_house.sink.received)
    tell(
        f"kill -9 of all workers, then of the whole tree, with a backlog: {len(answered)} answered 250, {arrived.total()} arrived"
    )
    assert arrived == dict.fromkeys(answered, 1)


def send_backlog(house: House, name: str) -> set[tuple[str, str]]:
    """Send ten messages to twenty recipients each; return what was answered 250."""
    answered = set()
    with house.client() as client:
        for number in range(10):
            recipients = [f"r{number * 20 + one}@example.net" for one in range(20)]
            marker = f"{name}-{number}"
            assert client.sendmail(SENDER, recipients, newsletter(marker)) == {}
            answered |= {(marker, recipient) for recipient in recipients}
    return answered
