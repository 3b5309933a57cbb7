"""All desks of the API: who answers what."""

from dataclasses import dataclass

from gateway.web.api.doorman import Doorman
from gateway.web.api.events import EventDesk
from gateway.web.api.holdings import Cursors, Receiver
from gateway.web.api.imports import ImportDesk
from gateway.web.api.lists import ListDesk
from gateway.web.api.newsletters import NewsletterDesk
from gateway.web.api.once import Counter
from gateway.web.api.subscriptions import SubscriptionDesk


@dataclass(frozen=True, slots=True)
class Desks:
    """They share one counter, so that a key is the same key at all of them."""

    doorman: Doorman
    events: EventDesk
    lists: ListDesk
    subscriptions: SubscriptionDesk
    imports: ImportDesk
    newsletters: NewsletterDesk


def desks_of(
    doorman: Doorman, events: EventDesk, counter: Counter, cursors: Cursors, receiver: Receiver
) -> Desks:
    """Return them."""
    return Desks(
        doorman,
        events,
        ListDesk(counter, cursors),
        SubscriptionDesk(counter, cursors),
        ImportDesk(counter, cursors, receiver),
        NewsletterDesk(counter, cursors),
    )
