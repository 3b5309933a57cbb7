"""What the spool's tests share: a clock that is set by hand, a real keyring, mail to put in."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.address import Address
from gateway.model.delivery import Delivery, DeliveryEvent, DeliveryState, Recipient, Sender, Submission
from gateway.model.events import Event, EventType
from gateway.model.identity import new_id
from gateway.model.reply import StoreAway
from gateway.ports import Parcel, Settlement
from gateway.settings.schema import SpoolSection
from gateway.spool.opening import open_shard
from gateway.spool.sqlite import SqliteSpool


@dataclass
class HandClock:
    time: float = 1_000_000.0

    def now(self) -> float:
        return self.time


class TestKeyring:
    """AES-GCM with a key for each account; ``gone`` are the accounts whose key was destroyed."""

    __test__ = False

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.away = False

    def _key(self, account_id: int) -> AESGCM:
        if self.away:
            raise StoreAway("the store of keys")
        if account_id in self.gone:
            raise KeyError(account_id)
        return AESGCM(account_id.to_bytes(32, "big"))

    def address_hash(self, account_id: int, identity: str) -> bytes:
        raise NotImplementedError

    def seal(self, account_id: int, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._key(account_id).encrypt(nonce, plain, context)

    def open(self, account_id: int, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._key(account_id).decrypt(sealed[:12], sealed[12:], context)
        except InvalidTag as error:
            raise ValueError("tampered with") from error


@dataclass
class ListMeter:
    counted: dict[str, float] = field(default_factory=dict)
    observed: dict[str, list[float]] = field(default_factory=dict)
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        self.counted[name] = self.counted.get(name, 0) + amount

    def observe(self, name: str, value: float, **labels: str) -> None:
        self.observed.setdefault(name, []).append(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.gauges[name, labels["state"]] = value


class RealEntropy:
    def octets(self, count: int) -> bytes:
        return os.urandom(count)

    def fraction(self) -> float:
        return 0.5


def make_parcel(
    *,
    account: int = 1,
    recipients: int = 1,
    state: DeliveryState = DeliveryState.QUEUED,
    due: float = 0.0,
    content: bytes = b"Subject: hello\r\n\r\nhello\r\n",
    name: str = "",
    events: Sequence[Event] = (),
) -> Parcel:
    name = name or new_id(1_000_000.0, os.urandom(10))
    sender = Sender(Address("news", "example.org"), body_8bit=True, envid="abc")
    submission = Submission(name, account, 999_000.0, sender, len(content), 3, "example.org")
    deliveries = tuple(
        Delivery(submission, n, Recipient(Address(f"r{n}", "example.net")), (), state, 0, due)
        for n in range(recipients)
    )
    return Parcel(submission, content, deliveries, tuple(events))


def make_event(name: str = "E1", account: int = 1, kind: EventType = EventType.DELIVERY) -> Event:
    return Event(name, kind, 1_000_000.0, account, "S", 0, 3, {"code": 250}, {"recipient": "r0@example.net"})


def outcome(delivery: Delivery, event: DeliveryEvent, **terms: Any) -> Settlement:
    return Settlement(delivery, event, **terms)


Open = Callable[..., Any]


@dataclass
class Kit:
    """Everything that a test wants to hold in its hands."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    keyring: TestKeyring = field(default_factory=TestKeyring)
    meter: ListMeter = field(default_factory=ListMeter)
    entropy: RealEntropy = field(default_factory=RealEntropy)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    parcel = staticmethod(make_parcel)
    event = staticmethod(make_event)
    outcome = staticmethod(outcome)

    def folder_made(self) -> Path:
        self.folder.mkdir(exist_ok=True)
        return self.folder

    async def open(
        self, own: int = 0, *, free: Callable[[], int] | None = None, patience: float = 5.0, **limits: Any
    ) -> SqliteSpool:
        spool = await open_shard(
            self.folder,
            own,
            keyring=self.keyring,
            clock=self.clock,
            meter=self.meter,
            settings=SpoolSection(**limits),
            patience=patience,
            free=free,
        )
        self.stack.push_async_callback(spool.close)
        return spool


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    made = Kit(tmp_path / "spool")
    async with made.stack:
        yield made
