"""A proof as a page that people read, print and hand on. It stands alone: no script, no second request."""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, StrictUndefined

from gateway.cli import say
from gateway.cli.proof import Line, Proof
from gateway.cli.proof_words import BASES, moment, sentence, source, who
from gateway.model.facts import SubscriptionState
from gateway.settings.shipped import shipped

_TEMPLATE = ("templates", "proof.html.j2")


@dataclass(frozen=True, slots=True)
class _Item:
    number: int
    iso: str
    moment: str
    act: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    text: str
    hash: str
    previous: str


def render(proof: Proof) -> str:
    """Return the page. Whatever it is given is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(shipped(*_TEMPLATE).read_text(encoding="utf-8"))
    return template.render(
        proof=proof,
        domains=", ".join(sorted(proof.account.domains)),
        summary=summary(proof),
        items=[_item(line) for line in proof.lines],
        made=moment(proof.made_at),
    )


def summary(proof: Proof) -> str:
    """Say in one or two sentences how things stand."""
    now = proof.now
    if now is None:
        return "There is no subscription of this address to this list today."
    since = moment(now.changed_at)
    match now.state:
        case SubscriptionState.CONFIRMED:
            return f"The address is subscribed to this list today, since {since}: {BASES[now.basis]}."
        case SubscriptionState.PENDING:
            return f"Somebody asked for this list on {since}; the address's owner has not confirmed."
        case SubscriptionState.UNSUBSCRIBED:
            return f"The address was taken off this list on {since}; no mail of it is sent there since."
        case SubscriptionState.COMPLAINED:
            return f"The mail was reported as abuse on {since}; no mail of the list is sent there since."
        case SubscriptionState.BOUNCED:
            return f"The address could not be reached on {since}; no mail of the list is sent there since."


def _item(line: Line) -> _Item:
    entry = line.entry
    return _Item(
        number=entry.number,
        iso=say.iso(entry.at) or "",
        moment=moment(entry.at),
        act=entry.act,
        sentence=sentence(entry.act, line.details, entry.list_id),
        facts=tuple((name, value) for name, value in _facts(line) if value),
        text=line.text,
        hash=entry.hash.hex(),
        previous=line.previous.hex(),
    )


def _facts(line: Line) -> Iterator[tuple[str, str]]:
    details = line.details
    yield "By", who(details)
    yield "Where, or on what evidence", source(details)
    yield "Address as written", str(details.get("address", ""))
    yield "From network address", str(details.get("ip", ""))
    yield "With the program", str(details.get("user_agent", ""))
