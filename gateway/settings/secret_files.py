"""Where a secret lies: a file, or a systemd credential (``credential:NAME``).

``secret_file`` gives the path; ``read_secret`` refuses a file that every user of the machine can read, by
PermissionError, and says how to mend it.
"""

import os
from pathlib import Path

_CREDENTIAL = "credential:"
_WORLD = 0o007


def is_credential(value: str) -> bool:
    """Whether the value names a systemd credential rather than a file."""
    return value.startswith(_CREDENTIAL)


def secret_file(value: str) -> Path:
    """Return the file of a ``[secrets]`` value; raise FileNotFoundError where systemd gave no credentials."""
    if not is_credential(value):
        return Path(value)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise FileNotFoundError(f"{value} is known only inside a systemd unit with LoadCredential=")
    name = value.removeprefix(_CREDENTIAL)
    if "/" in name or name in {"", ".", ".."}:
        raise FileNotFoundError(f"{value} is no name of a credential")
    return Path(folder) / name


def read_secret(path: Path) -> bytes:
    """Return the octets of a secret file; raise OSError, PermissionError where others could read it too."""
    mode = path.stat().st_mode
    if mode & _WORLD:
        raise PermissionError(f"{path} can be read by every user of the machine: chmod 600 {path}")
    return path.read_bytes()
