"""A notice on the wire, as Standard Webhooks 1.0 wants it. Pure.

The signature covers id, time stamp and body; the id stays the same when a notice is sent again, so that the
receiver can tell; the time stamp is that of the attempt, so that what was overheard cannot be played back
later.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from gateway.model.instant import rfc3339
from gateway.model.notice import Notice

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Headers = Sequence[tuple[bytes, bytes]]


def body_of(notice: Notice) -> bytes:
    """Return the payload."""
    values = {"type": notice.type, "timestamp": rfc3339(notice.at), "data": dict(notice.data)}
    return _encode(values).encode()


def signed_headers(message_id: str, body: bytes, secrets: Sequence[bytes], now: float) -> Headers:
    """Return the three fields that a receiver verifies: by any of the secrets, while one takes over."""
    stamp = str(int(now))
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return [
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", stamp.encode()),
        (b"webhook-signature", b" ".join(_signature(secret, signed) for secret in secrets)),
    ]


def _signature(secret: bytes, signed: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
