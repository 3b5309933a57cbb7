"""Contents that were read back from the spool, so that a newsletter to ten thousand is not read as often.

What it promises: at most ``limit`` octets are kept (a larger content is read and not kept); copies that want
the same content at the same time cause one read. It fails as the spool does: KeyError, PublicError.
"""

import asyncio
from collections import OrderedDict

from gateway.model.reply import StoreAway
from gateway.ports import Spool


class Bodies:
    """A small cache before ``Spool.content``."""

    def __init__(self, spool: Spool, limit: int) -> None:
        self._spool = spool
        self._limit = limit
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._octets = 0
        self._reads: dict[str, asyncio.Future[bytes]] = {}

    async def get(self, submission_id: str) -> bytes:
        """Return a submission's content."""
        content = self._kept.get(submission_id)
        if content is not None:
            self._kept.move_to_end(submission_id)
            return content
        read = self._reads.get(submission_id)
        if read is not None:
            return await asyncio.shield(read)
        return await self._read(submission_id)

    def clear(self) -> None:
        """Forget all: an account was erased, and some of it may be among them."""
        self._kept.clear()
        self._octets = 0

    async def _read(self, submission_id: str) -> bytes:
        read = self._reads[submission_id] = asyncio.get_running_loop().create_future()
        try:
            content = await self._spool.content(submission_id)
        except BaseException as error:
            # Those who wait fail alike, for now at most; nobody waiting is no mistake.
            read.set_exception(error if isinstance(error, Exception) else StoreAway("the read was cut short"))
            read.exception()
            raise
        finally:
            del self._reads[submission_id]
        read.set_result(content)
        self._keep(submission_id, content)
        return content

    def _keep(self, submission_id: str, content: bytes) -> None:
        if len(content) > self._limit:
            return
        self._kept[submission_id] = content
        self._octets += len(content)
        while self._octets > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._octets -= len(dropped)
