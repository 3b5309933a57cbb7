"""What happened, as records: the ledger of the house, and what ``consentry explain`` tells.

Record types and bounce classes are the names that operators know from KumoMTA. Events reach the store at
least once and are applied once: ``id`` is unique. ``data`` may hold addresses, so it is sealed at rest and
never logged; ``facts`` are free of addresses, and are what logs and metrics may show.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventType(StrEnum):
    """What kind of thing happened."""

    RECEPTION = "Reception"
    REJECTION = "Rejection"
    CONSENT_DENIED = "ConsentDenied"
    CONTENT_MODIFIED = "ContentModified"
    DELIVERY = "Delivery"
    TRANSIENT_FAILURE = "TransientFailure"
    BOUNCE = "Bounce"
    EXPIRATION = "Expiration"
    ADMIN_BOUNCE = "AdminBounce"
    DELAYED = "Delayed"
    FEEDBACK = "Feedback"
    SUBSCRIPTION = "Subscription"
    ACCOUNT_STATE = "AccountState"


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
