"""One attempt to tell one webhook one thing.

What it promises: TLS is verified; plain http goes to the operator's networks only, because notices hold
people's addresses; no redirect is followed, no proxy of the environment used; the whole attempt ends within
its time; of the answer only the status and Retry-After count, and a bounded part of the body is read, so
that the connection can be used again. It never raises for what a receiver does; it says what came of it, in
words without the URL. Names are looked up in turn for each account.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import httpcore

from gateway.model.notice import Notice
from gateway.model.webhook import Webhook
from gateway.outward.destination import is_named, is_public
from gateway.outward.dialing import PARTY, Dialing, NotAllowed
from gateway.outward.names import Names
from gateway.settings.schema import WebhooksSection
from gateway.webhooks.signature import body_of, signed_headers

_BODY_LIMIT = 65_536  # octets of an answer that are read
_KEEP_ALIVE = 30.0  # seconds
_GONE = 410


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has it."""

    status: int


@dataclass(frozen=True, slots=True)
class NotTaken:
    """It is to be tried again. ``result`` is the metric's word, ``why`` the operator's."""

    result: str
    why: str
    retry_after: float = 0.0  # seconds that the receiver asks for
    gone: bool = False  # it never wants anything again


Outcome = Taken | NotTaken
_NOT_ALLOWED = NotTaken("forbidden", "the URL leads to no address that may be reached")
_TIMED_OUT = NotTaken("timeout", "no answer in time")


class Post:
    """Sends; one for a process. ``close`` it in the end."""

    def __init__(self, settings: Callable[[], WebhooksSection], tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._names = Names()
        tls = tls or ssl.create_default_context()
        self._https = self._pool(self._may_https, tls)
        self._http = self._pool(self._may_http, tls)
        self._fixed = [
            (b"content-type", b"application/json"),
            (b"user-agent", f"Consentry/{version('consentry')}".encode()),
            (b"accept", b"*/*"),
        ]

    async def attempt(self, webhook: Webhook, notice: Notice, now: float) -> Outcome:
        """Send one notice."""
        body = body_of(notice)
        headers = [*self._fixed, *signed_headers(notice.id, body, webhook.secrets_at(now), now)]
        PARTY.set(webhook.account_id)
        pool = self._https if webhook.url.startswith("https:") else self._http
        try:
            async with asyncio.timeout(self._settings().timeout):
                return await _exchange(pool, webhook.url, headers, body)
        except NotAllowed:
            return _NOT_ALLOWED
        except (TimeoutError, httpcore.TimeoutException):
            return _TIMED_OUT
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ConnectionNotAvailable) as error:
            return NotTaken("unreachable", _why(error))
        except (OSError, ValueError) as error:  # what no layer below has foreseen of a strange URL or answer
            return NotTaken("unreachable", f"no connection ({type(error).__name__})")

    async def close(self) -> None:
        """Close the connections."""
        await self._https.aclose()
        await self._http.aclose()
        self._names.close()

    def _pool(self, may: Callable[[str], bool], tls: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=self._settings().concurrency,
            max_keepalive_connections=self._settings().concurrency,
            keepalive_expiry=_KEEP_ALIVE,
            network_backend=Dialing(may, self._names),
        )

    def _may_https(self, address: str) -> bool:
        return is_public(address) or self._may_http(address)

    def _may_http(self, address: str) -> bool:
        return is_named(address, self._settings().allow)


async def _exchange(
    pool: httpcore.AsyncConnectionPool, url: str, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> Outcome:
    async with pool.stream(b"POST", url, headers=list(headers), content=body) as answer:
        octets = 0
        async for piece in answer.aiter_stream():
            octets += len(piece)
            if octets > _BODY_LIMIT:
                break
        return _judge(answer.status, answer.headers)


def _judge(status: int, headers: Sequence[tuple[bytes, bytes]]) -> Outcome:
    if 200 <= status < 300:
        return Taken(status)
    return NotTaken("refused", f"HTTP {status}", _retry_after(headers), gone=status == _GONE)


def _retry_after(headers: Sequence[tuple[bytes, bytes]]) -> float:
    """Return the seconds of Retry-After (RFC 9110 section 10.2.3), 0.0 where it names none."""
    value = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return float(value) if value.isdigit() and len(value) < 10 else 0.0


def _why(error: Exception) -> str:
    """Say what kind of failure it was; the error's own text may hold the URL's host."""
    if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(error):
        return "the certificate is not valid for the URL"
    if isinstance(error, httpcore.ConnectError):
        return "no connection"
    return "the connection was lost" if isinstance(error, httpcore.NetworkError) else "no HTTP"
