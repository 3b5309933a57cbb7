"""The numbers of one process's metrics, in files that are mapped into its memory.

prometheus_client keeps a metric's numbers in objects of a class that it is given, and comes with one that
writes the format which its collector adds up over all processes. This class writes the same files and does
less at each step: no look whether the process has forked (ours never do), and the number's place in the file
is looked up once. That is a third of the time, and it runs a dozen times for each message.

What it promises: a number stands in the file when the call returns; a process that is killed loses none.
"""

import os
import struct
from pathlib import Path
from threading import Lock

from prometheus_client.mmap_dict import MmapedDict, mmap_key

_put = struct.Struct(
    "dd"
).pack_into  # the number and the time of a "most recent" gauge, which we have none of


class MappedFiles:
    """The open files of this process, one for each kind of metric; a call gives the value of a series."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, MmapedDict] = {}
        self._lock = Lock()

    def __call__(  # noqa: PLR0917 - the shape that prometheus_client calls
        self,
        kind: str,
        metric: str,
        name: str,
        labels: list[str],
        label_values: list[str],
        text: str,
        multiprocess_mode: str = "",
        **_: object,
    ) -> "MappedValue":
        """Return the value of a series, with what the file knows of it already."""
        file = self._file(f"{kind}_{multiprocess_mode}" if multiprocess_mode else kind)
        return MappedValue(file, mmap_key(metric, name, labels, label_values, text), self._lock)

    def _file(self, prefix: str) -> MmapedDict:
        if prefix not in self._files:
            path = self._folder / f"{prefix}_{os.getpid()}.db"
            self._files[prefix] = MmapedDict(str(path))  # type: ignore[no-untyped-call]
        return self._files[prefix]

    def close_all_files(self) -> None:
        """Close them; what was counted stays in them."""
        while self._files:
            self._files.popitem()[1].close()  # type: ignore[no-untyped-call]


class MappedValue:
    """One number. Safe for threads."""

    __slots__ = ("_lock", "_map", "_place", "_value")

    def __init__(self, file: MmapedDict, key: str, lock: Lock) -> None:
        self._lock = lock
        with lock:
            self._value: float = file.read_value(key)[0]  # type: ignore[no-untyped-call]
            # Past the library's own dictionary: a place never changes, and a file that grows is mapped anew
            # while the former mapping goes on to show its beginning.
            self._place: int = file._positions[key]  # noqa: SLF001 - see above
            self._map = file._m  # noqa: SLF001 - see above

    def inc(self, amount: float) -> None:
        """Add."""
        with self._lock:
            self._value += amount
            _put(self._map, self._place, self._value, 0.0)

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Set; the time is for gauges of another kind than ours."""
        with self._lock:
            self._value = value
            _put(self._map, self._place, value, timestamp or 0.0)

    def get(self) -> float:
        """Return the number."""
        return self._value
