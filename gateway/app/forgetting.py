"""What was erased by another process goes from this one's memory too, within a second or two.

Keys that were destroyed, and with them whatever may hold something of their accounts: it is all kept to be
quick, and read again when it is asked for. What the API answered a day ago goes from the store as well.
"""

import asyncio
import contextlib
from collections.abc import Callable

from gateway.model.address import parse_address
from gateway.model.reply import PublicError
from gateway.ports import Clock
from gateway.store.database import Store
from gateway.store.idempotency import Idempotency
from gateway.store.keys import StoreKeyring
from gateway.store.revision import Revision

_PAUSE = 1.0  # seconds between two looks
_PAUSE_OF_ANSWERS = 600.0

Forget = Callable[[], None]


async def forget_erased(
    keyring: StoreKeyring, revision: Revision, store: Store, also: tuple[Forget, ...] = ()
) -> None:
    """Look whenever an account or a key has changed, until cancelled; ``also``: what goes with a key."""
    seen = -1
    while True:
        with contextlib.suppress(PublicError):
            current = await revision.current()
            if current != seen:
                if await store.in_thread(keyring.forget_destroyed):
                    for forget in (parse_address.cache_clear, *also):
                        forget()
                seen = current
        await asyncio.sleep(_PAUSE)


async def forget_answers(answers: Idempotency, clock: Clock) -> None:
    """Forget the API's answers when their day is over, until cancelled; a request with a key does it too."""
    while True:
        with contextlib.suppress(PublicError):
            while await asyncio.to_thread(answers.forget, clock.now()):
                pass
        await asyncio.sleep(_PAUSE_OF_ANSWERS)
