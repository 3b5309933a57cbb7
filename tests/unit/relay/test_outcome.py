import pytest

from gateway.ports import HopReply
from gateway.relay.outcome import BounceClass as B
from gateway.relay.outcome import Deferred, Delivered, Failed, Scope, decide, parse_enhanced


def said(code: int, text: str, command: str = "RCPT") -> HopReply:
    enhanced, rest = parse_enhanced(code, text)
    return HopReply(code, enhanced, rest, command, "hop.example")


@pytest.mark.parametrize(
    ("code", "text", "decision"),
    [
        (250, "2.0.0 queued", Delivered("2.0.0")),
        (250, "queued", Delivered("2.0.0")),
        (451, "4.7.1 slow down", Deferred("4.7.1", B.POLICY_RELATED, Scope.RECIPIENT)),
        (450, "later", Deferred("4.0.0", B.TRANSIENT_FAILURE, Scope.RECIPIENT)),
        (421, "4.3.2 going down", Deferred("4.3.2", B.TRANSIENT_FAILURE, Scope.HOP)),
        (530, "5.7.0 Authentication required", Deferred("4.7.0", B.RELAY_DENIED, Scope.HOP)),
        (550, "5.1.1 no such user", Failed("5.1.1", B.INVALID_RECIPIENT)),
        (550, "who is that", Failed("5.0.0", B.INVALID_RECIPIENT)),
        (550, "5.1.2 what domain", Failed("5.1.2", B.BAD_DOMAIN)),
        (550, "5.2.1 shut", Failed("5.2.1", B.INACTIVE_MAILBOX)),
        (552, "5.2.2 over", Failed("5.2.2", B.QUOTA_ISSUES)),
        (452, "4.2.2 mailbox full", Deferred("4.2.2", B.QUOTA_ISSUES, Scope.RECIPIENT)),
        (554, "5.7.1 listed at Spamhaus", Failed("5.7.1", B.SPAM_BLOCK)),
        (554, "5.7.1 looks like spam", Failed("5.7.1", B.SPAM_CONTENT)),
        (550, "5.7.26 unauthenticated", Failed("5.7.26", B.AUTHENTICATION_FAILED)),
        (550, "5.7.1 SPF says no", Failed("5.7.1", B.AUTHENTICATION_FAILED)),
        (554, "5.7.1 Relay access denied", Failed("5.7.1", B.RELAY_DENIED)),
        (554, "5.4.4 no route", Failed("5.4.4", B.ROUTING_ERRORS)),
        (501, "huh", Failed("5.0.0", B.PROTOCOL_ERRORS)),
        (555, "5.5.4 odd parameter", Failed("5.5.4", B.PROTOCOL_ERRORS)),
        (554, "no", Failed("5.0.0", B.UNCATEGORIZED)),
        (550, "4.1.1 a class that contradicts", Failed("5.1.1", B.INVALID_RECIPIENT)),
    ],
)
def test_what_a_reply_means(code, text, decision):
    assert decide(said(code, text)) == decision


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("5.1.1 gone", ("5.1.1", "gone")),
        ("5.1.1", ("5.1.1", "")),
        ("2.0.0 odd class", ("5.0.0", "odd class")),
        ("5.1.1gone", ("", "5.1.1gone")),
        ("5.1.1234 x", ("", "5.1.1234 x")),
        ("127.0.0.1 is you", ("", "127.0.0.1 is you")),
        ("", ("", "")),
    ],
)
def test_enhanced_codes(text, parts):
    assert parse_enhanced(550, text) == parts
