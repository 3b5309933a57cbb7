"""What goes over the wire, verified by the package that receivers use."""

import base64
import json
import time

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from gateway.model.notice import Notice, NoticeType
from gateway.webhooks.signature import body_of, signed_headers

NOTICE = Notice(
    5,
    "01M85C0HBFB5RBX2SYFY8R342Z",
    NoticeType.SUBSCRIPTION_UNSUBSCRIBED,
    1.5,
    {"address": "jürgen@bücher.example"},
)
SECRET = bytes(range(32))


def verify(body: bytes, headers, secret: bytes = SECRET) -> object:
    texts = {name.decode(): value.decode() for name, value in headers}
    return Verifier("whsec_" + base64.b64encode(secret).decode()).verify(body, texts)


def headers(now: float, body: bytes):
    return signed_headers(NOTICE.id, body, [SECRET], now)


def test_receivers_can_verify() -> None:
    body = body_of(NOTICE)
    said = verify(body, headers(time.time(), body))
    assert said == {
        "type": "subscription.unsubscribed",
        "timestamp": "1970-01-01T00:00:01.500Z",
        "data": {"address": "jürgen@bücher.example"},
    }
    assert said == json.loads(body)


@pytest.mark.parametrize("change", ["body", "id", "secret", "late", "early"])
def test_what_was_changed_or_played_back_is_refused(change: str) -> None:
    body, secret = body_of(NOTICE), SECRET
    now = time.time() + {"late": -301, "early": 400}.get(change, 0)
    sent = dict(headers(now, body))
    match change:
        case "body":
            body = body.replace(b"unsubscribed", b"confirmed")
        case "id":
            sent[b"webhook-id"] = b"another"
        case "secret":
            secret = bytes(32)
    with pytest.raises(WebhookVerificationError):
        verify(body, sent.items(), secret)


def test_the_id_stays_and_the_time_does_not() -> None:
    body = body_of(NOTICE)
    first, again = dict(headers(100.0, body)), dict(headers(200.9, body))
    assert first[b"webhook-id"] == again[b"webhook-id"] == NOTICE.id.encode()
    assert (first[b"webhook-timestamp"], again[b"webhook-timestamp"]) == (b"100", b"200")
    assert first[b"webhook-signature"] != again[b"webhook-signature"]


@pytest.mark.parametrize("known", [0, 1])
def test_while_a_secret_takes_over_either_verifies(known: int) -> None:
    body, secrets = body_of(NOTICE), [bytes(reversed(SECRET)), SECRET]
    assert verify(body, signed_headers(NOTICE.id, body, secrets, time.time()), secrets[known])
