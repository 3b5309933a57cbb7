"""Programs that people really send with: each delivers through the gateway, in each way it knows.

``Received`` of the delivered copy says how it came in (RFC 3848): ESMTPA with a login, ESMTPSA with TLS too.
"""

import json
import os
import shutil
import smtplib
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest
from scene import PASSWORD, House, Received, newsletter

pytestmark = [pytest.mark.scenario, pytest.mark.debian]

SENDER = "news@acme.example"
NODE = Path(__file__).parent.parent / "node"
WITHOUT_PROXIES = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}


def wanted(program: str, package: str) -> str:
    """Return the program's path, or skip with the package's name."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is missing: apt-get install {package}")
    return path


def run(*words: str, stdin: str | bytes = "") -> str:
    content = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        words, input=content, capture_output=True, check=False, timeout=60, env=WITHOUT_PROXIES
    )
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, (words, output)
    return output


def came_well(house: House, marker: str, protocol: str) -> Received:
    """Return the delivered copy: whole, rewritten, without a line end that is none."""
    copy = house.sink.copy(marker)
    fields = copy.message.get_all("Received")
    assert any(f" with {protocol} " in " ".join(field.split()) for field in fields), fields
    assert b"\n" not in copy.content.replace(b"\r\n", b"")
    assert b"\r" not in copy.content.replace(b"\r\n", b"")
    assert copy.message["List-Unsubscribe"]
    assert copy.message["DKIM-Signature"]
    assert "this is the text" in copy.message.get_body(("plain",)).get_content()
    return copy


# swaks

SWAKS = {
    "plain": (["--auth", "PLAIN"], "ESMTPA"),
    "login": (["--auth", "LOGIN"], "ESMTPA"),
    "starttls": (["--auth", "PLAIN", "--tls"], "ESMTPSA"),
    "pipelining": (["--auth", "LOGIN", "--pipeline"], "ESMTPA"),
    "tls-and-pipelining": (["--auth", "PLAIN", "--tls", "--pipeline"], "ESMTPSA"),
    "implicit-tls": (["--auth", "LOGIN", "--tls-on-connect"], "ESMTPSA"),
}


@pytest.mark.parametrize("way", SWAKS)
def test_swaks(house: House, reader: str, tmp_path: Path, way: str) -> None:
    swaks = wanted("swaks", "swaks libnet-ssleay-perl libio-socket-ssl-perl")
    options, protocol = SWAKS[way]
    marker = f"swaks-{way}"
    (tmp_path / "news.eml").write_bytes(newsletter(marker).replace(b"\r\n", b"\n"))
    port = house.smtps if way == "implicit-tls" else house.smtp
    dialogue = run(
        swaks, "--server", f"127.0.0.1:{port}", "--helo", "client.example", *options,
        "--auth-user", "acme", "--auth-password", PASSWORD, "--from", SENDER, "--to", reader,
        "--data", f"@{tmp_path / 'news.eml'}",
    )  # fmt: skip
    assert "250 2.6.0 Queued as" in dialogue
    came_well(house, marker, protocol)


def test_swaks_hears_the_refusal_of_one_recipient(house: House, reader: str) -> None:
    swaks = wanted("swaks", "swaks")
    done = subprocess.run(
        [swaks, "--server", f"127.0.0.1:{house.smtp}", "--pipeline", "--auth", "PLAIN", "--auth-user", "acme",
         "--auth-password", PASSWORD, "--from", SENDER, "--to", f"{reader},stranger@example.net",
         "--header", "X-Marker: swaks-refused", "--header", f"From: {SENDER}", "--body", "this is the text"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "550 5.7.1 No opt-in of this recipient is on record" in done.stdout
    assert came_well(house, "swaks-refused", "ESMTPA").recipients == (reader,)


# msmtp

MSMTP = {
    "plain": ("auth plain\ntls off\n", "ESMTPA"),
    "login": ("auth login\ntls off\n", "ESMTPA"),
    "starttls": ("auth on\ntls on\ntls_starttls on\n", "ESMTPSA"),
    "implicit-tls": ("auth on\ntls on\ntls_starttls off\n", "ESMTPSA"),
}


@pytest.mark.parametrize("way", MSMTP)
def test_msmtp(house: House, reader: str, tmp_path: Path, way: str) -> None:
    msmtp = wanted("msmtp", "msmtp")
    options, protocol = MSMTP[way]
    marker = f"msmtp-{way}"
    config = tmp_path / "msmtprc"
    port = house.smtps if way == "implicit-tls" else house.smtp
    config.write_text(
        f"account default\nhost 127.0.0.1\nport {port}\ndomain client.example\nfrom {SENDER}\n"
        f'user acme\npassword "{PASSWORD}"\n{options}'
        + (f"tls_trust_file {house.folder}/tls/certificate.pem\n" if "tls on" in options else "")
        + ("tls_host_override gateway.example\n" if "tls on" in options else "")
    )
    config.chmod(0o600)
    run(msmtp, "-C", str(config), reader, stdin=newsletter(marker).replace(b"\r\n", b"\n"))
    came_well(house, marker, protocol)


# curl

CURL = {
    "plain": ("smtp", ["--login-options", "AUTH=PLAIN"], "ESMTPA"),
    "login": ("smtp", ["--login-options", "AUTH=LOGIN"], "ESMTPA"),
    "starttls": ("smtp", ["--ssl-reqd"], "ESMTPSA"),
    "implicit-tls": ("smtps", [], "ESMTPSA"),
}


@pytest.mark.parametrize("way", CURL)
def test_curl(house: House, reader: str, tmp_path: Path, way: str) -> None:
    curl = wanted("curl", "curl")
    scheme, options, protocol = CURL[way]
    port = house.smtps if scheme == "smtps" else house.smtp
    (tmp_path / "news.eml").write_bytes(newsletter(f"curl-{way}"))
    run(
        curl, "--silent", "--show-error", "--resolve", f"gateway.example:{port}:127.0.0.1",
        "--cacert", str(house.folder / "tls/certificate.pem"), *options, "--user", f"acme:{PASSWORD}",
        "--mail-from", SENDER, "--mail-rcpt", reader, "--upload-file", str(tmp_path / "news.eml"),
        f"{scheme}://gateway.example:{port}/client.example",
    )  # fmt: skip
    came_well(house, f"curl-{way}", protocol)


def test_curl_with_the_form_and_an_attachment(house: House, reader: str, tmp_path: Path) -> None:
    """curl builds the MIME structure itself."""
    curl = wanted("curl", "curl")
    (tmp_path / "list.bin").write_bytes(bytes(range(256)) * 20)
    run(
        curl, "--silent", "--show-error", "--user", f"acme:{PASSWORD}", "--mail-from", SENDER,
        "--mail-rcpt", reader, "-H", f"From: {SENDER}", "-H", f"To: {reader}", "-H", "X-Marker: curl-form",
        "-F", "=this is the text;type=text/plain", "-F", f"file=@{tmp_path / 'list.bin'};encoder=base64",
        f"smtp://127.0.0.1:{house.smtp}/client.example",
    )  # fmt: skip
    copy = came_well(house, "curl-form", "ESMTPA")
    (attachment,) = copy.message.iter_attachments()
    assert attachment.get_content() == bytes(range(256)) * 20


# smtplib


def test_smtplib_with_text(house: House, reader: str) -> None:
    """An accented text goes out as 8-bit where the server offers it."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, reader, "Grüße aus Köln"
    message["X-Marker"] = "smtplib-text"
    message.set_content("Schöne Grüße,\nthis is the text.\n", cte="8bit")
    with house.client() as client:
        assert client.send_message(message) == {}
    copy = came_well(house, "smtplib-text", "ESMTPA")
    assert "Schöne Grüße" in copy.message.get_body().get_content()
    assert copy.message["Subject"] == "Grüße aus Köln"


def test_smtplib_with_octets_and_bare_line_feeds(house: House, reader: str) -> None:
    with house.client() as client:
        assert client.sendmail(SENDER, [reader], newsletter("smtplib-lf").replace(b"\r\n", b"\n")) == {}
    came_well(house, "smtplib-lf", "ESMTPA")


def test_smtplib_with_starttls(house: House, reader: str) -> None:
    with house.client(login=False) as client:
        client.starttls(context=house.trust())
        client.login("acme", PASSWORD)
        client.sendmail(SENDER, [reader], newsletter("smtplib-starttls"))
    came_well(house, "smtplib-starttls", "ESMTPSA")


def test_smtplib_with_implicit_tls_and_auth_login(house: House, reader: str) -> None:
    with smtplib.SMTP_SSL("127.0.0.1", house.smtps, "client.example", context=house.trust()) as client:
        client.ehlo()
        client.user, client.password = "acme", PASSWORD
        code, _ = client.auth("LOGIN", client.auth_login)
        assert code == 235
        client.sendmail(SENDER, [reader], newsletter("smtplib-implicit"))
    came_well(house, "smtplib-implicit", "ESMTPSA")


def test_chunks(house: House, reader: str) -> None:
    """RFC 3030: no client at hand sends BDAT, so it is spoken by hand, in chunks that cut lines apart."""
    content = newsletter("chunks")
    with house.client() as client:
        assert client.has_extn("chunking")
        assert client.mail(SENDER, ["BODY=8BITMIME"])[0] == 250
        assert client.rcpt(reader)[0] == 250
        middle = content.index(b"\r\n") + 1  # between CR and LF
        client.send(b"BDAT %d\r\n" % middle + content[:middle])
        assert client.getreply()[0] == 250
        client.send(b"BDAT %d LAST\r\n" % len(content[middle:]) + content[middle:])
        code, text = client.getreply()
    assert (code, text[:6]) == (250, b"2.6.0 ")
    came_well(house, "chunks", "ESMTPA")


# nodemailer

NODEMAILER = {
    "plain": ({"authMethod": "PLAIN", "ignoreTLS": True}, "ESMTPA"),
    "login": ({"authMethod": "LOGIN", "ignoreTLS": True}, "ESMTPA"),
    "starttls": ({"requireTLS": True}, "ESMTPSA"),
    "implicit-tls": ({"secure": True}, "ESMTPSA"),
    "pool": ({"pool": True, "maxConnections": 2, "requireTLS": True}, "ESMTPSA"),
}


def nodemailer(house: House, options: dict[str, object], messages: list[dict[str, object]]) -> list[dict]:
    node = wanted("node", "nodejs npm")
    if not (NODE / "node_modules/nodemailer").is_dir():
        pytest.skip("nodemailer is missing: npm install --prefix tests/node (Debian: nodejs npm)")
    transport = {
        "host": "127.0.0.1",
        "port": house.smtps if options.get("secure") else house.smtp,
        "name": "client.example",
        "auth": {"user": "acme", "pass": PASSWORD},
        "tls": {"servername": "gateway.example", "caFile": str(house.folder / "tls/certificate.pem")},
        **options,
    }
    said = run(node, str(NODE / "send.mjs"), stdin=json.dumps({"transport": transport, "messages": messages}))
    return json.loads(said)


@pytest.mark.parametrize("way", NODEMAILER)
def test_nodemailer(house: House, reader: str, way: str) -> None:
    options, protocol = NODEMAILER[way]
    markers = [f"nodemailer-{way}-{number}" for number in range(5 if way == "pool" else 1)]
    messages = [
        {
            "from": SENDER, "to": reader, "subject": "Grüße", "headers": {"X-Marker": marker},
            "text": "Grüße, this is the text", "html": "<p>Grüße, this is the <b>HTML</b></p>",
            "attachments": [{"filename": "a.txt", "content": "an attachment"}],
        }
        for marker in markers
    ]  # fmt: skip
    answers = nodemailer(house, options, messages)
    assert [answer["accepted"] for answer in answers] == [[reader]] * len(markers), answers
    for marker in markers:
        copy = came_well(house, marker, protocol)
        assert "this is the <b>HTML</b>" in copy.message.get_body(("html",)).get_content()


def test_nodemailer_hears_why(house: House) -> None:
    (answer,) = nodemailer(
        house, {}, [{"from": SENDER, "to": "stranger@example.net", "text": "this is the text"}]
    )
    assert answer == {"error": "550 5.7.1 No opt-in of this recipient is on record"}
