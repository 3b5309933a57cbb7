"""What tenants are told of what happened, by webhook and by the API: events in public words. Pure.

A notice has a type that is a promise to programs, and data whose keys are always there, null where nothing is
known. The addresses in it belong to the account that is told. What is kept from tenants is kept by name, in
``KEPT``: a new type of event has to be put in one place or the other.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.events import Event, EventType, Scalar
from gateway.model.facts import SubscriptionState
from gateway.model.instant import rfc3339


class NoticeType(StrEnum):
    """What a tenant's program can ask for."""

    SUBSCRIPTION_PENDING = "subscription.pending"
    SUBSCRIPTION_CONFIRMED = "subscription.confirmed"
    SUBSCRIPTION_UNSUBSCRIBED = "subscription.unsubscribed"
    SUBSCRIPTION_PAUSED = "subscription.paused"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_BOUNCED = "subscription.bounced"
    SUBSCRIPTION_COMPLAINED = "subscription.complained"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_REFUSED = "message.refused"
    MESSAGE_DELIVERED = "message.delivered"
    MESSAGE_DEFERRED = "message.deferred"
    MESSAGE_HELD = "message.held"
    MESSAGE_BOUNCED = "message.bounced"
    MESSAGE_EXPIRED = "message.expired"
    MESSAGE_STOPPED = "message.stopped"
    ACCOUNT_CHANGED = "account.changed"
    TERMS_ACCEPTED = "account.terms"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_TEST = "webhook.test"  # sent by an operator's command; never kept


ALL = frozenset(set(NoticeType) - {NoticeType.WEBHOOK_TEST})
"""What happens by itself."""

Data = Mapping[str, Scalar | None]


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a tenant is told. ``id`` is the event's: the same however often it is told."""

    place: int  # in the order of the store; 0: it is not kept there
    id: str
    type: NoticeType
    at: float  # seconds since the epoch, UTC
    data: Data


@dataclass(frozen=True, slots=True)
class Names:
    """What an event has by number or hash only; None where it cannot be known (any more)."""

    mail_list: str | None = None  # its List-Id
    subscriber: str | None = None  # the address


def notice_type(event: Event) -> NoticeType | None:
    """Return what an event is called in public, or None where it is not told."""
    if event.type in {EventType.SUBSCRIPTION, EventType.FEEDBACK}:
        if "paused_until" in event.facts:
            paused = bool(event.facts["paused_until"])
            return NoticeType.SUBSCRIPTION_PAUSED if paused else NoticeType.SUBSCRIPTION_RESUMED
        # What somebody wrote into a report is for the provider, and has no state.
        return _STATES.get(str(event.facts.get("state")))
    return _TOLD[event.type][0] if event.type in _TOLD else None


def event_types(wanted: Collection[NoticeType]) -> frozenset[EventType]:
    """Return the types of event that such notices come of."""
    found = {kind for kind, (public, _) in _TOLD.items() if public in wanted}
    if any(one.startswith("subscription.") for one in wanted):
        found |= {EventType.SUBSCRIPTION, EventType.FEEDBACK}
    return frozenset(found)


def notice_of(event: Event, place: int, names: Names) -> Notice | None:
    """Return what a tenant is told of an event, or None where nothing is."""
    public = notice_type(event)
    if public is None:
        return None
    tell = _TOLD[event.type][1] if event.type in _TOLD else _subscription
    return Notice(place, event.id, public, event.at, tell(event, names))


def test_notice(event_id: str, at: float, webhook: str) -> Notice:
    """Return what an operator's test sends."""
    return Notice(0, event_id, NoticeType.WEBHOOK_TEST, at, {"webhook": webhook, "reason": None})


def _subscription(event: Event, names: Names) -> Data:
    until = event.facts.get("paused_until")
    return {
        "address": event.data.get("address", names.subscriber),
        "list": names.mail_list,
        "state": event.facts.get("state"),
        "basis": event.facts.get("basis"),
        "via": event.facts.get("via"),
        "paused_until": rfc3339(float(until)) if until else None,
    }


def _received(event: Event, names: Names) -> Data:
    return {
        "message": event.submission_id,
        "list": names.mail_list,
        "sender": event.data.get("sender"),
        "recipients": event.facts.get("recipients"),
        "refused": event.facts.get("refused"),
        "octets": event.facts.get("octets"),
    }


def _refused(event: Event, _names: Names) -> Data:
    return {
        "recipient": event.data.get("recipient"),
        "step": event.facts.get("step"),
        "policy": event.facts.get("policy"),
        "reason": event.facts.get("reason"),
        "code": event.facts.get("code"),
        "reply": event.data.get("response"),
    }


def _delivery(event: Event, names: Names) -> Data:
    facts = event.facts
    return {
        "message": event.submission_id,
        "delivery": event.delivery_number,
        "recipient": event.data.get("recipient"),
        "list": names.mail_list,
        "attempts": facts.get("attempts"),
        "code": facts.get("code"),
        "enhanced": facts.get("enhanced") or None,
        "reply": event.data.get("response"),
        "bounce_class": facts.get("bounce_class") or None,
    }


def _held(event: Event, names: Names) -> Data:
    return {
        "message": event.submission_id,
        "delivery": event.delivery_number,
        "list": names.mail_list,
        "policy": event.facts.get("policy"),
        "reason": event.facts.get("reason"),
    }


def _account(event: Event, _names: Names) -> Data:
    # The reason is what the tenant hears at MAIL too; who of the provider's people it was is not said.
    return {
        "state": event.facts.get("to"),
        "before": event.facts.get("from"),
        "reason": event.data.get("reason") or None,
    }


def _terms(event: Event, _names: Names) -> Data:
    return {"version": event.facts.get("version"), "before": event.facts.get("before") or None}


def _webhook(event: Event, _names: Names) -> Data:
    return {"webhook": event.facts.get("webhook"), "reason": event.facts.get("reason")}


_STATES = {str(state): NoticeType(f"subscription.{state}") for state in SubscriptionState}

_TOLD: Mapping[EventType, tuple[NoticeType, Callable[[Event, Names], Data]]] = {
    EventType.RECEPTION: (NoticeType.MESSAGE_RECEIVED, _received),
    EventType.REJECTION: (NoticeType.MESSAGE_REFUSED, _refused),
    EventType.CONSENT_DENIED: (NoticeType.MESSAGE_REFUSED, _refused),
    EventType.DELIVERY: (NoticeType.MESSAGE_DELIVERED, _delivery),
    EventType.TRANSIENT_FAILURE: (NoticeType.MESSAGE_DEFERRED, _delivery),
    EventType.DELAYED: (NoticeType.MESSAGE_HELD, _held),
    EventType.BOUNCE: (NoticeType.MESSAGE_BOUNCED, _delivery),
    EventType.EXPIRATION: (NoticeType.MESSAGE_EXPIRED, _delivery),
    EventType.ADMIN_BOUNCE: (NoticeType.MESSAGE_STOPPED, _delivery),
    EventType.ACCOUNT_STATE: (NoticeType.ACCOUNT_CHANGED, _account),
    EventType.TERMS: (NoticeType.TERMS_ACCEPTED, _terms),
    EventType.WEBHOOK: (NoticeType.WEBHOOK_DISABLED, _webhook),
}

TOLD = frozenset(_TOLD) | {EventType.SUBSCRIPTION, EventType.FEEDBACK}
KEPT = frozenset(
    {
        EventType.ADDITIONS,
        EventType.CONTENT_MODIFIED,
        EventType.TAMPERING,
        EventType.IMPORT,
        EventType.OVERLAP,
        EventType.ERASURE,
        EventType.SIGN_UP,
    }
)
"""What tenants are not told: how their mail was rewritten, which Reception says; what enforcement counts;
how far a load of theirs has come, which they hear where they began it; what was erased, which is the
provider's own, as is whose list an import is; what became of a wish to be on a list: that says who is on it.
"""
