"""A signer over keys in memory, and dkimpy as the judge of what it writes."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dkim
import pytest

from gateway.observe.memory import MemoryMeter
from gateway.signing.keys import Algorithm, NewKey, generate
from gateway.signing.signer import PROVIDER, DkimSigner

NOW = 1_700_000_000.9


@dataclass(frozen=True, slots=True)
class HeldKey:
    selector: str
    private_der: bytes
    account_id: int


class HeldKeys:
    """A KeySource, and the DNS in which its records stand."""

    def __init__(self) -> None:
        self._keys: defaultdict[str, list[HeldKey]] = defaultdict(list)
        self.records: dict[bytes, bytes] = {}
        self.asked: list[tuple[int, str]] = []

    def hold(self, account_id: int, domain: str, selector: str, key: NewKey) -> None:
        self._keys[domain].append(HeldKey(selector, key.private_der, account_id))
        self.records[f"{selector}._domainkey.{domain}.".encode()] = key.record.encode()

    async def keys(self, account_id: int, domain: str) -> Sequence[HeldKey]:
        self.asked.append((account_id, domain))
        return [key for key in self._keys[domain] if account_id in {PROVIDER, key.account_id}]

    def dns(self, name: bytes, timeout: float = 5) -> bytes | None:
        return self.records.get(name)


class StoppedClock:
    def now(self) -> float:
        return NOW


@pytest.fixture(scope="session")
def rsa_key() -> NewKey:
    return generate(Algorithm.RSA)


@pytest.fixture(scope="session")
def ed25519_key() -> NewKey:
    return generate(Algorithm.ED25519)


@pytest.fixture
def source() -> HeldKeys:
    return HeldKeys()


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def signer(source: HeldKeys, meter: MemoryMeter) -> DkimSigner:
    return DkimSigner(source, StoppedClock(), meter)


@pytest.fixture
def provider_signer(source: HeldKeys, meter: MemoryMeter) -> DkimSigner:
    return DkimSigner(source, StoppedClock(), meter, provider_domain="Provider.Example")


@pytest.fixture
def verify(source: HeldKeys) -> Callable[[bytes], list[bool]]:
    def judge(signed: bytes) -> list[bool]:
        """Verify each signature of a message as it stands on the wire, with dkimpy."""
        wire = signed if signed.endswith(b"\r\n") else signed + b"\r\n"
        count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.rfc822_parse(wire)[0])
        return [dkim.DKIM(wire).verify(idx, dnsfunc=source.dns) for idx in range(count)]

    return judge
