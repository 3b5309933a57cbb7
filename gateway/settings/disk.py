"""What the config says against what lies on the disk: certificates, keys, secrets.

``absent`` gives a Finding for each file that is missing, unreadable, open to others, or does not belong to
its partner. Paths must be absolute already. An OSError is never raised, it is a Finding.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.settings.files import Files
from gateway.settings.problem import Finding
from gateway.settings.schema import Settings
from gateway.settings.secret_files import EVERYONE


def absent(settings: Settings, files: Files) -> Iterator[Finding]:
    """Yield what the disk does not have as the config wants it."""
    yield from _secrets(settings, files)
    yield from _tls(settings, files)
    for index, host in enumerate(settings.relay.smarthost):
        where = ("relay", "smarthost", index)
        if host.password_file is not None:
            yield from _unreadable((*where, "password_file"), str(host.password_file), files)
        if host.ca_file is not None:
            yield from _bad_authorities((*where, "ca_file"), host.ca_file, files)
    # Read where it is needed, and not here: it may be larger than all else together.
    traps = settings.imports.spam_traps
    if traps is not None and not traps.is_file():
        yield Finding(("imports", "spam_traps"), f"{traps}: No such file")


def expired(settings: Settings, files: Files, now: datetime) -> Iterator[Finding]:
    """Yield a doubt for a certificate that is not valid now. Call it for settings without findings."""
    if settings.tls.certificate is None:
        return
    certificate = x509.load_pem_x509_certificate(files.read(settings.tls.certificate))
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        until = certificate.not_valid_after_utc.astimezone(UTC).date()
        yield Finding(("tls", "certificate"), f"is not valid now (until {until}): clients may refuse it")


def _secrets(settings: Settings, files: Files) -> Iterator[Finding]:
    yield from _unreadable(("secrets", "master_key"), settings.secrets.master_key, files)
    yield from _unreadable(("secrets", "token_keys"), settings.secrets.token_keys, files)


def _unreadable(path: tuple[str | int, ...], value: str, files: Files) -> Iterator[Finding]:
    try:
        if not files.secret(value).strip():
            yield Finding(path, f"{value} is empty")
    except OSError as error:
        yield Finding(path, _why(error))


def _why(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.strerror else str(error)


def _tls(settings: Settings, files: Files) -> Iterator[Finding]:
    if settings.tls.certificate is None or settings.tls.key is None:
        return
    certificate, key = None, None
    try:
        certificate = x509.load_pem_x509_certificates(files.read(settings.tls.certificate))[0]
    except OSError as error:
        yield Finding(("tls", "certificate"), _why(error))
    except ValueError:
        yield Finding(("tls", "certificate"), f"{settings.tls.certificate} holds no certificate in PEM form")
    try:
        key = load_pem_private_key(files.secret(str(settings.tls.key), EVERYONE), password=None)
    except OSError as error:
        yield Finding(("tls", "key"), _why(error))
    except (ValueError, TypeError):  # TypeError: it wants a password
        yield Finding(
            ("tls", "key"), f"{settings.tls.key} holds no private key in PEM form without a password"
        )
    if certificate is not None and key is not None and not _belong_together(certificate, key):
        yield Finding(("tls", "key"), f"is not the key of {settings.tls.certificate}")


def _belong_together(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    public = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*public) == key.public_key().public_bytes(*public)


def _bad_authorities(path: tuple[str | int, ...], file: Path, files: Files) -> Iterator[Finding]:
    try:
        x509.load_pem_x509_certificates(files.read(file))
    except OSError as error:
        yield Finding(path, _why(error))
    except ValueError:
        yield Finding(path, f"{file} holds no certificates in PEM form")
