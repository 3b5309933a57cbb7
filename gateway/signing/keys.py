"""DKIM keys: made, imported from PEM, and published as DNS records (RFC 6376 section 3.6.1, RFC 8463).

What it promises: a key that comes out of here is PKCS#8 in DER, RSA of 1024 to 4096 bits (RFC 8301
section 3.2) or Ed25519, and has been checked by OpenSSL, so that the signer need not. A record printed here
can be pasted into a zone file.
How it fails: BadKey, whose message says what was given and what is wanted, and never shows a key's octets.
"""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

_PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

RSA_BITS = 2048
_RSA_LEAST, _RSA_MOST = 1024, 4096  # what verifiers take, RFC 8301 section 3.2
_STRING_LIMIT = 255  # octets of one character-string, RFC 1035 section 3.3
# RFC 6376 section 3.1: sub-domains, each a label of RFC 5321 section 4.1.2.
_SELECTOR = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


class BadKey(ValueError):
    """A key, selector or domain that DKIM cannot use; the message is fit for an operator's screen."""


class Algorithm(StrEnum):
    """What the k= of a record calls it."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A private key (PKCS#8 in DER), the text of its TXT record, and what an operator should know of it."""

    algorithm: Algorithm
    private_der: bytes
    record: str
    warning: str = ""


def generate(algorithm: Algorithm) -> NewKey:
    """Make a key: RSA with 2048 bits (some 100 ms of CPU), or Ed25519."""
    match algorithm:
        case Algorithm.RSA:
            return _new(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
        case Algorithm.ED25519:
            return _new(ed25519.Ed25519PrivateKey.generate())


def import_pem(pem: bytes) -> NewKey:
    """Take a private key in PEM, PKCS#1 or PKCS#8, from anywhere; raise BadKey."""
    label = _LABEL.search(pem.decode("latin-1"))
    if label is None:
        raise BadKey('this is no PEM: it has no line like "-----BEGIN PRIVATE KEY-----"')
    if "PRIVATE KEY" not in label[1]:
        raise BadKey(f"this is a {label[1].lower()}: give the private key")
    if b"ENCRYPTED" in pem:
        raise BadKey("this key is encrypted: take its passphrase off first (openssl pkey -in FILE)")
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words may quote what it read.
        raise BadKey("this private key is damaged, or of a kind that OpenSSL does not know") from None
    if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise BadKey("DKIM signs with RSA and Ed25519 keys only (RFC 6376, RFC 8463)")
    return _new(private)


def record_of(private_der: bytes) -> str:
    """Return the text of the TXT record for a stored private key; raise BadKey."""
    try:
        private = load_der_private_key(private_der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("the stored key is damaged") from None
    if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise BadKey("the stored key is neither RSA nor Ed25519")
    return _record(private)


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
    warning = ""
    if isinstance(private, rsa.RSAPrivateKey):
        warning = _judge_size(private.key_size)
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return NewKey(_algorithm(private), der, _record(private), warning)


def _judge_size(bits: int) -> str:
    """Return a warning for a key that is short, "" for one that is not; raise BadKey for no use at all."""
    if not _RSA_LEAST <= bits <= _RSA_MOST:
        raise BadKey(f"an RSA key of {bits} bits: verifiers take {_RSA_LEAST} to {_RSA_MOST} (RFC 8301)")
    if bits < RSA_BITS:
        return f"an RSA key of {bits} bits is short: RFC 8301 asks signers for {RSA_BITS}"
    return ""


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
