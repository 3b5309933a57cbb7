"""Where a secret lies: a file, or a systemd credential (``credential:NAME``).

``secret_file`` gives the path; ``read_secret`` refuses a file that others on the machine can read, by
PermissionError, and says how to mend it. What systemd hands over is systemd's to protect.
"""

import os
from pathlib import Path

_CREDENTIAL = "credential:"
OTHERS = 0o077
EVERYONE = 0o007  # TLS keys may be shared with a group, as Debian's ssl-cert


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


def read_secret(value: str, kept_from: int = OTHERS) -> bytes:
    """Return the octets of a secret; raise OSError, PermissionError where the wrong people can read it."""
    path = secret_file(value)
    if not is_credential(value) and path.stat().st_mode & kept_from:
        raise PermissionError(f"{path} can be read by others on this machine: chmod 600 {path}")
    return path.read_bytes()
