"""What happened, as records: the ledger of the house, and what ``consentry explain`` tells.

Record types and bounce classes are the names that operators know from KumoMTA. Events reach the store at
least once and are applied once: ``id`` is unique. ``data`` may hold addresses, so it is sealed at rest and
never logged; ``facts`` are free of addresses, and are what logs and metrics may show.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from enum import StrEnum

from gateway.model.values import dataclass


class EventType(StrEnum):
    """What kind of thing happened."""

    RECEPTION = "Reception"
    REJECTION = "Rejection"
    CONSENT_DENIED = "ConsentDenied"
    CONTENT_MODIFIED = "ContentModified"
    TAMPERING = "Tampering"  # a way out that nobody sees, or that leads nowhere
    DELIVERY = "Delivery"
    TRANSIENT_FAILURE = "TransientFailure"
    BOUNCE = "Bounce"
    EXPIRATION = "Expiration"
    ADMIN_BOUNCE = "AdminBounce"
    DELAYED = "Delayed"
    FEEDBACK = "Feedback"
    SUBSCRIPTION = "Subscription"
    SIGN_UP = "SignUp"  # what became of a wish to be on a list, and of the question whether it was them
    OVERLAP = "Overlap"  # an import is very much like another list; the operator's own
    IMPORT = "Import"  # many subscriptions at once; each has its entry in the consent ledger
    ADDITIONS = "Additions"  # single additions by the API look like a list, or an operator has looked
    ACCOUNT_STATE = "AccountState"
    WEBHOOK = "Webhook"  # one that was given up
    TERMS = "Terms"  # the provider's terms were accepted
    ERASURE = "Erasure"  # an account or a person was erased; the provider's own


Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``id`` sorts by time (see gateway.model.identity)."""

    id: str
    type: EventType
    at: float  # seconds since the epoch, UTC
    account_id: int
    submission_id: str = ""
    delivery_number: int | None = None
    list_id: int | None = None
    facts: Mapping[str, Scalar] = field(default_factory=dict)  # no addresses
    data: Mapping[str, Scalar] = field(default_factory=dict)  # addresses allowed; sealed


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as it rests: ``facts`` as JSON, ``data`` sealed JSON (empty when there is none)."""

    id: str
    type: EventType
    at: float
    account_id: int
    submission_id: str
    delivery_number: int | None
    list_id: int | None
    facts: str
    data: bytes


Seal = Callable[[int, bytes, bytes], bytes]
"""(account id, octets, context) to octets: ``Keyring.seal`` or ``Keyring.open``."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # built once: half the cost

ToJson = Callable[[Mapping[str, Scalar]], str]


def to_json(values: Mapping[str, Scalar]) -> str:
    """Return JSON, with the standard library's means."""
    return _encode(dict(values))


def seal_event(event: Event, seal: Seal, to_json: ToJson = to_json) -> SealedEvent:
    """Return the event as it may rest on a disk; ``to_json`` may be a quicker one."""
    data = seal(event.account_id, to_json(event.data).encode(), _context(event.id)) if event.data else b""
    return SealedEvent(
        event.id,
        event.type,
        event.at,
        event.account_id,
        event.submission_id,
        event.delivery_number,
        event.list_id,
        to_json(event.facts),
        data,
    )


def open_event(sealed: SealedEvent, unseal: Seal) -> Event:
    """Return the event as it was; raise what ``unseal`` raises."""
    return unclose(closed_event(sealed), sealed.data, unseal)


def unclose(event: Event, data: bytes, unseal: Seal) -> Event:
    """Return an event with what is sealed in it; raise what ``unseal`` raises."""
    if not data:
        return event
    return replace(event, data=json.loads(unseal(event.account_id, data, _context(event.id))))


def closed_event(sealed: SealedEvent) -> Event:
    """Return the event without what is sealed in it."""
    return Event(
        sealed.id,
        sealed.type,
        sealed.at,
        sealed.account_id,
        sealed.submission_id,
        sealed.delivery_number,
        sealed.list_id,
        json.loads(sealed.facts),
    )


def _context(event_id: str) -> bytes:
    return b"event:" + event_id.encode()
