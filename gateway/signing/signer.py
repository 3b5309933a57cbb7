"""DKIM at delivery: the signatures of one copy, made from keys that were parsed once.

What it promises:

- every key of the From: domain signs, RSA first (some verifiers look at the first signature only), then
  Ed25519; the provider's own domain signs after them where it is set. The body is canonicalised and hashed
  once for all of them;
- a domain without keys uses those of its nearest parent domain that belong to the same account: such a
  signature is aligned in DMARC's relaxed mode (RFC 7489 section 3.1.1). Never those of another account;
- t= comes from the clock; no x=, no l=, no i= (its default is the domain);
- a body over 1 MiB is hashed in a thread, so that the loop goes on.

How it fails: a key that cannot be parsed does not sign, is logged and counted; with no key at all, or no
From: field, there is no signature and the copy goes as it is. Where the key source itself is away its
StoreAway passes through: the delivery waits, because an unsigned newsletter would be refused for good.
"""

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from gateway.ports import Clock, Meter
from gateway.signing.canonical import relaxed_body
from gateway.signing.coverage import Coverage, cover
from gateway.signing.keys import check_selector
from gateway.signing.layout import folded_base64, heading, relaxed

PROVIDER = 0
"""The account id under which the keys of the provider's own domain are asked for, whoever keeps them."""

log = structlog.get_logger("signing")
_OFF_LOOP = 1_048_576  # octets
_KEYS_KEPT = 10_000
_METRIC = "dkim_signer_sign_total"
_PADDING, _SHA256 = PKCS1v15(), SHA256()


class SigningKey(Protocol):
    """A key as the store has it: PKCS#8 in DER, unsealed."""

    @property
    def selector(self) -> str: ...  # noqa: D102 - the field's name says it

    @property
    def private_der(self) -> bytes: ...  # noqa: D102 - the class docstring says it

    @property
    def account_id(self) -> int: ...  # noqa: D102 - the field's name says it


class KeySource(Protocol):
    """Where keys come from; asked for every copy, so it should answer from memory."""

    async def keys(self, account_id: int, domain: str) -> Sequence[SigningKey]:
        """Return the active keys of exactly this domain (A-labels) in this account; PROVIDER: in any."""
        ...


@dataclass(frozen=True, slots=True)
class _Pen:
    """A parsed key: ``write`` makes the raw signature of what is to be signed."""

    rank: int
    name: str  # a=
    write: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Named:
    """A pen at its domain and selector."""

    pen: _Pen
    heading: bytes


class DkimSigner:
    """Implements ``ports.Signer``. One for each worker; the loop's thread only."""

    def __init__(self, source: KeySource, clock: Clock, meter: Meter, provider_domain: str = "") -> None:
        self._source = source
        self._clock = clock
        self._meter = meter
        self._provider_domain = provider_domain.lower()
        self._pens: OrderedDict[tuple[str, str, bytes], _Named | None] = OrderedDict()

    async def sign(self, account_id: int, domain: str, content: bytes) -> bytes:
        """Return the DKIM-Signature fields to put before the content: none, one or several."""
        pens = await self._choose(account_id, domain.lower())
        if not pens:
            return self._unsigned("no-key")
        section, body = _parted(content)
        coverage = cover(section)
        if coverage is None:
            return self._unsigned("no-from")
        bh = await _body_hash(body)
        common = b"t=%d; bh=%b;\r\n %b\r\n b=" % (int(self._clock.now()), bh, coverage.names)
        for named in pens:
            self._meter.count(_METRIC, algorithm=named.pen.name, result="signed")
        return b"".join([_signature(named, common, coverage) for named in pens])

    def forget_keys(self) -> None:
        """Let go of the keys in memory: some were destroyed, and the others are read again."""
        self._pens.clear()

    def _unsigned(self, reason: str) -> bytes:
        self._meter.count(_METRIC, algorithm="none", result=reason)
        return b""

    async def _choose(self, account_id: int, domain: str) -> list[_Named]:
        """Return the pens that sign, in order, each domain and selector once."""
        pens = await self._nearest(account_id, domain)
        if self._provider_domain:
            provider = await self._source.keys(PROVIDER, self._provider_domain)
            # Where the mail is the provider's own, its key has signed already.
            known = {named.heading for named in pens}
            pens += [pen for pen in self._usable(self._provider_domain, provider) if pen.heading not in known]
        return pens

    async def _nearest(self, account_id: int, domain: str) -> list[_Named]:
        """Return the pens of the domain, or of its nearest parent that has any; a top-level name has none."""
        while "." in domain:
            keys = await self._source.keys(account_id, domain)
            pens = self._usable(domain, [key for key in keys if key.account_id == account_id])
            if pens:
                return pens
            domain = domain.partition(".")[2]
        return []

    def _usable(self, domain: str, keys: Sequence[SigningKey]) -> list[_Named]:
        pens = [named for key in keys if (named := self._parsed(domain, key)) is not None]
        pens.sort(key=lambda named: named.pen.rank)
        return pens

    def _parsed(self, domain: str, key: SigningKey) -> _Named | None:
        """Return the key ready to sign, parsed the first time it is seen; None for one that is no use."""
        # A source that answers from memory gives the same octets object, whose hash Python keeps.
        name = (domain, key.selector, key.private_der)
        if name in self._pens:
            self._pens.move_to_end(name)
            return self._pens[name]
        named = _prepare(domain, key)
        if named is None:
            # Once for each key and process: the cache remembers the failure.
            log.error("DKIM key cannot be used", selector=key.selector, domain=domain)
            self._meter.count(_METRIC, algorithm="none", result="bad-key")
        self._pens[name] = named
        if len(self._pens) > _KEYS_KEPT:
            self._pens.popitem(last=False)
        return named


def _prepare(domain: str, key: SigningKey) -> _Named | None:
    try:
        pen = _pen(key.private_der)
        return _Named(pen, heading(pen.name, domain, check_selector(key.selector)))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _pen(private_der: bytes) -> _Pen:
    """Parse a key without OpenSSL's check of it, which costs 38 ms: it was made or checked in this house."""
    private = load_der_private_key(private_der, None, unsafe_skip_rsa_key_validation=True)
    match private:
        case rsa.RSAPrivateKey() if private.key_size >= 1024:  # RFC 8301 section 3.2
            return _Pen(0, "rsa-sha256", lambda data: private.sign(data, _PADDING, _SHA256))
        case ed25519.Ed25519PrivateKey():
            # RFC 8463 section 3: what Ed25519 signs is the SHA-256 hash.
            return _Pen(1, "ed25519-sha256", lambda data: private.sign(hashlib.sha256(data).digest()))
    raise ValueError("DKIM signs with RSA of 1024 bits and more, and with Ed25519")


def _signature(named: _Named, common: bytes, coverage: Coverage) -> bytes:
    """Return one whole field, CRLF included (RFC 6376 section 3.7)."""
    field = named.heading + common
    raw = named.pen.write(coverage.octets + relaxed(field))
    return field + folded_base64(base64.b64encode(raw)) + b"\r\n"


def _parted(content: bytes) -> tuple[bytes, bytes]:
    """Return the header section without the empty line, and the body."""
    if content.startswith(b"\r\n"):
        return b"", content[2:]
    section, _, body = content.partition(b"\r\n\r\n")
    return section, body


async def _body_hash(body: bytes) -> bytes:
    if len(body) > _OFF_LOOP:
        return await asyncio.to_thread(_hash_of, body)
    return _hash_of(body)


def _hash_of(body: bytes) -> bytes:
    return base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
