"""The consent ledger: all that happened to an account's subscriptions, each entry chained to the one before.

What it promises: whoever has noted one entry's hash can see later whether anything before it was changed,
moved or taken out. An entry's hash is SHA-256 over the hash before it, the entry's clear fields, and a digest
of what is confidential in it. A person's erasure empties the confidential part and leaves its digest, so that
the chain holds; what is left of an entry then names nobody.

What is confidential rests sealed, and the seal is bound to the person, the list, the act and the time:
without the account's key nobody can write an entry, or move one to somebody else, that opens.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from gateway.model.values import dataclass

SUBSCRIBER = "subscriber"
SYSTEM = "system"

BEGINNING = hashlib.sha256(b"consentry ledger 1").digest()
"""What the first entry of every account follows; another form of entry will begin with another."""

LONGEST = 500  # characters that are kept of what a client says of itself

_CLEAR = struct.Struct(">QQdQ")
_TIME = struct.Struct(">d")
_LENGTH = struct.Struct(">H")
_UNSEALED = b"\x00"  # no sealed value begins so

_quoted = json.encoder.encode_basestring


class Act(StrEnum):
    """What was done."""

    SIGNED_UP = "signed-up"  # asked for by form; nothing is confirmed yet
    CONFIRMED = "confirmed"  # by the link in the confirmation mail
    REFUSED = "refused"  # "this was not me"
    EXPIRED = "expired"  # nobody confirmed
    ADDED = "added"  # a tenant or an operator states that they have asked
    IMPORTED = "imported"  # the same of many
    RECOMMENDED = "recommended"  # somebody invited them
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    PAUSED = "paused"
    RESUMED = "resumed"  # a pause was taken back
    UNDONE = "undone"  # a leaving was taken back
    FOUND = "found"  # a subscription that is older than the ledger
    ERASED = "erased"  # a person's entries were emptied


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act comes from.

    ``actor``: "subscriber", "operator NAME", "api-key ID", "import ID" or "system". ``source``: a form's URL,
    a file's name, the tenant's statement; of one who leaves it is the way: one-click, page, letter, mail.
    ``text``: what was shown to the person; it is kept once for all, and must not name anybody.
    """

    actor: str
    source: str
    ip: str = ""
    user_agent: str = ""
    text: str = ""

    @property
    def via(self) -> str:
        """The way in a word, for events and metrics: never free text."""
        return self.source if self.actor == SUBSCRIBER else self.actor.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be written. ``subject``: the address's hash; ``list_id`` 0: all lists of the account."""

    act: Act
    list_id: int
    subject: bytes
    origin: Origin
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SealedDeed:
    """A deed that may rest on a disk; it has no place in the chain yet."""

    at: float  # seconds since the epoch, UTC
    list_id: int
    act: Act
    subject: bytes
    sealed: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it rests. ``subject`` and ``sealed`` are empty where the person was erased."""

    account_id: int
    number: int  # from 1, without a gap
    at: float
    list_id: int
    act: str  # one that a later version knows is no damage
    subject: bytes
    sealed: bytes
    digest: bytes
    hash: bytes

    @property
    def is_emptied(self) -> bool:
        """Whether the person behind it was erased."""
        return not self.subject and not self.sealed


Seal = Callable[[int, bytes, bytes], bytes]
"""(account id, octets, context) to octets: ``Keyring.seal`` or ``Keyring.open``."""


def text_hash(text: str) -> bytes:
    """Return what a text is found by."""
    return hashlib.sha256(text.encode()).digest()


def seal_deed(deed: Deed, account_id: int, at: float, seal: Seal) -> SealedDeed:
    """Return a deed as it may rest on a disk."""
    origin = deed.origin
    details: dict[str, Any] = {"actor": origin.actor, "source": origin.source}
    if origin.ip:
        details["ip"] = origin.ip
    if origin.user_agent:
        details["user_agent"] = origin.user_agent[:LONGEST]
    if origin.text:
        details["text"] = text_hash(origin.text).hex()
    details.update(deed.facts)
    context = _context(at, deed.list_id, deed.act, deed.subject)
    sealed = seal(account_id, _flat_json(details), context)
    return SealedDeed(at, deed.list_id, deed.act, deed.subject, sealed, origin.text)


def open_entry(entry: Entry, unseal: Seal) -> dict[str, Any]:
    """Return an entry's details, none where it was emptied; raise ValueError, and what ``unseal`` raises."""
    if not entry.sealed:
        return {}
    if entry.sealed.startswith(_UNSEALED):
        return _open_found(entry, unseal)
    context = _context(entry.at, entry.list_id, entry.act, entry.subject)
    return dict(json.loads(unseal(entry.account_id, entry.sealed, context)))


def found_before(sealed: bytes, **clear: str | float) -> bytes:
    """Return what stands for the sealed part of Act.FOUND, which is written where no key is at hand.

    It is the subscription's own sealed value as it was found, behind what is clear in its row.
    """
    said = _flat_json(clear)
    return _UNSEALED + _LENGTH.pack(len(said)) + said + sealed


def _open_found(entry: Entry, unseal: Seal) -> dict[str, Any]:
    head = len(_UNSEALED) + _LENGTH.size
    end = head + int.from_bytes(entry.sealed[len(_UNSEALED) : head], "big")
    details = dict(json.loads(entry.sealed[head:end]))
    plain = unseal(entry.account_id, entry.sealed[end:], subscription_context(entry.list_id, entry.subject))
    details["address"], _, details["source"] = plain.decode().partition("\0")
    return details


def subscription_context(list_id: int, address_hash: bytes) -> bytes:
    """Return what the seal of a subscription's row is bound to: it opens in no other row."""
    return b"subscription:%d:%s" % (list_id, address_hash)


def digest_of(subject: bytes, sealed: bytes) -> bytes:
    """Return what stands in the chain for the confidential part."""
    return hashlib.sha256(subject + sealed).digest()


def chain(account_id: int, number: int, previous: bytes, deeds: Iterable[SealedDeed]) -> Iterator[Entry]:
    """Yield the entries that follow the entry of a number and hash: number 0 and BEGINNING, where none is."""
    for one in deeds:
        number += 1
        digest = digest_of(one.subject, one.sealed)
        clear = _clear(account_id, number, one.at, one.list_id, one.act)
        previous = hashlib.sha256(previous + clear + digest).digest()
        yield Entry(
            account_id, number, one.at, one.list_id, one.act, one.subject, one.sealed, digest, previous
        )


def what_is_wrong(entry: Entry, number: int, previous: bytes) -> str:
    """Return what is wrong with an entry that should have that number and follow that hash, or ""."""
    if entry.number != number:
        return f"entry {number} is missing"
    if not entry.is_emptied and digest_of(entry.subject, entry.sealed) != entry.digest:
        return "its confidential part is not what was written"
    clear = _clear(entry.account_id, number, entry.at, entry.list_id, entry.act)
    right = hashlib.sha256(previous + clear + entry.digest).digest()
    return "" if right == entry.hash else "it does not follow from the entry before it"


def _flat_json(values: Mapping[str, str | float]) -> bytes:
    """Return JSON of a dictionary without depths, in a third of the library's time: a load has a million."""
    pairs = [
        f"{_quoted(name)}:{_quoted(value) if isinstance(value, str) else repr(value)}"
        for name, value in values.items()
    ]
    return ("{" + ",".join(pairs) + "}").encode("utf-8", "replace")


def _clear(account_id: int, number: int, at: float, list_id: int, act: str) -> bytes:
    return _CLEAR.pack(account_id, number, at, list_id) + act.encode()


def _context(at: float, list_id: int, act: str, subject: bytes) -> bytes:
    return b"ledger:%s:%d:%s:%s" % (_TIME.pack(at), list_id, act.encode(), subject)
