"""The twin of ``SharedPresence`` for one process; several share one ``Counter`` each, as workers do."""

from collections import Counter


class MemoryPresence:
    """Implements ``ports.Presence``. Give the columns of other workers to count theirs as well."""

    def __init__(self, columns: dict[int, Counter[bytes]] | None = None, worker: int = 0) -> None:
        self._columns = {} if columns is None else columns
        self._own: Counter[bytes] = Counter()
        self._columns[worker] = self._own

    def enter(self, key: bytes, limit: int) -> bool:
        """Count one more, unless there are ``limit`` already."""
        if self.count(key) >= limit:
            return False
        self._own[key] += 1
        return True

    def leave(self, key: bytes) -> None:
        """Count one less; nothing where none of this worker's is counted."""
        if self._own[key] > 1:
            self._own[key] -= 1
        else:
            del self._own[key]

    def count(self, key: bytes) -> int:
        """Return how many sessions are counted under the key, in all workers."""
        return sum(column[key] for column in self._columns.values())
