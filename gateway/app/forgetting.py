"""What was erased by another process goes from this one's memory too, within a second or two.

Keys that were destroyed, and with them whatever may hold something of their accounts: it is all kept to be
quick, and read again when it is asked for.
"""

import asyncio
import contextlib
from collections.abc import Callable

from gateway.model.address import parse_address
from gateway.model.reply import PublicError
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.revision import Revision

_PAUSE = 1.0  # seconds between two looks

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
