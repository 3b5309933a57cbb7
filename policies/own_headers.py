"""What must not go on is taken out: our directives, blind copies, a return path, signatures that we break.

``X-Consentry-*`` speaks to us alone. ``Bcc:`` and ``Resent-Bcc:`` would tell each recipient of the others
(RFC 5322 section 3.6.3; several clients leave it to the server). ``Return-Path:`` is made by the last
hop only (RFC 5321 section 4.4). A ``DKIM-Signature:`` that came with the message is removed, every one: the
lines we add are in bodies and in header fields that signers oversign, and a signature that fails says worse
of a message than none (docs/decisions/0010-footer-detection.md). Ours is made at delivery.
"""

from collections.abc import Mapping, Sequence

from gateway.mime.lastplan import LastPlan
from gateway.model.facts import RewriteFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.splice import Splice
from policies.table import Table

_PREFIX = b"x-consentry-"
_NAMES = frozenset({b"bcc", b"resent-bcc", b"return-path", b"dkim-signature", b"domainkey-signature"})


class Settings(Table):
    """``[own_headers]`` has no settings."""


def takes_out(name: bytes) -> bool:
    """Whether a field of this lower-case name goes: it is then nobody else's to change."""
    return name in _NAMES or name.startswith(_PREFIX)


def _removals(message: Message) -> tuple[Splice, ...]:
    return tuple(
        [
            Splice(field.start, field.end, b"")
            for field in message.fields
            if field.name in _NAMES or field.name.startswith(_PREFIX)
        ]
    )


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[own_headers]`` of policy.toml."""
    Settings.model_validate(settings)
    plan = LastPlan(_removals)

    def rewrite(message: Message, _facts: RewriteFacts) -> Sequence[Splice]:
        """Take the fields out, the same for every recipient."""
        return plan(message)

    return Policy("own_headers", rewrite=rewrite)
