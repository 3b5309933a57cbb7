"""Any sequence of calls gets the same answers from the SQLite spool and from its twin in memory."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.model.address import Address
from gateway.model.delivery import Delivery, DeliveryEvent, DeliveryState, Recipient, Sender, Submission
from gateway.model.events import Event, EventType
from gateway.ports import LostMove, Parcel, Settlement
from gateway.settings.schema import SpoolSection
from gateway.spool.errors import AlreadyKept
from gateway.spool.memory import MemorySpool
from gateway.spool.opening import open_shard

ACCOUNTS = st.integers(1, 3)
TIMES = st.sampled_from([0.0, 10.0, 20.0, 30.0])
STATES = st.sampled_from([DeliveryState.QUEUED, DeliveryState.ACTIVE, DeliveryState.HELD])
REASONS = st.sampled_from(["suspended", "quota"])


class Clock:
    def now(self) -> float:
        return 15.0


class Plain:
    """Seals nothing: what is compared here are states."""

    def address_hash(self, account_id: int, identity: str) -> bytes:
        raise NotImplementedError

    def seal(self, account_id: int, plain: bytes, context: bytes) -> bytes:
        return context + plain

    def open(self, account_id: int, sealed: bytes, context: bytes) -> bytes:
        return sealed.removeprefix(context)


class Deaf:
    def count(self, *_: Any, **__: Any) -> None: ...
    def observe(self, *_: Any, **__: Any) -> None: ...
    def gauge(self, *_: Any, **__: Any) -> None: ...


class Twins(RuleBasedStateMachine):
    """Calls both, compares the answers, and every body that should or should not be there."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.memory: Any = MemorySpool(keyring=Plain(), clock=Clock())
        self.sqlite: Any = self.runner.run(self._open())
        self.known: list[Delivery] = []
        self.events = 0

    async def _open(self) -> Any:
        section = SpoolSection(min_free=0)
        folder = Path(self.folder.name)
        return await open_shard(folder, 0, keyring=Plain(), clock=Clock(), meter=Deaf(), settings=section)

    def teardown(self) -> None:
        self.runner.run(self.sqlite.close())
        self.runner.close()
        self.folder.cleanup()

    def both(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        async def answer(spool: Any) -> Any:
            try:
                return await call(spool)
            except (AlreadyKept, LostMove, KeyError) as error:
                return type(error), getattr(error, "ids", ())

        expected = self.runner.run(answer(self.memory))
        assert self.runner.run(answer(self.sqlite)) == expected
        return expected

    def event(self) -> Event:
        self.events += 1
        return Event(f"E{self.events}", EventType.DELIVERY, 1.0, 1)

    @rule(account=ACCOUNTS, states=st.lists(STATES, max_size=3), due=TIMES, reason=REASONS)
    def put(self, account: int, states: list[DeliveryState], due: float, reason: str) -> None:
        submission = Submission(f"{len(self.known):026}", account, 1.0, Sender(None), 4, None, "")
        deliveries = tuple(
            Delivery(
                submission,
                number,
                Recipient(Address(f"r{number}", "example.net")),
                (),
                state,
                0,
                due,
                "",
                reason if state is DeliveryState.HELD else "",
            )
            for number, state in enumerate(states)
        )
        parcel = Parcel(submission, b"body", deliveries, (self.event(),))
        self.both(lambda spool: spool.put(parcel))
        self.known += deliveries

    @rule(account=ACCOUNTS, now=TIMES, limit=st.integers(1, 3))
    def claim(self, account: int, now: float, limit: int) -> None:
        async def claim(spool: Any) -> list[Delivery]:
            return list(await spool.claim_due(account, now, limit))

        self.both(claim)

    @rule(
        data=st.data(),
        kinds=st.lists(st.sampled_from(list(DeliveryEvent)), min_size=1, max_size=3),
        due=TIMES,
        reason=REASONS,
        guess=STATES,
    )
    def settle(
        self, data: st.DataObject, kinds: list[DeliveryEvent], due: float, reason: str, guess: DeliveryState
    ) -> None:
        if not self.known:
            return
        moves = [
            Settlement(
                replace(data.draw(st.sampled_from(self.known)), state=guess),
                kind,
                due_at=due,
                reply=f"{kind} it is",
                hold_reason=reason,
                events=(self.event(),),
            )
            for kind in kinds
        ]
        self.both(lambda spool: spool.settle(moves))

    @rule(account=ACCOUNTS, reason=REASONS)
    def release(self, account: int, reason: str) -> None:
        self.both(lambda spool: spool.release_held(account, reason))

    @rule(some=st.integers(0, 3))
    def forget(self, some: int) -> None:
        async def forget(spool: Any) -> None:
            await spool.forget([place for place, _ in await spool.outbox(some)])

        self.both(forget)

    @rule()
    def crash(self) -> None:
        """Open the shard anew: what was ACTIVE is QUEUED, due now, DOOMED ends; tell the twin the same."""
        self.runner.run(self.sqlite.close())
        self.sqlite = self.runner.run(self._open())
        for one in list(self.memory._deliveries.values()):
            if one.state in {DeliveryState.ACTIVE, DeliveryState.DOOMED}:
                back = Settlement(one, DeliveryEvent.UNCLAIM, due_at=15.0)
                self.runner.run(self.memory.settle([back]))

    @invariant()
    def the_same_everywhere(self) -> None:
        async def view(spool: Any) -> Any:
            return (
                dict(await spool.counts()),
                sorted(await spool.accounts_due(15.0)),
                await spool.next_due(5.0),
                sorted(await spool.held_accounts("quota")),
                [sealed.id for _, sealed in await spool.outbox(1000)],
            )

        self.both(view)
        for name in {one.submission.id for one in self.known}:
            self.both(lambda spool, name=name: spool.content(name))


Twins.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestTwins = Twins.TestCase
