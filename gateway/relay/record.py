"""Writes down what became of a delivery: one Settlement with its event, its DSN, its count and its log line.

What it promises: the outcome, its event and its report are one value, so that they become true together. Log
lines and ``facts`` hold no address; the hop's words go into the sealed ``data`` and to the sender only.
Nothing is awaited here. A failure of mail from the null sender is recorded and reported to nobody; a letter
that was entrusted to the house is held then, for an operator to see to (``Delivery.is_entrusted``).
"""

from collections.abc import Callable

import structlog

from gateway.model.backoff import is_expired, wait_before
from gateway.model.delivery import UNDELIVERED, Delivery, DeliveryEvent
from gateway.model.events import Event, EventType, Scalar
from gateway.model.identity import new_id
from gateway.model.reply import Reply
from gateway.model.verdict import Hold
from gateway.ports import Clock, Entropy, HopReply, Meter, Parcel, Settlement
from gateway.relay.dsn import FailedRecipient, Kind
from gateway.relay.outcome import Deferred, Delivered, Failed, decide
from gateway.relay.reports import Reports
from gateway.settings.schema import RelaySection

_log = structlog.get_logger("relay")

NO_REPLY = "connection"
"""The ``command`` of what stands for a reply that no hop gave."""
ORPHANED = HopReply(550, "5.7.1", "The account is gone", "release", "")


def broken(why: str) -> HopReply:
    """Say in SMTP's words that the connection broke (RFC 3463: X.4.2)."""
    return HopReply(451, "4.4.2", why, NO_REPLY, "")


def unreachable(why: str) -> HopReply:
    """Say in SMTP's words that no hop answered (RFC 3463: X.4.1)."""
    return HopReply(451, "4.4.1", why, NO_REPLY, "")


LOCAL_ERROR = HopReply(451, "4.3.0", "Local error in processing", "local", "")
UNFIT = HopReply(554, "5.6.0", "The content has a bare CR or LF and is never sent", "local", "")


class Record:
    """The clerk of outcomes."""

    def __init__(
        self,
        reports: Reports,
        relay: Callable[[], RelaySection],
        clock: Clock,
        entropy: Entropy,
        meter: Meter,
    ) -> None:
        self._reports = reports
        self._relay = relay
        self._clock = clock
        self._entropy = entropy
        self._meter = meter

    def of_reply(self, delivery: Delivery, reply: HopReply, content: bytes) -> Settlement:
        """Record what a hop said, or what stands for it."""
        match decide(reply):
            case Delivered():
                return self._delivered(delivery, reply, content)
            case Failed() as failed:
                return self._failed(delivery, reply, failed, content)
            case Deferred() as deferred:
                return self._deferred(delivery, reply, deferred, content)

    def unclaimed(self, delivery: Delivery, due_at: float) -> Settlement:
        """Give a delivery back untried."""
        return Settlement(delivery, DeliveryEvent.UNCLAIM, due_at=due_at)

    def held(self, delivery: Delivery, hold: Hold, policy: str) -> Settlement:
        """Record that a release rule stops a delivery until someone lets it go on."""
        event = self._event(EventType.DELAYED, delivery, {"policy": policy, "reason": hold.reason}, {})
        return Settlement(delivery, DeliveryEvent.HOLD, hold_reason=hold.reason, events=(event,))

    def refused(self, delivery: Delivery, reply: Reply, policy: str, content: bytes) -> Settlement:
        """Record that a release rule refuses a delivery for good."""
        said = str(reply)
        event = self._event(
            EventType.ADMIN_BOUNCE,
            delivery,
            {"code": reply.code, "enhanced": reply.enhanced, "policy": policy, "attempts": delivery.attempts},
            said_of(delivery, said),
        )
        self._meter.count("messages_fail_total", bounce_class="PolicyRelated")
        failed = FailedRecipient(delivery.recipient, f"5{reply.enhanced[1:]}", said)
        report = self._reports.of_delivery(delivery, content, Kind.FAILED, failed)
        reports = () if report is None else (report,)
        return Settlement(delivery, DeliveryEvent.FAIL, reply=said, events=(event,), reports=reports)

    def orphaned(self, delivery: Delivery) -> Settlement:
        """Record that the account is gone: there is no key to seal words with, and nobody to tell."""
        facts: dict[str, Scalar] = {"code": ORPHANED.code, "enhanced": ORPHANED.enhanced}
        event = self._event(EventType.ADMIN_BOUNCE, delivery, facts, {})
        self._meter.count("messages_fail_total", bounce_class="PolicyRelated")
        return Settlement(delivery, DeliveryEvent.FAIL, reply=ORPHANED.text, events=(event,))

    def expired(self, delivery: Delivery, reply: HopReply, content: bytes) -> Settlement:
        """Record that a delivery has been tried, or has waited, for ``max_age``."""
        event = self._hop_event(EventType.EXPIRATION, delivery, reply)
        if delivery.is_entrusted:
            return self._undelivered(delivery, reply, event)
        self._meter.count("messages_expired_total")
        # RFC 3463 section 3.5: X.4.7, delivery time expired.
        reports = self._report(delivery, reply, "5.4.7", Kind.EXPIRED, content)
        return Settlement(
            delivery, DeliveryEvent.EXPIRE, reply=words(reply), events=(event,), reports=reports
        )

    def _delivered(self, delivery: Delivery, reply: HopReply, content: bytes) -> Settlement:
        event = self._hop_event(EventType.DELIVERY, delivery, reply)
        self._meter.count("messages_delivered_total")
        self._meter.observe("delivery_seconds", max(0.0, event.at - delivery.submission.received_at))
        reports: tuple[Parcel, ...] = ()
        if delivery.recipient.notify and not reply.dsn:
            reports = self._report(delivery, reply, reply.enhanced or "2.0.0", Kind.RELAYED, content)
        return Settlement(
            delivery, DeliveryEvent.DELIVER, reply=words(reply), events=(event,), reports=reports
        )

    def _failed(self, delivery: Delivery, reply: HopReply, failed: Failed, content: bytes) -> Settlement:
        event = self._hop_event(EventType.BOUNCE, delivery, reply, failed.bounce_class)
        if delivery.is_entrusted:
            return self._undelivered(delivery, reply, event)
        self._meter.count("messages_fail_total", bounce_class=failed.bounce_class)
        reports = self._report(delivery, reply, failed.enhanced, Kind.FAILED, content)
        return Settlement(delivery, DeliveryEvent.FAIL, reply=words(reply), events=(event,), reports=reports)

    def _undelivered(self, delivery: Delivery, reply: HopReply, event: Event) -> Settlement:
        """Hold a letter that nobody takes: its writer was told that we have it."""
        self._meter.count("letters_undelivered_total")
        facts: dict[str, Scalar] = {"policy": "inbound", "reason": UNDELIVERED}
        held = self._event(EventType.DELAYED, delivery, facts, {})
        return Settlement(
            delivery, DeliveryEvent.HOLD, reply=words(reply), hold_reason=UNDELIVERED, events=(event, held)
        )

    def _deferred(
        self, delivery: Delivery, reply: HopReply, deferred: Deferred, content: bytes
    ) -> Settlement:
        now, relay = self._clock.now(), self._relay()
        if is_expired(delivery.submission.received_at, now, relay.max_age):
            return self.expired(delivery, reply, content)
        event = self._hop_event(EventType.TRANSIENT_FAILURE, delivery, reply, deferred.bounce_class)
        self._meter.count("messages_transfail_total")
        fraction = self._entropy.fraction()
        wait = wait_before(delivery.attempts + 1, relay.first_retry, relay.longest_retry, fraction)
        return Settlement(
            delivery, DeliveryEvent.DEFER, due_at=now + wait, reply=words(reply), events=(event,)
        )

    def _report(
        self, delivery: Delivery, reply: HopReply, status: str, kind: Kind, content: bytes
    ) -> tuple[Parcel, ...]:
        host = reply.host.rpartition(":")[0] or reply.host
        told = FailedRecipient(delivery.recipient, status, words(reply), host)
        report = self._reports.of_delivery(delivery, content, kind, told)
        return () if report is None else (report,)

    def _hop_event(
        self, kind: EventType, delivery: Delivery, reply: HopReply, bounce_class: str = ""
    ) -> Event:
        facts: dict[str, Scalar] = {
            "code": reply.code,
            "enhanced": reply.enhanced,
            "bounce_class": bounce_class,
            "command": reply.command,
            "attempts": delivery.attempts + 1,
            "host": reply.host,
            "seconds": round(self._clock.now() - delivery.submission.received_at, 3),
        }
        return self._event(kind, delivery, facts, said_of(delivery, words(reply)))

    def _event(
        self, kind: EventType, delivery: Delivery, facts: dict[str, Scalar], data: dict[str, Scalar]
    ) -> Event:
        now, submission = self._clock.now(), delivery.submission
        _log.info(
            kind.value,
            type=kind.value,
            submission=submission.id,
            delivery=delivery.number,
            account=submission.account_id,
            **facts,
        )
        return Event(
            id=new_id(now, self._entropy.octets(10)),
            type=kind,
            at=now,
            account_id=submission.account_id,
            submission_id=submission.id,
            delivery_number=delivery.number,
            list_id=submission.list_id,
            facts=facts,
            data=data,
        )


def words(reply: HopReply) -> str:
    """Return a reply as people read it."""
    return " ".join(part for part in (str(reply.code), reply.enhanced, reply.text) if part)


def said_of(delivery: Delivery, response: str) -> dict[str, Scalar]:
    """Return what an event may say sealed only."""
    return {"recipient": str(delivery.recipient.address), "response": response}
