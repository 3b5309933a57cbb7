"""Which messages named which hosts as their way out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mention:
    """A message whose own way out asks a host."""

    host: str  # as the DNS knows it
    account_id: int
    submission_id: str
    list_id: int | None


@dataclass(frozen=True, slots=True)
class Mentions:
    """What came after a place among the events. ``place``: where to go on."""

    found: tuple[Mention, ...]
    place: int
