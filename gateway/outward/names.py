"""Looks names up for strangers' URLs, in threads of its own.

What it promises: whose name servers hang holds up no look-up but its own. A party has ``SHARE`` of the
threads at most, whatever it asks for and however often, and a look-up counts until the system has let go of
it, also when nobody waits for it any more. It fails with OSError and UnicodeError, as the system does.
"""

import asyncio
import socket
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakValueDictionary

THREADS = 64
SHARE = 2  # of one party


class Names:
    """One for a process; ``close`` it in the end."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="outward-dns")
        # A party's turns live for as long as somebody waits for one, or has one.
        self._turns: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()
        self._running: set[asyncio.Future[list[str]]] = set()

    async def addresses(self, host: str, port: int, party: Hashable) -> Sequence[str]:
        """Return the addresses of a host, each once, in the system's order."""
        turns = self._turns.setdefault(party, asyncio.Semaphore(SHARE))
        await turns.acquire()
        looking = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        self._running.add(looking)

        def ended(_: asyncio.Future[list[str]]) -> None:
            turns.release()
            self._running.discard(looking)
            if not looking.cancelled():
                looking.exception()  # somebody has looked at it, if nobody waits any more

        looking.add_done_callback(ended)
        # Who stops to wait does not stop the thread.
        return list(dict.fromkeys(await asyncio.shield(looking)))

    def close(self) -> None:
        """Look nothing up any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for looking in list(self._running):
            looking.cancel()


def _look_up(host: str, port: int) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
