"""Recent bodies in memory: a least-recently-used cache, bounded by octets."""

from collections import OrderedDict


class Bodies:
    """Contents by submission. A content larger than a quarter of the limit is not kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._octets = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, submission_id: str) -> bytes | None:
        """Return the content, if it is here."""
        content = self._kept.get(submission_id)
        if content is not None:
            self._kept.move_to_end(submission_id)
        return content

    def keep(self, submission_id: str, content: bytes) -> None:
        """Remember a content; the ones asked for longest ago go."""
        if submission_id in self._kept or len(content) > self._limit // 4:
            return
        self._kept[submission_id] = content
        self._octets += len(content)
        while self._octets > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._octets -= len(oldest)

    def drop(self, submission_id: str) -> None:
        """Forget a content."""
        content = self._kept.pop(submission_id, None)
        if content is not None:
            self._octets -= len(content)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._octets = 0
