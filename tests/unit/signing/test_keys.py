"""Keys: made, imported, published, refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from gateway.signing.keys import (
    Algorithm,
    BadKey,
    check_selector,
    dns_record,
    import_pem,
    record_name,
    record_of,
)


def pem(private, form=PrivateFormat.PKCS8, encryption=None) -> bytes:
    return private.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def loaded(key):
    return load_der_private_key(key.private_der, None)


def test_an_rsa_key_is_made(rsa_key):
    assert rsa_key.algorithm is Algorithm.RSA
    assert loaded(rsa_key).key_size == 2048
    assert rsa_key.record.startswith("v=DKIM1; k=rsa; p=MII")
    assert rsa_key.warning == ""
    assert record_of(rsa_key.private_der) == rsa_key.record


def test_an_ed25519_key_is_made(ed25519_key):
    start = "v=DKIM1; k=ed25519; p="
    assert ed25519_key.record.startswith(start)
    raw = loaded(ed25519_key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64.b64decode(ed25519_key.record.removeprefix(start)) == raw
    assert record_of(ed25519_key.private_der) == ed25519_key.record


def test_the_zone_file_of_a_long_record_is_split(rsa_key):
    text = dns_record("s1", "example.org", rsa_key.record)
    lines = text.split("\n")
    assert lines[0] == "s1._domainkey.example.org. IN TXT ("
    assert lines[-1] == ")"
    strings = [line.strip().strip('"') for line in lines[1:-1]]
    assert len(strings) == 2
    assert all(len(string) <= 255 for string in strings)
    assert "".join(strings) == rsa_key.record


def test_the_zone_file_of_a_short_record_is_one_line(ed25519_key):
    want = f's1._domainkey.example.org. IN TXT "{ed25519_key.record}"'
    assert dns_record("S1", "Example.ORG.", ed25519_key.record) == want


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_pkcs1_and_pkcs8_are_imported(form, rsa_key):
    assert import_pem(b"Bag Attributes\n" + pem(loaded(rsa_key), form)) == rsa_key


def test_ed25519_is_imported(ed25519_key):
    assert import_pem(pem(loaded(ed25519_key))) == ed25519_key


def test_a_short_rsa_key_is_taken_with_a_warning():
    key = import_pem(pem(rsa.generate_private_key(65537, 1024)))
    assert "1024 bits is short" in key.warning


# Made once with openssl: cryptography itself makes no RSA key this small.
RSA_512 = b"""-----BEGIN PRIVATE KEY-----
MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEA0QVp7fHYBBG9CUWU
0nbO6vNRxnGD6fypWa0OAKaJxNb/RwrydH+/uRnn6uXqWPbqrIRO9svdl86vyDm4
gJK4yQIDAQABAkEAvq0KojbR0XyBDxk7lvcs8WZAPiBFr0l/D8BvmqZR3Y5/sWsE
4ixgXnFNqL/PHlqpYGtPjDzI8ZiCBF/ZRoTBkQIhAP+dMYB0Ggyog0NzTpqurV3X
ehXUPszF8z4CCUVy3hu9AiEA0VY1yjSzbsn2Xcm+Y67RkKfabFmI7+Oz441OvwPL
+/0CIAC7trSjoJ+ArD+5SPRwo9atE5CUd0mnF7eJ0fT9C14RAiAEjTxULjsskIWj
2mwiXL2/yHaOXpAEr03NB9iLfLilvQIgP6x9/SpqUH3cJ5LtX880rURyJVrZLtHj
owbulfoSS+U=
-----END PRIVATE KEY-----
"""


def refused() -> dict[str, tuple[bytes, str]]:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    public = elliptic.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "nothing": (b"", "no PEM"),
        "binary": (b"\x30\x82\xff\x00", "no PEM"),
        "a public key": (public, "give the private key"),
        "a certificate": (
            b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
            "give the private key",
        ),
        "an elliptic curve": (pem(elliptic), "RSA and Ed25519 keys only"),
        "encrypted": (pem(elliptic, encryption=BestAvailableEncryption(b"x")), "passphrase"),
        "damaged": (b"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", "damaged"),
        "cut": (pem(elliptic)[:60], "damaged"),
        "512 bits": (RSA_512, "512 bits"),
    }


@pytest.mark.parametrize(("given", "why"), refused().values(), ids=refused())
def test_what_is_no_use_is_refused(given, why):
    with pytest.raises(BadKey, match=why):
        import_pem(given)


def test_a_damaged_stored_key_has_no_record():
    with pytest.raises(BadKey, match="damaged"):
        record_of(b"garbage")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    der = elliptic.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(BadKey, match="neither"):
        record_of(der)


@pytest.mark.parametrize("selector", ["s1", "2025-01", "a.b", "x" * 63])
def test_good_selectors(selector):
    assert check_selector(selector.upper()) == selector


@pytest.mark.parametrize(
    "selector", ["", "-a", "a-", "a_b", "a b", "a..b", ".a", "a.", "a\n", "x" * 64, "é", "a;b"]
)
def test_bad_selectors(selector):
    with pytest.raises(BadKey, match="no selector"):
        check_selector(selector)


@pytest.mark.parametrize("domain", ["é.example", "x" * 64 + ".org", ".".join(["x" * 60] * 4) + ".org"])
def test_bad_domains(domain):
    with pytest.raises(BadKey, match="no DNS name"):
        record_name("s1", domain)
