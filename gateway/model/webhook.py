"""Webhooks: where a tenant's program is told what happens. Pure.

A URL is https, or http where the operator's config names the network; no user, no password, no fragment; a
usual port. Its path and query may hold a secret, so it is kept sealed and out of logs.
"""

import base64
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urlsplit

from gateway.model.notice import NoticeType

SECRET_OCTETS = 32
_ID_OCTETS = 8
OCTETS = _ID_OCTETS + SECRET_OCTETS
_LONGEST = 2000  # characters of a URL
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+\Z")  # RFC 3986 section 2, no fragment
_USUAL_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024
ROTATION = 86_400.0  # seconds for which a secret signs on beside its successor
_MOST_RETIRED = 4


class BadUrl(ValueError):
    """A URL that no webhook may have; the message says why."""


class WebhookState(StrEnum):
    """Whether it is called."""

    ACTIVE = "active"
    DISABLED = "disabled"  # given up, until an operator enables it again


@dataclass(frozen=True, slots=True)
class Retired:
    """A secret that has a successor, and signs beside it for a while."""

    secret: bytes = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook as it stands. Times are seconds since the epoch, UTC."""

    id: str
    account_id: int
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    types: frozenset[NoticeType]
    state: WebhookState
    place: int  # everything up to here was told
    failures: int  # in a row
    failing_since: float | None
    due_at: float  # not to be tried before
    failure: str  # the last one, in words that hold no part of the URL
    told_at: float | None  # when it last worked
    created_at: float
    retired: tuple[Retired, ...] = ()  # the latest first

    def secrets_at(self, now: float) -> tuple[bytes, ...]:
        """Return what signs: the secret, and those that it has taken over from of late."""
        return (self.secret, *(one.secret for one in self.retired if now < one.until))

    def rotated(self, secret: bytes, now: float) -> "Webhook":
        """Return it with a new secret; whoever rotates twice keeps what the receiver may still have."""
        signing = [one for one in self.retired if now < one.until]
        retired = (Retired(self.secret, now + ROTATION), *signing)[:_MOST_RETIRED]
        return replace(self, secret=secret, retired=retired)

    @property
    def secret_text(self) -> str:
        """The secret as receivers configure it (Standard Webhooks)."""
        return "whsec_" + base64.b64encode(self.secret).decode("ascii")


def webhook_id(octets: bytes) -> str:
    """Return a name made of random octets."""
    return "wh_" + base64.b32encode(octets[:_ID_OCTETS]).decode("ascii").rstrip("=").lower()


def webhook_secret(octets: bytes) -> bytes:
    """Return a secret made of random octets."""
    return octets[_ID_OCTETS:OCTETS]


def check_url(url: str) -> None:
    """Raise BadUrl for what is no URL of a webhook."""
    if len(url) > _LONGEST or not _URL.match(url):
        raise BadUrl("write an absolute https URL in ASCII, without a fragment")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadUrl(str(error)) from error
    if not host or "@" in parts.netloc:
        raise BadUrl("the URL must have a host, and neither user nor password")
    if port is not None and port < _FIRST_FREE_PORT and port not in _USUAL_PORTS:
        raise BadUrl(f"port {port} is some other service's: use 80, 443, or 1024 and up")
