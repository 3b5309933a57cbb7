"""The certificate that init makes: what TLS clients look at."""

import datetime as dt
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.cli.certificate import self_signed

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_names_key_and_time() -> None:
    pem, key = self_signed(
        ["mail.example.com", "bücher.example", "127.0.0.1", "::1", "mail.example.com"], NOW
    )
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.com", "xn--bcher-kva.example"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]
    assert certificate.not_valid_before_utc < NOW
    assert (certificate.not_valid_after_utc - NOW).days == 3650
    private = load_pem_private_key(key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert private.public_key() == certificate.public_key()


def test_a_name_longer_than_a_common_name_may_be() -> None:
    name = f"{'a' * 60}.{'b' * 60}.example"
    certificate = x509.load_pem_x509_certificate(self_signed([name], NOW)[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [name]
