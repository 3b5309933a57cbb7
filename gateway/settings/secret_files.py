"""Secrets as files: readable by their owner alone, or handed over by systemd.

A secret is named by a path or by ``credential:NAME``. A file must be a regular one that belongs to us or to
root and that others cannot read; a credential is systemd's to protect (systemd.exec(5), "Credentials").
Anything else is ``BadSecret``, whose message names the file, says how to mend it, and never has its content.
"""

import os
import stat
from pathlib import Path

_CREDENTIAL = "credential:"
_LONGEST = 1 << 20  # octets
OTHERS = 0o077
EVERYONE = 0o007  # TLS keys may be shared with a group, as Debian's ssl-cert


class BadSecret(OSError):
    """A secret that cannot be used; the message says which and why."""


def is_credential(value: str) -> bool:
    """Whether the value names a systemd credential rather than a file."""
    return value.startswith(_CREDENTIAL)


def read_secret(value: str, kept_from: int = OTHERS) -> bytes:
    """Return the octets of a secret; raise BadSecret. ``kept_from``: mode bits that must not be set."""
    path = _credential_path(value) if is_credential(value) else Path(value)
    try:
        # O_NONBLOCK: a FIFO in the place of a file must not hang us before we see that it is one.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise BadSecret(f"{path}: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise BadSecret(f"{path} is no regular file")
        if not is_credential(value):
            _check_owner(path, status, kept_from)
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


def _check_owner(path: Path, status: os.stat_result, kept_from: int) -> None:
    if status.st_uid not in {os.geteuid(), 0}:
        raise BadSecret(f"{path} belongs to another user; it must be ours or root's")
    if status.st_mode & kept_from:
        raise BadSecret(f"{path} can be read by others on this machine: chmod 600 {path}")


def _credential_path(value: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise BadSecret(f"{value} is known only inside a systemd unit with LoadCredential=")
    name = value.removeprefix(_CREDENTIAL)
    if not name or "/" in name or name.startswith("."):
        raise BadSecret(f"{value} is no name of a credential")
    return Path(folder) / name
