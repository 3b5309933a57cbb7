"""The files that a config is made of, read once and remembered, so that a child runs what was accepted.

``Disk`` reads each file once and remembers it: what was checked is what is used, even if the file changes
meanwhile. The supervisor hands what it remembers to its children, and they read from ``Handed`` alone: a
child that starts after a refused reload, with broken files on the disk, runs the config that is in force.

How it fails: OSError for a file that cannot be read, is larger than ``LARGEST``, or was not handed over;
``BadSecret`` for a secret that others may read.
"""

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from gateway.settings.secret_files import OTHERS, read_secret

LARGEST = 1 << 20  # octets of one file
LARGEST_TOGETHER = 8 << 20  # octets of all files of one config


class Files(Protocol):
    """Where the files of a config are read."""

    @property
    def found(self) -> Mapping[str, bytes]:
        """Every file that was read so far, by its path or its credential's name."""

    def read(self, path: Path) -> bytes:
        """Return a file's octets; raise OSError."""

    def secret(self, value: str, kept_from: int = OTHERS) -> bytes:
        """Return a secret's octets; raise BadSecret. ``kept_from``: mode bits that must not be set."""


class Disk:
    """The files as they lie on the disk at the first look."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}

    def read(self, path: Path) -> bytes:
        """See ``Files``."""
        if str(path) not in self.found:
            with path.open("rb") as file:
                octets = file.read(LARGEST + 1)
            if len(octets) > LARGEST:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
            self.found[str(path)] = octets
        return self.found[str(path)]

    def secret(self, value: str, kept_from: int = OTHERS) -> bytes:
        """See ``Files``. The rights are looked at each time: they may be stricter than at the first."""
        octets = read_secret(value, kept_from)
        return self.found.setdefault(value, octets)


class Handed:
    """The files as somebody else has read and accepted them."""

    def __init__(self, found: Mapping[str, bytes]) -> None:
        self.found = found

    def read(self, path: Path) -> bytes:
        """See ``Files``."""
        return self._octets(str(path))

    def secret(self, value: str, _kept_from: int = OTHERS) -> bytes:
        """See ``Files``; who may read the file was looked at before."""
        return self._octets(value)

    def _octets(self, name: str) -> bytes:
        if name not in self.found:
            raise FileNotFoundError(errno.ENOENT, "was not handed over", name)
        return self.found[name]
