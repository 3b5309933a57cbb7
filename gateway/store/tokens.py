"""The keys that sign the tokens in links (gateway.model.token).

One line a key: its id from 1 to 255, a space, 64 hexadecimal digits. The last line is the current key, the
one that signs; the ones before it only check, for ever, because a link in an old mail must work for ever.
Anything else in the file is ``BadSecret`` with the number of the line.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.settings.secret_files import BadSecret, create_secret, read_secret, replace_secret

_KEY_LENGTH = 32  # octets
_LAST_ID = 255  # a token has one octet for it

Octets = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, repr=False)
class TokenKeys:
    """The keys by their ids, and which one signs."""

    current_id: int
    keys: Mapping[int, bytes]


def load_token_keys(name: str, read: Callable[[str], bytes] = read_secret) -> TokenKeys:
    """Read the keys from a path or ``credential:NAME``; raise BadSecret."""
    keys: dict[int, bytes] = {}
    for number, line in enumerate(read(name).splitlines(), 1):
        if line.strip():
            key_id, key = _parse(line, f"{name}, line {number}")
            if key_id in keys:
                raise BadSecret(f"{name}, line {number}: the id {key_id} is there twice")
            keys[key_id] = key
    if not keys:
        raise BadSecret(f"{name} holds no key")
    return TokenKeys(next(reversed(keys)), keys)


def create_token_keys(path: Path, octets: Octets = os.urandom) -> TokenKeys:
    """Write a new file with one key; raise BadSecret where there is one."""
    made = TokenKeys(1, {1: octets(_KEY_LENGTH)})
    create_secret(path, _text(made))
    return made


def rotate_token_keys(path: Path, octets: Octets = os.urandom) -> TokenKeys:
    """Add a key that signs from now on; the old ones go on checking. Raise BadSecret."""
    old = load_token_keys(str(path))
    new_id = max(old.keys) + 1
    if new_id > _LAST_ID:
        raise BadSecret(f"{path}: all {_LAST_ID} ids are used")
    made = TokenKeys(new_id, {**old.keys, new_id: octets(_KEY_LENGTH)})
    replace_secret(path, _text(made))
    return made


def _parse(line: bytes, where: str) -> tuple[int, bytes]:
    fields = line.split()
    if len(fields) != 2 or not fields[0].isdigit() or not 1 <= int(fields[0][:4]) <= _LAST_ID:
        raise BadSecret(f"{where}: write an id from 1 to {_LAST_ID}, a space, and the key")
    try:
        key = bytes.fromhex(fields[1].decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_LENGTH:
        raise BadSecret(f"{where}: a key is {_KEY_LENGTH * 2} hexadecimal digits")
    return int(fields[0]), key


def _text(keys: TokenKeys) -> bytes:
    return "".join(f"{key_id} {key.hex()}\n" for key_id, key in keys.keys.items()).encode("ascii")
