"""What a next hop's reply means for a delivery: a reply in, a decision as data out. Pure.

What it promises: every HopReply gives one of Delivered, Deferred, Failed. The class of the enhanced code is
the reply code's own first digit, whatever the hop wrote (RFC 2034 section 4). ``Scope`` tells what concerns
the hop as a whole (RFC 5321 section 3.8: 421) from what concerns one recipient.
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.ports import HopReply


class BounceClass(StrEnum):
    """Why mail did not arrive: the names that operators know from KumoMTA."""

    INVALID_RECIPIENT = "InvalidRecipient"
    BAD_DOMAIN = "BadDomain"
    INACTIVE_MAILBOX = "InactiveMailbox"
    QUOTA_ISSUES = "QuotaIssues"
    SPAM_BLOCK = "SpamBlock"
    SPAM_CONTENT = "SpamContent"
    POLICY_RELATED = "PolicyRelated"
    AUTHENTICATION_FAILED = "AuthenticationFailed"
    RELAY_DENIED = "RelayDenied"
    ROUTING_ERRORS = "RoutingErrors"
    TRANSIENT_FAILURE = "TransientFailure"
    PROTOCOL_ERRORS = "ProtocolErrors"
    UNCATEGORIZED = "Uncategorized"


class Scope(Enum):
    """Whom a reply is about."""

    HOP = "hop"  # the next one through this hop would hear the same
    RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The hop has taken the responsibility (RFC 5321 section 4.2.5)."""

    enhanced: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now."""

    enhanced: str
    bounce_class: BounceClass
    scope: Scope


@dataclass(frozen=True, slots=True)
class Failed:
    """Never."""

    enhanced: str
    bounce_class: BounceClass


Decision = Delivered | Deferred | Failed

# RFC 4954 section 6, RFC 3207 section 4: what the hop asks of us and not of the recipient. It is our
# configuration that is wrong, so mail waits until it is mended.
_OUR_OWN_FAULT = frozenset({530, 534, 535, 538})
_ENHANCED = re.compile(r"([245])\.([0-9]{1,3}\.[0-9]{1,3})(?:[ \t]+|\Z)")

_C = BounceClass
# Words come before codes: hops use 5.7.1 and 5.0.0 for everything. The first that matches decides.
_WORDS: tuple[tuple[re.Pattern[str], BounceClass], ...] = tuple(
    (re.compile(words, re.IGNORECASE), bounce_class)
    for words, bounce_class in (
        (r"spamhaus|spamcop|barracuda|black ?list|block ?list|dnsbl|\brbl\b|poor reputation", _C.SPAM_BLOCK),
        (r"\bspf\b|\bdkim\b|\bdmarc\b", _C.AUTHENTICATION_FAILED),
        (r"\bspam\b|unsolicited|\bbulk mail\b|virus|malware|phish", _C.SPAM_CONTENT),
        (
            r"relay(ing)? (access )?(is )?(denied|not (permitted|allowed))|not allowed to relay",
            _C.RELAY_DENIED,
        ),
        (r"quota|mailbox (is )?full|insufficient (system )?storage|out of storage", _C.QUOTA_ISSUES),
        (r"(account|mailbox|user)( is| has been)? (disabled|inactive|suspended|closed)", _C.INACTIVE_MAILBOX),
        (
            r"(user|recipient|mailbox|address|account)( is)? (unknown|not found|unavailable|rejected)",
            _C.INVALID_RECIPIENT,
        ),
        (
            r"(unknown|no such|invalid) (user|recipient|mailbox|address|local)|does(n't| not) exist",
            _C.INVALID_RECIPIENT,
        ),
        (r"(host|domain)( name)? (unknown|not found)|unknown (host|domain)|no such domain", _C.BAD_DOMAIN),
    )
)
# RFC 3463 section 3, by subject and detail.
_BY_CODE: dict[str, BounceClass] = {
    "1.1": _C.INVALID_RECIPIENT,
    "1.2": _C.BAD_DOMAIN,
    "1.3": _C.INVALID_RECIPIENT,
    "1.4": _C.INVALID_RECIPIENT,
    "1.6": _C.INACTIVE_MAILBOX,
    "1.10": _C.BAD_DOMAIN,
    "2.1": _C.INACTIVE_MAILBOX,
    "2.2": _C.QUOTA_ISSUES,
    "3.1": _C.QUOTA_ISSUES,
    "3.4": _C.POLICY_RELATED,
    "4.1": _C.ROUTING_ERRORS,
    "4.3": _C.ROUTING_ERRORS,
    "4.4": _C.ROUTING_ERRORS,
    "4.6": _C.ROUTING_ERRORS,
    "7.0": _C.POLICY_RELATED,
    "7.1": _C.POLICY_RELATED,
    "7.2": _C.POLICY_RELATED,
}
_AUTHENTICATION = frozenset({"7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.27", "7.30"})


def parse_enhanced(code: int, text: str) -> tuple[str, str]:
    """Split a reply's text into its enhanced code and the rest; ``""`` where it has none.

    A class that contradicts the reply code is put right: RFC 2034 section 4.
    """
    match = _ENHANCED.match(text)
    if match is None:
        return "", text
    return f"{code // 100}.{match[2]}", text[match.end() :]


def decide(reply: HopReply) -> Decision:
    """Say what becomes of the delivery."""
    enhanced = reply.enhanced or f"{reply.code // 100}.0.0"
    if 200 <= reply.code < 300:
        return Delivered(enhanced)
    if not 400 <= reply.code < 600:
        # No client of ours lets such a reply through; if one ever does, the mail waits.
        return Deferred("4.5.0", BounceClass.PROTOCOL_ERRORS, Scope.HOP)
    if reply.code in _OUR_OWN_FAULT:
        # RFC 4954 section 6: the enhanced code says permanent, and it would be, for us and not for the mail.
        return Deferred(f"4{enhanced[1:]}", BounceClass.RELAY_DENIED, Scope.HOP)
    bounce_class = classify(reply)
    if reply.code >= 500:
        return Failed(enhanced, bounce_class)
    # RFC 5321 section 3.8: 421 may answer any command, and the hop closes.
    return Deferred(enhanced, bounce_class, Scope.HOP if reply.code == 421 else Scope.RECIPIENT)


def classify(reply: HopReply) -> BounceClass:
    """Name the reason of a reply that is not positive."""
    for words, bounce_class in _WORDS:
        if words.search(reply.text):
            return bounce_class
    detail = reply.enhanced.partition(".")[2]
    if detail in _AUTHENTICATION:
        return BounceClass.AUTHENTICATION_FAILED
    if detail.startswith("5."):
        return BounceClass.PROTOCOL_ERRORS
    return _BY_CODE.get(detail) or _by_reply_code(reply)


def _by_reply_code(reply: HopReply) -> BounceClass:
    if reply.code < 500:
        return BounceClass.TRANSIENT_FAILURE
    if reply.code <= 504:
        return BounceClass.PROTOCOL_ERRORS
    if reply.code in {550, 551, 553} and reply.command == "RCPT" and not reply.enhanced:
        return BounceClass.INVALID_RECIPIENT
    return BounceClass.UNCATEGORIZED
