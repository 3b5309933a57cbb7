"""How many sessions there are under a key, counted across all workers of a machine in one mapped file.

What it promises: ``enter`` and ``leave`` are exact between processes. Every worker has a column of its own,
and clears it when it starts; whoever finds a worker dead clears it with ``forget_workers``. So the sessions
of a killed worker do not count for ever.

The form: buckets of 16 slots; a slot is the 16-octet keyed hash of the key and a 16-bit count for each of
256 workers. A slot whose counts are all 0 makes room for a new key. One lock covers the file: this runs once
for a session, not once for a message.

How it fails: a key that finds its bucket full of sessions is let in and not counted (8,192 keys fit; a
machine with that many sources at once is not protected by a limit for each of them). The process remembers
it, so that its ``leave`` takes nothing from another. A file that is garbage is started anew.
"""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from gateway.ports import Entropy
from gateway.store.shared_file import HEADER, Layout, SharedFile

WORKERS = 256
_HASH = 16
_COUNTS = struct.Struct(f"<{WORKERS}H")
_COUNT = struct.Struct("<H")
_MOST = 0xFFFF
_SLOT = _HASH + _COUNTS.size
_WAYS, _BUCKETS = 16, 512
_SLOTS = _WAYS * _BUCKETS
_NOBODY = bytes(_COUNTS.size)
_LAYOUT = Layout(b"CSNTPRS1", _SLOTS * _SLOT)


class SharedPresence:
    """Implements ``ports.Presence`` for the worker of that number (0 to 255) over the file at ``path``."""

    def __init__(self, path: Path, entropy: Entropy, worker: int) -> None:
        if not 0 <= worker < WORKERS:
            raise ValueError(f"a worker's number is 0 to {WORKERS - 1}")
        self._file = SharedFile(path, _LAYOUT, entropy)
        self._column = _HASH + worker * _COUNT.size
        self._uncounted: Counter[bytes] = Counter()
        _clear(self._file, [worker])

    def enter(self, key: bytes, limit: int) -> bool:
        """Count one more, unless there are ``limit`` already."""
        digest, bucket = self._place(key)
        self._file.hold(HEADER)
        try:
            slot = self._find(digest, bucket)
            if slot is None:
                return limit > 0 and self._enter_first(key, digest, bucket)
            counts = _COUNTS.unpack_from(self._file.map, slot + _HASH)
            if sum(counts) >= limit:
                return False
            return self._add(slot, 1)
        finally:
            self._file.let_go(HEADER)

    def leave(self, key: bytes) -> None:
        """Count one less; nothing where none of this worker's is counted."""
        if self._uncounted[key]:
            self._uncounted[key] -= 1
            self._uncounted += Counter()  # drops what is 0
            return
        digest, bucket = self._place(key)
        self._file.hold(HEADER)
        try:
            slot = self._find(digest, bucket)
            if slot is not None:
                self._add(slot, -1)
        finally:
            self._file.let_go(HEADER)

    def count(self, key: bytes) -> int:
        """Return how many sessions are counted under the key, in all workers."""
        digest, bucket = self._place(key)
        self._file.hold(HEADER)
        try:
            slot = self._find(digest, bucket)
            return 0 if slot is None else sum(_COUNTS.unpack_from(self._file.map, slot + _HASH))
        finally:
            self._file.let_go(HEADER)

    def close(self) -> None:
        """Close the file; the counts stay in it."""
        self._file.close()

    def _place(self, key: bytes) -> tuple[bytes, int]:
        digest = hashlib.blake2b(key, digest_size=_HASH, key=self._file.secret).digest()
        bucket = int.from_bytes(digest[:4], "little") % _BUCKETS
        return digest, HEADER + bucket * _WAYS * _SLOT

    def _find(self, digest: bytes, bucket: int) -> int | None:
        for slot in range(bucket, bucket + _WAYS * _SLOT, _SLOT):
            if self._file.map[slot : slot + _HASH] == digest:
                return slot
        return None

    def _enter_first(self, key: bytes, digest: bytes, bucket: int) -> bool:
        """Give the key a slot in which nobody is."""
        for slot in range(bucket, bucket + _WAYS * _SLOT, _SLOT):
            if self._file.map[slot + _HASH : slot + _SLOT] == _NOBODY:
                self._file.map[slot : slot + _HASH] = digest
                return self._add(slot, 1)
        self._uncounted[key] += 1
        return True

    def _add(self, slot: int, amount: int) -> bool:
        """Change this worker's count; say whether it could be."""
        (count,) = _COUNT.unpack_from(self._file.map, slot + self._column)
        if not 0 <= count + amount <= _MOST:
            return False
        _COUNT.pack_into(self._file.map, slot + self._column, count + amount)
        return True


def forget_workers(path: Path, entropy: Entropy, workers: Iterable[int] = range(WORKERS)) -> None:
    """Clear the columns of dead workers: all of them, before a supervisor starts its first one."""
    file = SharedFile(path, _LAYOUT, entropy)
    try:
        _clear(file, workers)
    finally:
        file.close()


def forget_key(path: Path, entropy: Entropy, key: bytes) -> None:
    """Let nothing of a key be left in the file; sessions that are open under it are counted no longer.

    For a process that has the file open in no other way: to close it lets go of all locks that it has on it.
    """
    file = SharedFile(path, _LAYOUT, entropy)
    digest = hashlib.blake2b(key, digest_size=_HASH, key=file.secret).digest()
    file.hold(HEADER)
    try:
        for slot in range(HEADER, _LAYOUT.size, _SLOT):
            if file.map[slot : slot + _HASH] == digest:
                file.map[slot : slot + _SLOT] = bytes(_SLOT)
    finally:
        file.let_go(HEADER)
        file.close()


def _clear(file: SharedFile, workers: Iterable[int]) -> None:
    columns = [_HASH + worker * _COUNT.size for worker in workers]
    file.hold(HEADER)
    try:
        for slot in range(HEADER, _LAYOUT.size, _SLOT):
            if file.map[slot + _HASH : slot + _SLOT] != _NOBODY:
                for column in columns:
                    _COUNT.pack_into(file.map, slot + column, 0)
    finally:
        file.let_go(HEADER)
