"""Times that our forms carry, signed, and the work that a browser puts beside them. Pure.

A stamp says when a form of ours was made, for which list, and whether it was the extra step. It is no secret
and names nobody; nobody else can make one. Layout before base64url (no padding), integers big-endian:
    1 octet   kind
    1 octet   key id
    8 octets  milliseconds since the epoch
    8 octets  chance: each stamp is good once
   16 octets  HMAC-SHA-256 over a label, the list's place and all before it, cut (RFC 2104 section 5)

The work is a number such that the SHA-256 of ``STAMP.NUMBER`` begins with so many zero bits: a moment for one
person, and hours for ten thousand sign-ups.
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

_FORM = struct.Struct(">BBQ8s")
_MAC_LENGTH = 16
_LABEL = b"consentry form stamp\0"  # a token's MAC never begins so: its first octet is its version
_TEXT = re.compile(r"[A-Za-z0-9_-]{46}")
_NUMBER = re.compile(r"[0-9]{1,16}")
CHANCE_LENGTH = 8


class StampKind(IntEnum):
    """Which page it stood in."""

    FORM = 1
    STEP = 2


@dataclass(frozen=True, slots=True)
class Stamp:
    """``at``: seconds since the epoch; ``chance``: 8 octets."""

    kind: StampKind
    at: float
    chance: bytes


def seal_stamp(stamp: Stamp, place: str, key_id: int, key: bytes) -> str:
    """Return a stamp as it stands in a form of the list at ``place``: 46 characters."""
    head = _FORM.pack(stamp.kind, key_id, int(stamp.at * 1000), stamp.chance)
    return base64.urlsafe_b64encode(head + _mac(head, place, key)).rstrip(b"=").decode("ascii")


def open_stamp(text: str, place: str, keys: Mapping[int, bytes]) -> Stamp | None:
    """Return what a form carries, compared in constant time; None where it is none of ours for the place."""
    if _TEXT.fullmatch(text) is None:
        return None
    raw = base64.urlsafe_b64decode(text + "==")
    head, mac = raw[: _FORM.size], raw[_FORM.size :]
    kind, key_id, at, chance = _FORM.unpack(head)
    key = keys.get(key_id)
    if key is None or not hmac.compare_digest(_mac(head, place, key), mac):
        return None
    return Stamp(StampKind(kind), at / 1000, chance)


def is_worked(text: str, number: str, bits: int) -> bool:
    """Whether the work for a stamp was done."""
    if _NUMBER.fullmatch(number) is None:
        return False
    digest = hashlib.sha256(f"{text}.{number}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def _mac(head: bytes, place: str, key: bytes) -> bytes:
    return hmac.digest(key, _LABEL + place.encode() + b"\0" + head, "sha256")[:_MAC_LENGTH]
