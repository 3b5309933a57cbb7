"""The tokens in links: signed, with a key id, without an address, valid for ever.

Layout before base64url (no padding), all integers big-endian:
    1 octet   version, 1
    1 octet   key id
    1 octet   purpose
    4 octets  account id
    4 octets  list id (0: none)
   16 octets  keyed hash of the address (it names nobody without the account's key)
   16 octets  submission id
   16 octets  HMAC-SHA-256 over all before it, cut (RFC 2104 section 5)
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache

from gateway.model.values import dataclass

_FORM = struct.Struct(">BBBII16s16s")
_MAC_LENGTH = 16
_BLOCK = 64  # octets that SHA-256 takes in at once
_VERSION = 1
_TEXT = re.compile(r"[A-Za-z0-9_-]{79}")


class Purpose(IntEnum):
    """What a link is for; a token for one does nothing at another."""

    UNSUBSCRIBE = 1
    REPORT = 2
    WHY = 3
    CONFIRM = 4  # leaving, from the letter that asks whether it was them
    UNDO = 5  # gateway.model.undo
    SIGNUP = 6  # yes or no, from the letter that asks who has signed up; ``submission`` names the sign-up
    RECOMMEND = 7  # tell a friend, from the page that says why mail came
    INVITATION = 8  # what the friend is invited to; ``submission`` names the invitation


class BadToken(Exception):
    """One answer for a malformed, a forged and an unknown token."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a link names. ``address_hash`` and ``submission`` have 16 octets each."""

    purpose: Purpose
    account_id: int
    list_id: int
    address_hash: bytes
    submission: bytes


def seal(token: Token, key_id: int, key: bytes) -> str:
    """Return the token as it stands in a link: 79 characters of base64url."""
    head = _FORM.pack(
        _VERSION, key_id, token.purpose, token.account_id, token.list_id, token.address_hash, token.submission
    )
    mac = _mac(head, key)
    return base64.urlsafe_b64encode(head + mac).rstrip(b"=").decode("ascii")


def _mac(head: bytes, key: bytes) -> bytes:
    keyed = _keyed(key)
    inner, outer = keyed[0].copy(), keyed[1].copy()
    inner.update(head)
    outer.update(inner.digest())
    return outer.digest()[:_MAC_LENGTH]


@lru_cache(maxsize=256)  # more than there are key ids
def _keyed(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Return both hashes of RFC 2104 section 2 with the key taken in, for the three MACs of each copy.

    The module ``hmac`` takes twice as long for each.
    """
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (bytes(octet ^ pad for octet in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def unseal(text: str, keys: Mapping[int, bytes], purpose: Purpose) -> Token:
    """Return what a link names, compared in constant time; raise BadToken for anything else."""
    if _TEXT.fullmatch(text) is None:
        raise BadToken
    raw = base64.urlsafe_b64decode(text + "==")
    head, mac = raw[: _FORM.size], raw[_FORM.size :]
    version, key_id, kind, account_id, list_id, address_hash, submission = _FORM.unpack(head)
    key = keys.get(key_id, b"")
    genuine = hmac.compare_digest(_mac(head, key or b"none"), mac)
    if not (genuine and key and version == _VERSION and kind == purpose):
        raise BadToken
    return Token(purpose, account_id, list_id, address_hash, submission)
