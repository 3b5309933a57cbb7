"""Keys: made and published."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from gateway.signing.keys import (
    Algorithm,
    BadKey,
    check_selector,
    dns_record,
    record_name,
)


def loaded(key):
    return load_der_private_key(key.private_der, None)


def test_an_rsa_key_is_made(rsa_key):
    assert rsa_key.algorithm is Algorithm.RSA
    assert loaded(rsa_key).key_size == 2048
    assert rsa_key.record.startswith("v=DKIM1; k=rsa; p=MII")


def test_an_ed25519_key_is_made(ed25519_key):
    start = "v=DKIM1; k=ed25519; p="
    assert ed25519_key.record.startswith(start)
    raw = loaded(ed25519_key).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64.b64decode(ed25519_key.record.removeprefix(start)) == raw


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
