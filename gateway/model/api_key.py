"""API keys: how they are written, and what one lets its bearer do. Pure.

A key is ``ck_ID_SECRET``: the id is how it is listed, looked up and revoked; the secret has 256 bits of
chance, so its SHA-256 is all that needs keeping and no slow hash is called for. Only letters, digits and
underscores: a double click takes the whole of it, and scanners for leaked secrets know it by its beginning.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum

PREFIX = "ck"
_ID_OCTETS, _SECRET_OCTETS = 8, 32
OCTETS = _ID_OCTETS + _SECRET_OCTETS
_KEY = re.compile(r"ck_([a-z2-7]{13})_([a-z2-7]{52})\Z", re.ASCII)


class Scope(StrEnum):
    """What a key may be for."""

    EVENTS_READ = "events:read"
    LISTS_READ = "lists:read"
    LISTS_WRITE = "lists:write"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    NEWSLETTERS_READ = "newsletters:read"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in full: shown once, to the one who asked for it."""

    id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{PREFIX}_{self.id}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """What is kept of the secret."""
        return hashlib.sha256(self.secret.encode("ascii")).digest()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the bearer of a good key may do, and for whom."""

    key_id: str
    account_id: int
    scopes: frozenset[Scope]


def new_key(octets: bytes) -> ApiKey:
    """Return a key made of ``OCTETS`` random octets."""
    return ApiKey(_text(octets[:_ID_OCTETS]), _text(octets[_ID_OCTETS:OCTETS]))


def parse_key(text: str) -> ApiKey | None:
    """Return the key that a text is, or None where it is none."""
    match = _KEY.match(text)
    return ApiKey(match[1], match[2]) if match else None


def _text(octets: bytes) -> str:
    return base64.b32encode(octets).decode("ascii").rstrip("=").lower()
