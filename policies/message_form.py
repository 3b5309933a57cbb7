"""A message has the form that RFC 5322 section 3.6 asks for, as far as a reader depends on it.

There is a header section, exactly one From: with exactly one address, and none of the fields that may stand
only once stands twice: of two From: or Subject: fields one would be signed and the other shown. Date and
Message-ID may be missing, because we add them (RFC 6409 section 8).
"""

from collections.abc import Mapping

from gateway.mime.headers import BadFrom, parse_from
from gateway.model.facts import MessageFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.reply import BAD_FROM, BAD_HEADER, MIME_TOO_DEEP, NO_HEADERS
from gateway.model.verdict import PASS, Refuse, Verdict
from policies.table import Table

_ONCE = frozenset(
    {
        *(b"date", b"sender", b"reply-to", b"to", b"cc", b"subject"),
        *(b"message-id", b"in-reply-to", b"references"),
        *(b"mime-version", b"content-type", b"content-transfer-encoding"),
    }
)

# What stands behind these limits was not looked at: a Bcc, or a second From:.
_NOT_ALL_READ = {
    "header-too-large": "too large a header section",
    "too-many-fields": "too many header fields",
}


class Settings(Table):
    """``[message_form]``."""

    required: tuple[str, ...] = ()  # further fields that a message must have


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[message_form]`` of policy.toml."""
    required = Settings.model_validate(settings).required

    def message(message: Message, _facts: MessageFacts) -> Verdict:
        """Refuse what no reader could trust."""
        for defect, why in _NOT_ALL_READ.items():
            if defect in message.defects:
                return Refuse(MIME_TOO_DEEP.fill(why=why), defect)
        if not message.fields:
            return Refuse(NO_HEADERS, "no-headers")
        names: set[bytes] = set()
        for field in message.fields:
            if field.name in names and field.name in _ONCE:
                shown = field.name.decode("ascii").title()
                return Refuse(BAD_HEADER.fill(field=shown, why="it may stand only once"), "repeated-field")
            names.add(field.name)
        for wanted in required:
            if wanted.lower().encode() not in names:
                return Refuse(BAD_HEADER.fill(field=wanted, why="it is missing"), "missing-field")
        try:
            parse_from(message)
        except BadFrom:
            return Refuse(BAD_FROM, "malformed-from")
        return PASS

    return Policy("message_form", message=message)
