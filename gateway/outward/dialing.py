"""Connections to where strangers' URLs lead, and nowhere else.

What it promises: a name is resolved here, once, and the very address that was judged is connected to, so
that a name whose answer changes meanwhile gains nothing; the answer's order is kept. The URL's host stays
the name that TLS verifies. It fails with ``NotAllowed`` where no address of a name may be reached, with
``NoSuchName`` where there is none, and with ``NameTrouble`` where that cannot be said now.
"""

import asyncio
import socket
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextvars import ContextVar

import httpcore

from gateway.outward.names import Names

May = Callable[[str], bool]
"""Whether an address may be connected to."""

PARTY: ContextVar[Hashable] = ContextVar("party", default=None)
"""On whose behalf a task connects: names are looked up in turn for each party."""

_NO_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


class NotAllowed(httpcore.ConnectError):
    """None of the host's addresses may be reached."""


class NoSuchName(httpcore.ConnectError):
    """The host has no address."""


class NameTrouble(httpcore.ConnectError):
    """Whether the host has addresses cannot be said now: no answer, or a broken one."""


class Dialing(httpcore.AsyncNetworkBackend):
    """Connects for httpcore, to those addresses that it may."""

    def __init__(self, may: May, names: Names) -> None:
        self._may = may
        self._names = names
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, judge, connect; raise httpcore's errors."""
        allowed = [one for one in await self._resolve(host, port, timeout) if self._may(one)]
        if not allowed:
            raise NotAllowed
        for address in allowed[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(allowed[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        """No URL of a stranger's leads to a socket of this machine."""
        raise NotAllowed

    async def sleep(self, seconds: float) -> None:
        """Wait, where httpcore tries again (it is told not to)."""
        await self._backend.sleep(seconds)

    async def _resolve(self, host: str, port: int, patience: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(patience):
                return await self._names.addresses(host, port, PARTY.get())
        except socket.gaierror as error:
            known = error.errno in _NO_NAME
            raise (NoSuchName if known else NameTrouble)("the name cannot be resolved") from error
        except UnicodeError as error:
            raise NoSuchName("the name cannot be resolved") from error
        except (OSError, TimeoutError) as error:
            raise NameTrouble("the name cannot be resolved") from error
