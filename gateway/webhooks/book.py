"""What the couriers need of the world: which webhooks there are, and how far each was told."""

from collections.abc import Sequence
from typing import Protocol

from gateway.model.webhook import Webhook


class WebhookBook(Protocol):
    """Which webhooks there are, and how far each was told. The calls block."""

    def active(self) -> Sequence[Webhook]:
        """Return those that are to be told: not those given up, nor those of cancelled accounts."""
        ...

    def told(self, webhook: Webhook, place: int, now: float) -> Webhook:
        """Keep that it was told everything up to a place: it works. Progress only goes forwards."""
        ...

    def passed(self, webhook: Webhook, place: int) -> Webhook:
        """Keep that nothing up to a place is for it."""
        ...

    def failed(self, webhook: Webhook, why: str, due_at: float, now: float) -> Webhook:
        """Keep that it failed, and when it is to be tried again."""
        ...

    def disable(self, webhook: Webhook, why: str, now: float) -> None:
        """Give it up, with the event that says so."""
        ...
