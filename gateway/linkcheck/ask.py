"""One look at one host, whether anybody answers.

What it promises: the root of the host is asked, by HEAD, and nothing else; no redirect is followed; only
addresses that may be reached are (gateway.outward); it ends within its time, reads no body, and keeps no
connection. Whoever answers anything at all, were it an error or a bad certificate, is there. It never raises
for what a host does.
"""

import asyncio
import ssl
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib.metadata import version

import httpcore

from gateway.outward.destination import is_public
from gateway.outward.dialing import PARTY, Dialing, May, NameTrouble, NoSuchName, NotAllowed
from gateway.outward.names import Names

AT_ONCE = 4  # hosts


@dataclass(frozen=True, slots=True)
class Answers:
    """Somebody is there."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Nobody is there. ``why`` is a slug; ``known``: it does not depend on our own line."""

    why: str
    known: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be said now."""


Sign = Answers | Silent | Unknown
_SCHEMES = (b"https", b"http")
_SHARE = 0.45  # of the time, for one scheme's connection


class Asking:
    """One for a process; ``close`` it in the end."""

    def __init__(
        self, patience: Callable[[], float], may: May = is_public, tls: ssl.SSLContext | None = None
    ) -> None:
        self._patience = patience
        self._names = Names()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=AT_ONCE,
            max_keepalive_connections=0,
            network_backend=Dialing(may, self._names),
        )
        self._fields = [(b"user-agent", f"Consentry/{version('consentry')}".encode()), (b"accept", b"*/*")]

    async def ask(self, host: str, party: Hashable) -> Sign:
        """Look once; ``party`` is on whose behalf."""
        PARTY.set(party)
        sign: Sign = Unknown()
        try:
            async with asyncio.timeout(self._patience()):
                for scheme in _SCHEMES:
                    sign = await self._head(scheme, host)
                    if not isinstance(sign, Silent) or sign.known:
                        break
        except TimeoutError:
            return Unknown()  # it took the connection and said nothing: no proof of absence
        return sign

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.aclose()
        self._names.close()

    async def _head(self, scheme: bytes, host: str) -> Sign:
        url = httpcore.URL(scheme=scheme, host=host.encode("ascii"), port=None, target=b"/")
        # Both schemes have their turn.
        patience = {"timeout": {"connect": self._patience() * _SHARE}}
        try:
            # RFC 9110 section 9.3.2: HEAD changes nothing, and its answer has no content.
            async with self._pool.stream(b"HEAD", url, headers=self._fields, extensions=patience):
                return Answers()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            return _sign_of(error)
        except (OSError, ValueError):
            return Unknown()


def _sign_of(error: Exception) -> Sign:
    match error:
        case NoSuchName():
            return Silent("no-such-name", known=True)
        case NotAllowed():
            return Silent("private-address", known=True)
        case httpcore.ConnectTimeout():
            return Silent("no-connection", known=False)
        case httpcore.ConnectError() if not isinstance(error, NameTrouble) and not _is_of_tls(error):
            return Silent("no-connection", known=False)
        case NameTrouble() | httpcore.TimeoutException():
            return Unknown()
    return Answers()  # there was a connection, whatever became of it


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None
