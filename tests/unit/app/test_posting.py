"""Letters leave the table only when a spool has them."""

import asyncio

import pytest

from gateway.app import posting
from gateway.app.posting import Postman
from gateway.app.world import SystemEntropy
from gateway.inbound.house_mail import Outgoing
from gateway.model.address import parse_address
from gateway.model.delivery import DeliveryState, Notify
from gateway.model.letter import Letter, LetterKind
from gateway.model.reply import SpoolFull, StoreAway
from gateway.observe.memory import MemoryMeter
from gateway.ports import Parcel
from gateway.store.letters import Taken

NOW = 1_800_000_000.0
LETTER = Letter(
    LetterKind.LEAVING, 7, 3, bytes(16), parse_address("ünal@example.net"), b"Subject: x\r\n\r\ny\r\n"
)


class Pile:
    def __init__(self, count: int = 1) -> None:
        self.due = [Taken(LETTER, NOW + 60)] * count
        self.gone = 0
        self.away = False

    def take(self, now: float, limit: int):
        if self.away:
            raise StoreAway("gone")
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    def sent(self, taken: Taken) -> None:
        self.gone += 1

    async def next_due(self) -> float | None:
        return NOW if self.due else None

    def expire(self, now: float) -> int:
        return 0


class Spool:
    def __init__(self) -> None:
        self.kept: list[Parcel] = []
        self.full = False
        self.changed = asyncio.Event()

    def check_room(self) -> None:
        if self.full:
            raise SpoolFull

    async def put(self, parcel: Parcel) -> None:
        self.kept.append(parcel)
        self.changed.set()


class Dispatch:
    def __init__(self) -> None:
        self.nudged = 0

    def nudge(self) -> None:
        self.nudged += 1


class Clock:
    def now(self) -> float:
        return NOW


def postman(
    pile: Pile, spool: Spool, dispatch: Dispatch | None = None, meter: MemoryMeter | None = None
) -> Postman:
    outgoing = Outgoing(
        hostname=lambda: "gateway.example",
        signing_domain="provider.example",
        spool=spool,
        dispatch=dispatch or Dispatch(),
        clock=Clock(),
        entropy=SystemEntropy(),
    )
    return Postman(pile, outgoing, meter or MemoryMeter())


async def test_a_letter_becomes_the_providers_own_mail() -> None:
    pile, spool, dispatch, meter = Pile(), Spool(), Dispatch(), MemoryMeter()
    assert await postman(pile, spool, dispatch, meter).round() == 1
    (parcel,) = spool.kept
    (delivery,) = parcel.deliveries
    assert parcel.submission.account_id == 0
    assert parcel.submission.list_id is None
    assert parcel.submission.sender.address is None
    assert parcel.submission.sender.smtputf8
    assert parcel.content == LETTER.content
    assert delivery.recipient.address == LETTER.to
    assert delivery.recipient.notify == {Notify.NEVER}
    assert (delivery.state, delivery.due_at) == (DeliveryState.QUEUED, NOW)
    assert (pile.gone, dispatch.nudged) == (1, 1)
    assert meter.value("letters_total", kind="leaving", result="sent") == 1


async def test_a_full_spool_borrows_none() -> None:
    pile, spool = Pile(), Spool()
    spool.full = True
    with pytest.raises(SpoolFull):
        await postman(pile, spool).round()
    assert pile.due


async def test_a_spool_that_fails_half_way_leaves_the_letter_lent() -> None:
    pile, spool = Pile(), Spool()

    async def fail(_parcel: Parcel) -> None:
        raise SpoolFull

    spool.put = fail  # type: ignore[method-assign]
    with pytest.raises(SpoolFull):
        await postman(pile, spool).round()
    assert pile.gone == 0


async def test_it_goes_on_when_the_store_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_PAUSE", 0.001)
    monkeypatch.setattr(posting, "_PAUSE_AWAY", 0.001)
    pile, spool = Pile(60), Spool()
    pile.away = True
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(postman(pile, spool).run())
        await asyncio.sleep(0)
        pile.away = False
        while len(spool.kept) < 60:
            spool.changed.clear()
            await spool.changed.wait()
        task.cancel()
    assert pile.gone >= 59


async def test_tidying_asks_the_pile() -> None:
    await postman(Pile(), Spool()).tidy()


async def test_a_letter_that_cannot_be_carried_holds_up_no_other() -> None:
    meter = MemoryMeter()

    class Choosy(Spool):
        async def put(self, parcel: Parcel) -> None:
            if not self.changed.is_set():
                self.changed.set()
                raise ValueError("a fault of this letter's own")
            await super().put(parcel)

    pile, spool = Pile(3), Choosy()
    assert await postman(pile, spool, meter=meter).round() == 3
    assert (pile.gone, len(spool.kept)) == (2, 2)
    assert meter.value("letters_total", kind="leaving", result="failed") == 1
    assert meter.value("letters_total", kind="leaving", result="sent") == 2
