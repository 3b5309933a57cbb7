"""The shelf: all policies, in order, each at the steps it runs at.

A policy is a name and up to five small pure callables. ``policies/`` builds them from ``policy.toml``;
third-party policies come in through the entry-point group ``consentry.policies`` with the same type.
A reload builds a new shelf; a message in flight keeps the one it began with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.policy import MessageRule, Policy, RecipientRule, ReleaseRule, Rewrite, SenderRule


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rules of each step with the names of their policies, in the order in which they run."""

    sender: tuple[tuple[str, SenderRule], ...]
    recipient: tuple[tuple[str, RecipientRule], ...]
    message: tuple[tuple[str, MessageRule], ...]
    rewrite: tuple[tuple[str, Rewrite], ...]
    release: tuple[tuple[str, ReleaseRule], ...]

    @classmethod
    def of(cls, policies: Sequence[Policy]) -> "Shelf":
        """Sort policies into steps."""
        return cls(
            sender=tuple((p.name, p.sender) for p in policies if p.sender),
            recipient=tuple((p.name, p.recipient) for p in policies if p.recipient),
            message=tuple((p.name, p.message) for p in policies if p.message),
            rewrite=tuple((p.name, p.rewrite) for p in policies if p.rewrite),
            release=tuple((p.name, p.release) for p in policies if p.release),
        )
