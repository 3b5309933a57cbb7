"""Secrets as files: readable by their owner alone, or handed over by systemd.

A secret is named by a path or by ``credential:NAME``. A file must be a regular one with mode 0600 or less
that belongs to us or to root; a credential is systemd's to protect (systemd.exec(5), "Credentials"). Anything
else is ``BadSecret``, whose message names the file and never its content.
"""

import os
import stat
from pathlib import Path

_CREDENTIAL = "credential:"
_LONGEST = 1 << 20  # octets


class BadSecret(ValueError):
    """A secret that cannot be used; the message says which and why."""


def read_secret(name: str) -> bytes:
    """Return the content of a secret; raise BadSecret."""
    path = _credential_path(name) if name.startswith(_CREDENTIAL) else Path(name)
    try:
        # O_NONBLOCK: a FIFO in the place of a file must not hang us before we see that it is one.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise BadSecret(f"{name}: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise BadSecret(f"{name} is no regular file")
        if not name.startswith(_CREDENTIAL):
            _check_owner(name, status)
        return file.read(_LONGEST)


def create_secret(path: Path, content: bytes) -> None:
    """Write a new secret with mode 0600, on the disk when this returns; raise BadSecret."""
    try:
        _write(path, content)
    except FileExistsError:
        raise BadSecret(f"{path} is there already") from None
    except OSError as error:
        raise BadSecret(f"{path}: {error.strerror}") from error


def replace_secret(path: Path, content: bytes) -> None:
    """Put a new content in a secret's place: at any moment there is the old one or the new one, whole."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    create_secret(beside, content)
    beside.replace(path)
    _sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_owner(name: str, status: os.stat_result) -> None:
    if status.st_uid not in {os.geteuid(), 0}:
        raise BadSecret(f"{name} belongs to another user; it must be ours or root's")
    if status.st_mode & 0o177:
        raise BadSecret(f"{name} has mode {status.st_mode & 0o777:04o}; it must be 0600")


def _credential_path(name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    file = name.removeprefix(_CREDENTIAL)
    if not folder:
        raise BadSecret(f"{name}: systemd has handed over no credentials (CREDENTIALS_DIRECTORY is not set)")
    if not file or "/" in file or file.startswith("."):
        raise BadSecret(f"{name} is no name of a credential")
    return Path(folder) / file
