"""Connections to where tenants' URLs lead, and nowhere else.

What it promises: a name is resolved here, once, and the very address that was judged is connected to, so
that a name whose answer changes meanwhile gains nothing; the answer's order is kept. The URL's host stays
the name that TLS verifies. It fails with ``NotAllowed`` where no address of a name may be reached.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpcore

# Of its own: a tenant's name server that hangs must not hold up other look-ups of this process.
_RESOLVERS = 32

May = Callable[[str], bool]
"""Whether an address may be connected to."""


class NotAllowed(httpcore.ConnectError):
    """None of the host's addresses may be reached."""


class Dialing(httpcore.AsyncNetworkBackend):
    """Connects for httpcore, to those addresses that it may."""

    def __init__(self, may: May, resolvers: ThreadPoolExecutor) -> None:
        self._may = may
        self._resolvers = resolvers
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
        allowed = [one for one in await self._resolve(host, port) if self._may(one)]
        if not allowed:
            raise NotAllowed
        for address in allowed[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(allowed[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        """No webhook leads to a socket of this machine."""
        raise NotAllowed

    async def sleep(self, seconds: float) -> None:
        """Wait, where httpcore tries again (it is told not to)."""
        await self._backend.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, each once."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._resolvers, _look_up, host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        return list(dict.fromkeys(found))


def resolvers() -> ThreadPoolExecutor:
    """Return the threads that look names up."""
    return ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="webhook-dns")


def _look_up(host: str, port: int) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
