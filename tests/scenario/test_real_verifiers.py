"""Other people's verifiers believe the delivered octets: OpenDKIM, mailauth and dkimpy.

Every golden message that the gateway takes goes through it, straight to the sink and by way of a real Postfix.
Each copy bears three signatures: RSA and Ed25519 of the From: domain, and the provider's own. The records are
those that ``consentry dkim generate`` has printed. As a check of the checks, a changed octet must be seen.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dkim
import peers
import pytest
from scene import House, Sink, eventually, newsletter
from scene.dns import serve_zone

pytestmark = [pytest.mark.scenario, pytest.mark.debian]

TESTS = Path(__file__).parent.parent
GOLDEN = sorted((TESTS / "golden").glob("*.eml"))
SENDER, READER = "news@example.com", "reader@example.net"
REFUSED = {"41-no-header-section"}
SIGNATURES = {
    ("example.com", "r1", "rsa-sha256"),
    ("example.com", "e1", "ed25519-sha256"),
    ("provider.example", "p1", "rsa-sha256"),
}

Messages = dict[str, bytes]
"""The delivered octets by the golden message's name."""


def send_golden(house: House) -> Messages:
    """Send all golden messages; return what arrived."""
    refused = set()
    with house.client() as client:
        for path in GOLDEN:
            content = path.read_bytes()
            if path.stem not in REFUSED:
                content = f"X-Marker: {path.stem}\r\n".encode() + content
            client.mail(SENDER, ["BODY=8BITMIME"])
            assert client.rcpt(READER)[0] == 250
            # Not sendmail: smtplib mends line ends.
            assert client.docmd("DATA")[0] == 354
            client.send(re.sub(rb"(?m)^\.", b"..", content) + b"\r\n.\r\n")
            code, text = client.getreply()
            if code != 250:
                assert code == 550, text
                refused.add(path.stem)
    assert refused == REFUSED
    names = [path.stem for path in GOLDEN if path.stem not in refused]
    return {name: house.sink.copy(name).content for name in names}


@pytest.fixture(scope="module")
def straight(shared_house: House) -> Messages:
    return send_golden(shared_house)


@pytest.fixture(scope="module")
def by_postfix(template: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Messages]:
    """The same by way of a real next hop, which relays to a sink of its own."""
    if shutil.which("postfix", path=os.environ["PATH"] + ":/usr/sbin") is None or os.geteuid() != 0:
        pytest.skip("a real Postfix is missing (apt-get install postfix), or this is not root")
    sink = Sink()
    sink.start()
    house = House(tmp_path_factory.mktemp("by-postfix") / "house", sink)
    house.move_into_copy_of(template)
    # Not below pytest's own folder: Postfix' user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="consentry-postfix-") as folder:
        Path(folder).chmod(0o755)
        postfix = peers.postfix(Path(folder) / "postfix", sink.port)
        house.change(rf"^port = {sink.port}$", f"port = {postfix.port}")
        house.start()
        yield send_golden(house)
        house.clear_away()
        postfix.close()
    sink.stop()


@pytest.fixture(params=["straight", "by_postfix"])
def delivered(request: pytest.FixtureRequest) -> Messages:
    return request.getfixturevalue(request.param)


def in_body(content: bytes) -> bytes:
    """Change one octet of the content's body (or of an empty one)."""
    header, _, body = content.partition(b"\r\n\r\n")
    return header + b"\r\n\r\n" + (bytes([body[0] ^ 1]) + body[1:] if body.strip() else b"x\r\n")


def in_header(content: bytes) -> bytes:
    """Add a second From:, which oversigning forbids."""
    return b"From: Mallory <m@evil.example>\r\n" + content


def without_link(content: bytes) -> bytes:
    """Change a field that must be covered: List-Unsubscribe-Post (RFC 8058 section 4)."""
    changed = content.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks")
    assert changed != content
    return changed


FORGERIES = (in_body, in_header, without_link)


def one_signature_each(content: bytes) -> dict[tuple[str, str], bytes]:
    """Return a copy for each signature that bears only that one: no other may stand in for it."""
    header, _, body = content.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", header)
    signatures = [field for field in fields if field.lower().startswith(b"dkim-signature:")]
    rest = [field for field in fields if field not in signatures]
    return {
        (tag(signature, b"d"), tag(signature, b"s")): b"\r\n".join([signature, *rest]) + b"\r\n\r\n" + body
        for signature in signatures
    }


def tag(signature: bytes, name: bytes) -> str:
    found = re.search(rb"[;:\s]" + name + rb"\s*=\s*([^;]+)", signature)
    assert found
    return re.sub(rb"\s", b"", found[1]).decode()


# dkimpy


def dkimpy_results(zone: dict[str, str], content: bytes) -> list[bool]:
    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        record = zone.get(name.decode())
        return record.encode() if record else None

    def believed(number: int) -> bool:
        try:
            return dkim.DKIM(content).verify(number, dnsfunc=look_up)
        except dkim.ValidationError:
            return False

    count = sum(1 for field, _ in dkim.DKIM(content).headers if field.lower() == b"dkim-signature")
    return [believed(number) for number in range(count)]


def test_dkimpy(template: House, delivered: Messages) -> None:
    zone = template.zone
    wrong = {
        name: found
        for name, content in delivered.items()
        if (found := dkimpy_results(zone, content)) != [True, True, True]
    }
    assert wrong == {}


@pytest.mark.parametrize("forge", FORGERIES)
def test_dkimpy_sees_a_change(template: House, straight: Messages, forge: object) -> None:
    for name in ("01-plain-7bit", "15-alternative"):
        assert dkimpy_results(template.zone, forge(straight[name])) == [False] * 3, name


# mailauth


def mailauth_results(zone: dict[str, str], folder: Path, contents: list[bytes]) -> list[list[list[str]]]:
    node = shutil.which("node")
    if node is None or not (TESTS / "node/node_modules/mailauth").is_dir():
        pytest.skip("mailauth is missing: npm install --prefix tests/node (Debian: nodejs npm)")
    files = []
    for number, content in enumerate(contents):
        files.append(str(folder / f"{number}.eml"))
        Path(files[-1]).write_bytes(content)
    done = subprocess.run(
        [node, str(TESTS / "node/verify.mjs")], input=json.dumps({"zone": zone, "files": files}),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_mailauth(template: House, delivered: Messages, tmp_path: Path) -> None:
    results = mailauth_results(template.zone, tmp_path, list(delivered.values()))
    for name, found in zip(delivered, results, strict=True):
        assert {(domain, selector, algorithm) for domain, selector, algorithm, *_ in found} == SIGNATURES, (
            name
        )
        assert [result for *_, result, _ in found] == ["pass"] * 3, (name, found)


def test_mailauth_sees_a_change(template: House, straight: Messages, tmp_path: Path) -> None:
    forged = [forge(straight["15-alternative"]) for forge in FORGERIES]
    for found in mailauth_results(template.zone, tmp_path, forged):
        assert len(found) == 3
        assert not any(result == "pass" for *_, result, _ in found), found


# OpenDKIM


def opendkim_refusals(zone: dict[str, str], folder: Path, contents: dict[str, bytes]) -> dict[str, str]:
    """Return the names of the messages that ``opendkim-testmsg`` does not believe, and what it says.

    It asks the system's name server; a mount namespace gives it one of ours.
    """
    if shutil.which("opendkim-testmsg", path=os.environ["PATH"] + ":/usr/sbin") is None:
        pytest.skip("opendkim-testmsg is missing: apt-get install opendkim-tools")
    if os.geteuid() != 0:
        pytest.skip("opendkim-testmsg wants a name server at port 53, and this is not root")
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    script = (
        'mount --bind "$0/resolv.conf" /etc/resolv.conf || exit 99; cd "$0" || exit 98\n'
        'for name; do opendkim-testmsg -C -t "$0" <"$name" >said 2>&1 || echo "$name: $? $(cat said)"; done'
    )
    with serve_zone(zone) as address:
        (folder / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:2 attempts:1\n")
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, str(folder), *contents],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    if (done.returncode == 1 and "unshare" in done.stderr) or done.returncode == 99:
        pytest.skip(f"opendkim-testmsg wants a mount namespace: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)


def test_opendkim(template: House, delivered: Messages, tmp_path: Path) -> None:
    contents = {}
    for name, content in delivered.items():
        contents[name] = content
        for (domain, selector), alone in one_signature_each(content).items():
            contents[f"{name}-{selector}.{domain}"] = alone
    assert len(contents) == 4 * len(delivered)
    assert opendkim_refusals(template.zone, tmp_path, contents) == {}


def test_opendkim_sees_a_change(template: House, straight: Messages, tmp_path: Path) -> None:
    contents = {}
    for forge in FORGERIES:
        for (_, selector), alone in one_signature_each(straight["15-alternative"]).items():
            contents[f"{forge.__name__}-{selector}"] = forge(alone)
    assert opendkim_refusals(template.zone, tmp_path, contents).keys() == contents.keys()


def test_opendkim_wants_the_record(straight: Messages, tmp_path: Path) -> None:
    """A proof that it asks our name server."""
    assert opendkim_refusals({}, tmp_path, {"a": straight["01-plain-7bit"]}).keys() == {"a"}


def test_a_domain_without_a_key_of_its_own_has_the_providers_signature(house: House, reader: str) -> None:
    house.call("domain", "add", "acme", "keyless.example", "--verified")
    content = newsletter("keyless").replace(b"acme.example>", b"keyless.example>")

    def taken() -> bool:
        """The new domain is seen within a second."""
        with house.client() as client:
            if client.mail("news@keyless.example")[0] != 250:
                return False
            client.rcpt(reader)
            return client.data(content)[0] == 250

    eventually(taken, seconds=5)
    signatures = house.sink.copy("keyless").message.get_all("DKIM-Signature")
    assert len(signatures) == 1
    assert "d=provider.example;" in signatures[0].replace(" ", "")
