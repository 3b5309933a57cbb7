"""A file of fixed size that all processes of a machine map: the ground under quota and presence.

What it promises: whoever opens it first makes it whole, and it appears under its name in one step; a file
that is short, torn, garbage or of another version is replaced by a new one in one step, so a process that
still maps the old one goes on undisturbed. Its blocks are reserved when it is made: a write to a mapped page
that the disk cannot hold would kill the process.

Locks are POSIX byte-range locks: the kernel releases those of a process that dies, however it dies, and a
waiting process sleeps. They hold between processes only, so a ``threading.Lock`` stands in front of them;
open a file once in a process. A holder that is stopped (SIGSTOP) stops those who want the same range.

How it fails: OSError when it cannot be made or mapped (no room, no rights).
"""

import fcntl
import mmap
import os
import stat
import struct
import tempfile
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.ports import Entropy

HEADER = mmap.PAGESIZE  # octets before the body
_FORM = struct.Struct("<8sQ16sI")  # magic with version, size of the body, secret, CRC-32 of these


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file must be: eight octets that name its kind and version, and the octets of its body."""

    magic: bytes
    body: int

    @property
    def size(self) -> int:
        """Octets of the whole file."""
        return HEADER + self.body


class SharedFile:
    """The mapped file. ``map`` is read and written at offsets from ``HEADER`` on, under ``hold``.

    ``secret`` is the same for all who open the file; keys are hashed with it, so that nobody outside can
    choose keys that meet in one place.
    """

    def __init__(self, path: Path, layout: Layout, entropy: Entropy) -> None:
        self._descriptor, self.secret = _open(path, layout, entropy)
        self.map = mmap.mmap(self._descriptor, layout.size)
        self._threads = threading.Lock()

    def hold(self, start: int) -> None:
        """Take the lock that stands for an offset; call ``let_go`` with the same one soon."""
        self._threads.acquire()
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, start)
        except BaseException:
            self._threads.release()
            raise

    def let_go(self, start: int) -> None:
        """Release it."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, start)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Unmap and close; what was written stays."""
        self.map.close()
        os.close(self._descriptor)


def _open(path: Path, layout: Layout, entropy: Entropy) -> tuple[int, bytes]:
    """Return a descriptor of a sound file under that name, and the file's secret."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            _make(path, layout, entropy, os.link)
            continue
        try:
            # The one who holds this lock is the one who may replace the file.
            fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, 0)
            secret = _secret_of(descriptor, layout)
            if secret is not None:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, 0)
                return descriptor, secret
            if _is_still(path, descriptor):
                _make(path, layout, entropy, os.replace)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _secret_of(descriptor: int, layout: Layout) -> bytes | None:
    """Return the secret of a sound file, None for one that is not."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != layout.size:
        return None
    head = os.pread(descriptor, _FORM.size, 0)
    magic, body, secret, crc = _FORM.unpack(head)
    if (magic, body, crc) != (layout.magic, layout.body, zlib.crc32(head[:-4])):
        return None
    return bytes(secret)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the name still leads to the open file: another process may have replaced it meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _make(path: Path, layout: Layout, entropy: Entropy, appear: Callable[[str, Path], None]) -> None:
    """Make a whole new file beside the name, then let it appear under it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        os.posix_fallocate(descriptor, 0, layout.size)
        head = _FORM.pack(layout.magic, layout.body, entropy.octets(16), 0)[:-4]
        os.pwrite(descriptor, head + struct.pack("<I", zlib.crc32(head)), 0)
        appear(name, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)
