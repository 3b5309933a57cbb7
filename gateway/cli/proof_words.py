"""The consent ledger in plain words: a sentence an entry, for people who know nothing of mail. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.model.ledger import SUBSCRIBER, SYSTEM, Act

Details = Mapping[str, Any]

BASES = {
    "double-opt-in": "the owner of the address confirmed it (double opt-in)",
    "asserted": "the sender states that the owner of the address agreed, and gives the evidence named here",
    "account": "the owner of the address is a user of the sender's own service",
    "recommended": "somebody who gave name and address recommended the list",
}

_WAYS = {
    "one-click": "by the unsubscribe button of a mail program, which the mailbox provider passes on",
    "page": "on the page that the link in each mail leads to",
    "letter": "on the page that a letter to the address leads to",
    "mail": "by a mail to the unsubscribe mailbox",
    "undo": "by the button that takes it back, on the page that had answered",
}


def moment(at: float) -> str:
    """Return a time in full, in UTC."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC"


def who(details: Details) -> str:
    """Return the actor in words; "" for the person or the service, of whom the sentence tells."""
    actor = str(details.get("actor", ""))
    kind, _, name = actor.partition(" ")
    match kind:
        case "operator":
            return f"the operator {name} of the mail service" if name else "an operator of the mail service"
        case "api-key":
            return f"a program of the sender, with the API key {name}"
        case "import":
            return f"the import {name} of the sender"
    return "" if actor in {SUBSCRIBER, SYSTEM} else actor


def source(details: Details) -> str:
    """Return the place or the evidence; "" where it is a way, of which the sentence tells."""
    text = str(details.get("source", ""))
    return "" if text in _WAYS and details.get("actor") == SUBSCRIBER else text


def sentence(act: str, details: Details, list_id: int) -> str:
    """Say what happened; a ``list_id`` of 0 is every list of the sender."""
    known = next((one for one in Act if one == act), None)
    if known is None:
        return f"A later version of the program calls this \u201c{act}\u201d."
    if list_id == 0 and known in _OF_ALL_LISTS:
        return _OF_ALL_LISTS[known](details)
    return _SENTENCES[known](details)


def _how(details: Details) -> str:
    """Return the way, to follow a comma."""
    text = str(details.get("source", ""))
    return _WAYS.get(text, f"by {who(details)}" if who(details) else text)


def _added(details: Details) -> str:
    basis = BASES.get(str(details.get("basis")), "one that is not known here")
    return f"The address was put on the list by {who(details) or 'the person'}. Basis: {basis}."


def _found(details: Details) -> str:
    basis = BASES.get(str(details.get("basis")), "not known")
    since = float(details.get("created_at", 0.0))
    return (
        "The subscription is older than this ledger. When the ledger was begun it was found with the state "
        f"\u201c{details.get('state')}\u201d, first seen on {moment(since)}. Basis: {basis}."
    )


_OF_ALL_LISTS: Mapping[Act, Callable[[Details], str]] = {
    Act.UNSUBSCRIBED: lambda details: (
        f"Every list of this sender was left, those to come too, {_how(details)}. "
        "Only the person\u2019s own confirmation ends that."
    ),
    Act.UNDONE: lambda details: f"The wish to get nothing from this sender was taken back, {_how(details)}.",
}

_SENTENCES: Mapping[Act, Callable[[Details], str]] = {
    Act.SIGNED_UP: lambda _: (
        "Somebody typed the address into the form and asked for this list. "
        "One mail went to the address, with the question whether that was its owner."
    ),
    Act.CONFIRMED: lambda _: (
        "The owner of the address consented: they opened the link in that mail and pressed the button that "
        "confirms. Only who reads the mailbox can do that."
    ),
    Act.REFUSED: lambda _: (
        "The owner of the address said that it was not them who had asked. Nothing more is sent to them."
    ),
    Act.EXPIRED: lambda _: "Nobody confirmed in time; the request was erased.",
    Act.ADDED: _added,
    Act.IMPORTED: _added,
    Act.RECOMMENDED: lambda details: (
        f"{details.get('name') or 'Somebody'} recommended the list to the owner of the address, by one "
        "invitation. It is no subscription: that takes a confirmation of their own."
    ),
    Act.UNSUBSCRIBED: lambda details: (
        f"The list was left, {_how(details)}. No mail of it may be sent to the address from here on."
    ),
    Act.COMPLAINED: lambda details: (
        f"The mail was reported as abuse, {_how(details)}. That ends the subscription too."
    ),
    Act.BOUNCED: lambda _: "The address cannot be reached any more; nothing is sent to it.",
    Act.PAUSED: lambda details: (
        f"Mail was paused until {moment(float(details.get('until', 0.0)))}, {_how(details)}."
    ),
    Act.RESUMED: lambda details: f"The pause was taken back, {_how(details)}.",
    Act.UNDONE: lambda details: (
        f"An unsubscription was taken back, {_how(details)}. "
        f"The subscription is \u201c{details.get('state')}\u201d again."
    ),
    Act.FOUND: _found,
    Act.ERASED: lambda details: (
        f"A person was erased: {details.get('entries')} entries were emptied. They name nobody any more."
    ),
}
