"""DKIM keys: made, and published as DNS records (RFC 6376 section 3.6.1, RFC 8463).

What it promises: a key that comes out of here is PKCS#8 in DER, RSA or Ed25519, and OpenSSL has made it, so
that the signer need not check it. A record printed here can be pasted into a zone file.
How it fails: BadKey, whose message says what was given and what is wanted, for selectors and domains.
"""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

RSA_BITS = 2048  # what RFC 8301 section 3.2 asks of signers
_STRING_LIMIT = 255  # octets of one character-string, RFC 1035 section 3.3
# RFC 6376 section 3.1: sub-domains, each a label of RFC 5321 section 4.1.2.
_SELECTOR = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


class BadKey(ValueError):
    """A selector or domain that DKIM cannot use; the message is fit for an operator's screen."""


class Algorithm(StrEnum):
    """What the k= of a record calls it."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A private key (PKCS#8 in DER), and the text of its TXT record."""

    algorithm: Algorithm
    private_der: bytes
    record: str


def generate(algorithm: Algorithm) -> NewKey:
    """Make a key: RSA with 2048 bits (some 100 ms of CPU), or Ed25519."""
    match algorithm:
        case Algorithm.RSA:
            return _new(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
        case Algorithm.ED25519:
            return _new(ed25519.Ed25519PrivateKey.generate())


def check_selector(selector: str) -> str:
    """Return the selector in lower case; raise BadKey where it can be no DNS name."""
    folded = selector.lower()
    if _SELECTOR.fullmatch(folded) is None:
        raise BadKey(f"{selector!r} is no selector: letters, digits and inner hyphens, such as s2025")
    return folded


def record_name(selector: str, domain: str) -> str:
    """Return where the record stands, with the last dot (RFC 6376 section 3.6.2.1); raise BadKey."""
    name = f"{check_selector(selector)}._domainkey.{domain.lower().rstrip('.')}."
    if not name.isascii() or len(name) > 254 or any(len(part) > 63 for part in name.split(".")):
        raise BadKey(f"{name!r} is no DNS name: labels have up to 63 octets, all together 253")
    return name


def dns_record(selector: str, domain: str, record: str) -> str:
    """Return the zone file's lines; a text over 255 octets is split, and verifiers join it again."""
    strings = [record[at : at + _STRING_LIMIT] for at in range(0, len(record), _STRING_LIMIT)]
    name = record_name(selector, domain)
    if len(strings) == 1:
        return f'{name} IN TXT "{strings[0]}"'
    lines = "\n".join(f'    "{string}"' for string in strings)
    return f"{name} IN TXT (\n{lines}\n)"


def _new(private: _PrivateKey) -> NewKey:
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return NewKey(_algorithm(private), der, _record(private))


def _algorithm(private: _PrivateKey) -> Algorithm:
    return Algorithm.RSA if isinstance(private, rsa.RSAPrivateKey) else Algorithm.ED25519


def _record(private: _PrivateKey) -> str:
    match private.public_key():
        case ed25519.Ed25519PublicKey() as public:
            # RFC 8463 section 4: the bare 32 octets.
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        case public:
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k={_algorithm(private)}; p={base64.b64encode(octets).decode('ascii')}"
