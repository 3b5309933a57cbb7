"""Events as sentences: ``told`` gives what happened, and below it why. Pure.

A kind of event that has no sentence here is told by its name and its facts: nothing is kept from operators.
"""

from collections.abc import Callable, Iterator, Sequence

from gateway.cli.say import ago, size
from gateway.model.events import Event, EventType


def told(event: Event) -> Sequence[str]:
    """Return what happened and then its reasons, a line each."""
    tell = _TOLD.get(event.type, _by_name)
    return list(tell(event))


def _reception(event: Event) -> Iterator[str]:
    facts = event.facts
    yield (
        f"received from {_of(event, 'sender')} for {_count(facts.get('recipients', 0), 'recipient')}, "
        f"{size(float(facts.get('octets', 0)))}"
    )
    yield f"handed in by {_of(event, 'client')} with {facts.get('protocol', 'SMTP')}"
    if facts.get("refused"):
        yield f"{_count(facts['refused'], 'more recipient')} refused after the content"
    if facts.get("footer"):
        yield f"footer: {facts['footer']}"
    if event.data.get("list-unsubscribe"):
        yield f"it came with List-Unsubscribe: {event.data['list-unsubscribe']}"
    if facts.get("defects"):
        yield f"defects of the message: {facts['defects']}"


def _delivery(event: Event) -> Iterator[str]:
    yield f"delivered to {_of(event, 'recipient')}{_try(event)}"
    yield from _reply(event)


def _transient(event: Event) -> Iterator[str]:
    yield f"not delivered to {_of(event, 'recipient')} yet{_try(event)}; it will be tried again"
    yield from _reply(event)


def _bounce(event: Event) -> Iterator[str]:
    yield f"bounced: {_of(event, 'recipient')}{_try(event)}"
    yield from _reply(event)


def _expiration(event: Event) -> Iterator[str]:
    waited = event.facts.get("seconds")
    yield f"given up: {_of(event, 'recipient')}" + (f", after {ago(float(waited))}" if waited else "")
    yield from _reply(event)


def _admin_bounce(event: Event) -> Iterator[str]:
    yield f"stopped for good: {_of(event, 'recipient')}"
    if event.facts.get("policy"):
        yield f"by the policy {event.facts['policy']}"
    if event.facts.get("reason"):
        yield str(event.facts["reason"])
    yield from _reply(event)


def _delayed(event: Event) -> Iterator[str]:
    yield "held"
    yield f"by the policy {event.facts.get('policy', '')}: {event.facts.get('reason', '')}"


def _refused(event: Event) -> Iterator[str]:
    facts = event.facts
    yield f"refused: {_of(event, 'recipient')}" if event.data.get("recipient") else "refused"
    where = f"by the policy {facts.get('policy')} at {facts.get('step')}"
    yield f"{where}: {facts.get('reason')} ({facts.get('code')})"


def _modified(event: Event) -> Iterator[str]:
    yield "content changed"
    yield from _facts(event)


def _tampering(event: Event) -> Iterator[str]:
    facts, data = event.facts, event.data
    if facts.get("rule") == "dead-host":
        yield f"nobody answers where the message's own way out leads: {facts.get('host')}"
        yield f"twice, at least an hour apart: {facts.get('why')}"
        return
    yield f"the message's own way out is {facts.get('verdict')}: {facts.get('rule')}; ours was added"
    if data.get("selector"):
        yield f"at {data['selector']}" + (f" with {data['declaration']}" if data.get("declaration") else "")
    if data.get("excerpt"):
        yield f"the link: {' '.join(str(data['excerpt']).split())}"


def _by_name(event: Event) -> Iterator[str]:
    yield str(event.type)
    yield from _facts(event)


def _facts(event: Event) -> Iterator[str]:
    values = {**event.facts, **event.data}
    if values:
        yield ", ".join(f"{name}: {value}" for name, value in values.items())


def _reply(event: Event) -> Iterator[str]:
    """Say what the next hop said, where, and what kind of bounce it is."""
    facts = event.facts
    where = " ".join(
        part
        for part in (
            f"{facts['host']} said" if facts.get("host") else "the answer",
            f"to {facts['command']}" if facts.get("command") else "",
        )
        if part
    )
    said = event.data.get("response") or " ".join(
        str(facts[key]) for key in ("code", "enhanced") if facts.get(key)
    )
    if said:
        yield f"{where}: {said}"
    if facts.get("bounce_class"):
        yield f"class: {facts['bounce_class']}"


def _try(event: Event) -> str:
    attempts = event.facts.get("attempts")
    return f" at try {attempts}" if attempts else ""


def _of(event: Event, name: str) -> str:
    return str(event.data.get(name) or "an address that cannot be read any more")


def _count(number: object, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


_TOLD: dict[EventType, Callable[[Event], Iterator[str]]] = {
    EventType.RECEPTION: _reception,
    EventType.REJECTION: _refused,
    EventType.CONSENT_DENIED: _refused,
    EventType.CONTENT_MODIFIED: _modified,
    EventType.TAMPERING: _tampering,
    EventType.DELIVERY: _delivery,
    EventType.TRANSIENT_FAILURE: _transient,
    EventType.BOUNCE: _bounce,
    EventType.EXPIRATION: _expiration,
    EventType.ADMIN_BOUNCE: _admin_bounce,
    EventType.DELAYED: _delayed,
}
