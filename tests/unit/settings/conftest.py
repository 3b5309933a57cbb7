"""A folder with everything that a config may name."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(key: ec.EllipticCurvePrivateKey, days: int) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(LONG_AGO).not_valid_after(LONG_AGO + dt.timedelta(days))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture(scope="session")
def pems() -> dict[str, bytes]:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    return {
        "tls/certificate.pem": certificate(key, 365 * 100),
        "tls/expired.pem": certificate(key, 30),
        "tls/key.pem": pem(key),
        "tls/open.key": pem(key),
        "tls/other.key": pem(other),
    }


@pytest.fixture
def folder(tmp_path: Path, pems: dict[str, bytes]) -> Path:
    secrets = {"secrets/master.key": b"00" * 32, "secrets/token.keys": b"1 " + b"11" * 32}
    opened = {"secrets/open.key": b"00" * 32, "secrets/empty.key": b"\n"}
    for name, content in (pems | secrets | opened).items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644 if "open" in name or "certificate" in name else 0o600)
    (tmp_path / "gateway.toml").write_text("")
    (tmp_path / "policy.toml").write_text("")
    return tmp_path
