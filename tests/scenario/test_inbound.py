"""Leaving by mail: the mailto of a delivered newsletter, sent by real programs to the MX side of a real gateway."""

import contextlib
import email.utils
import os
import re
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from scene import PATIENCE, House, Received, eventually, newsletter

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
GONE = re.compile(rb"5\.7\.1 Recipient unsubscribed on \d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Way:
    """Where a mailto leads."""

    mailbox: str
    subject: str


def way_out(house: House, reader: str, marker: str) -> Way:
    """Send a newsletter to the reader, and return the mailto of the copy that came."""
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter(marker, reader))
    return way_of(house.sink.copy(marker))


def way_of(copy: Received) -> Way:
    match = re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", copy.message["List-Unsubscribe"])
    assert match is not None
    return Way(*map(urllib.parse.unquote, match.groups()))


def letter(way: Way, reader: str, **headers: str) -> bytes:
    """What a mail program makes of a mailto."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = reader, way.mailbox, way.subject
    message["Message-ID"] = email.utils.make_msgid(domain="example.net")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("\n")
    return message.as_bytes()


def stranger(house: House) -> smtplib.SMTP:
    """A session at the MX side."""
    return smtplib.SMTP("127.0.0.1", house.inbound, "mail.example.net", timeout=PATIENCE)


def by_smtplib(house: House, way: Way, reader: str, **headers: str) -> None:
    with stranger(house) as client:
        client.starttls(context=house.trust())
        assert client.sendmail(reader, [way.mailbox], letter(way, reader, **headers)) == {}


def by_swaks(house: House, way: Way, reader: str) -> None:
    swaks = shutil.which("swaks")
    if swaks is None:
        pytest.skip("swaks is missing: apt-get install swaks")
    words = [swaks, "--server", f"127.0.0.1:{house.inbound}", "--helo", "mail.example.net", "--from", reader]
    words += ["--to", way.mailbox, "--header", f"Subject: {way.subject}", "--pipeline"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "250 2.6.0 Message taken" in done.stdout


def refusal(house: House, reader: str) -> bytes:
    """What the next RCPT hears."""
    with house.client() as client:
        client.mail(SENDER)
        code, text = client.rcpt(reader)
        client.rset()
    return b"%d %b" % (code, text)


def answers(house: House, reader: str) -> list[Received]:
    """The mail of the house that came for the reader."""
    return [one for one in house.sink.received if one.recipients == (reader,) and not one.sender]


@pytest.mark.parametrize("program", [by_smtplib, by_swaks])
def test_a_reader_leaves_by_mail(house: House, reader: str, program) -> None:
    way = way_out(house, reader, f"leaving-{program.__name__}")
    assert way.mailbox == "unsubscribe@gateway.example"
    program(house, way, reader)
    assert GONE.search(refusal(house, reader))  # with the very next RCPT

    house.sink.wait_for(lambda _: answers(house, reader))
    program(house, way, reader)
    house.wait_until_empty()
    (answer,) = answers(house, reader)
    message = answer.message
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["From"].addresses[0].addr_spec == way.mailbox
    assert message["In-Reply-To"]
    assert 'left the list "Acme News" of acme' in message.get_content()
    assert "d=provider.example;" in message["DKIM-Signature"].replace(" ", "")


def test_what_a_program_sends_is_not_answered(house: House, reader: str) -> None:
    way = way_out(house, reader, "auto-reply")
    by_smtplib(house, way, reader, Auto_Submitted="auto-replied")
    assert GONE.search(refusal(house, reader))
    house.wait_until_empty()
    assert answers(house, reader) == []


def test_a_forged_sender_is_not_written_to(house: House, reader: str) -> None:
    way = way_out(house, reader, "forged")
    by_smtplib(house, way, "victim@example.com")
    assert GONE.search(refusal(house, reader))
    house.wait_until_empty()
    assert answers(house, "victim@example.com") == answers(house, reader) == []


def test_a_spoilt_token_is_refused_and_nothing_is_relayed(house: House, reader: str) -> None:
    way = way_out(house, reader, "spoilt")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        by_smtplib(house, Way(way.mailbox, way.subject[:-9] + "AAAAAAAAA"), reader)
    assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (550, b"5.6.0")
    with stranger(house) as client:
        client.ehlo_or_helo_if_needed()
        assert "auth" not in client.esmtp_features
        client.mail("eve@example.com")
        assert client.rcpt("victim@example.com") == (
            550,
            b"5.7.1 Relaying denied: no mail for example.com is taken here",
        )
        assert client.rcpt("news@gateway.example")[0] == 550
    assert refusal(house, reader).startswith(b"250 ")


def test_office_mail_reaches_the_operator_whole(house: House) -> None:
    content = b"From: eve@example.net\r\nSubject: spam from you\r\n\r\nsee\r\n.a dot, and caf\xc3\xa9\r\n"
    with stranger(house) as client:
        client.sendmail("eve@example.net", ["abuse@gateway.example"], content)
    house.sink.wait_for(lambda _: answers(house, "ops@operator.example"))
    (forward,) = answers(house, "ops@operator.example")
    assert content in forward.content
    assert forward.message["Reply-To"] == "eve@example.net"
    assert "d=provider.example;" in forward.message["DKIM-Signature"].replace(" ", "")
    counted = house.metric("consentry_inbound_messages_total", mailbox="abuse", result="forwarded")
    assert counted == 1
    submission = forward.message["Message-ID"].strip("<>").partition("@")[0]
    story = eventually(lambda: house.call("explain", submission, check=False).stdout)
    assert f"Message {submission} of provider" in story


def test_office_mail_that_the_operators_host_refuses_is_kept(house: House) -> None:
    refused = "ops@operator.example"
    house.sink.script = lambda recipient: "550 5.7.1 none of yours" if recipient == refused else None
    before = house.metric("consentry_letters_undelivered_total")
    with stranger(house) as client:
        client.sendmail("kim@example.net", ["postmaster@gateway.example"], b"Subject: help\r\n\r\nme\r\n")
    (kept,) = eventually(lambda: house.json("queue", "list", "--account", "provider", "--state", "held"))
    assert (kept["hold_reason"], kept["recipient"]) == ("undelivered", refused)
    assert kept["last_reply"] == "550 5.7.1 none of yours"
    assert house.metric("consentry_letters_undelivered_total") == before + 1
    house.sink.script = lambda _recipient: None
    house.call("queue", "release", kept["id"])
    house.sink.wait_for(lambda _: "kim@example.net" in forwarded(house))


# kill -9


@contextlib.contextmanager
def held(file: object) -> Iterator[None]:
    """Let nobody write into a database meanwhile."""
    holder = sqlite3.connect(str(file), isolation_level=None, timeout=PATIENCE)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def killed_meanwhile(house: House, sender: str, recipient: str, content: bytes) -> None:
    """Bring a letter, and kill the worker that has the whole of it and cannot answer yet."""
    with stranger(house) as client:
        client.ehlo()
        client.mail(sender)
        client.rcpt(recipient)
        client.docmd("DATA")
        worker = house.worker_of(client)
        client.send(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b".\r\n")
        eventually(lambda: unread(client) == 0)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            client.getreply()
        client.close()


def unread(client: smtplib.SMTP) -> int:
    """How many octets of ours the worker has not read yet."""
    assert client.sock is not None
    ports = [client.sock.getpeername()[1], client.sock.getsockname()[1]]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if [int(address.rpartition(":")[2], 16) for address in columns[1:3]] == ports:
            return int(columns[4].rpartition(":")[2], 16)
    raise AssertionError("there is no such connection")


def again(house: House, sender: str, recipient: str, content: bytes) -> None:
    """Bring a letter until it is taken, as every mail system does."""

    def taken() -> bool:
        with contextlib.suppress(smtplib.SMTPException, OSError), stranger(house) as client:
            return client.sendmail(sender, [recipient], content) == {}
        return False

    eventually(taken)


def test_a_worker_dies_before_the_subscription_has_ended(own_house: House) -> None:
    own_house.start()
    way = way_out(own_house, "ann@example.net", "dies-before")
    content = letter(way, "ann@example.net")
    with held(own_house.state / "store.sqlite"):
        killed_meanwhile(own_house, "ann@example.net", way.mailbox, content)
    assert refusal(own_house, "ann@example.net").startswith(b"250 ")
    again(own_house, "ann@example.net", way.mailbox, content)
    assert GONE.search(refusal(own_house, "ann@example.net"))
    own_house.wait_until_empty()
    assert len(answers(own_house, "ann@example.net")) == 1


def test_workers_die_under_letters(own_house: House, tell: Callable[[str], None]) -> None:
    """Readers leave and people write to postmaster@, while workers are killed: each 250 holds."""
    own_house.change("^answers_per_source = .*", 'answers_per_source = "1000/h"')
    own_house.start()
    readers = [f"r{number}@example.net" for number in range(40)]
    with own_house.client() as client:
        client.sendmail(SENDER, readers, newsletter("many"))
    ways = {one.recipients[0]: way_of(one) for one in own_house.sink.copies("many", len(readers))}
    todo, done = iter(readers), threading.Condition()
    taken: list[str] = []

    def write() -> None:
        while (reader := next(todo, None)) is not None:
            way = ways[reader]
            again(own_house, reader, way.mailbox, letter(way, reader))
            again(own_house, reader, "postmaster@gateway.example", letter(way, reader))
            with done:
                taken.append(reader)
                done.notify_all()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for count in (10, 20, 30):
        with done:
            assert done.wait_for(lambda count=count: len(taken) >= count, PATIENCE)
        os.kill(min(own_house.workers()), signal.SIGKILL)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    own_house.sink.wait_for(lambda _: forwarded(own_house) >= set(readers))
    own_house.wait_until_empty()
    with own_house.client() as client:
        client.mail(SENDER)
        assert [reader for reader in readers if not GONE.search(client.rcpt(reader)[1])] == []
    # One that was on the wire when its worker died comes twice, as the same message.
    told = Counter(
        (one.recipients[0], one.message["Message-ID"])
        for one in own_house.sink.received
        if not one.sender and one.recipients[0] in ways
    )
    assert set(Counter(reader for reader, _ in told).values()) == {1}
    # A worker has one letter of each session in its hands, and may end a subscription and not come to say so.
    assert len(told) >= len(readers) - 3 * len(threads)
    tell(
        f"kill -9 of three workers: {len(taken)} readers and as many letters to postmaster@ were answered 250; "
        f"all left, {len(told)} were told so, {len(forwarded(own_house))} letters reached the operator"
    )


def forwarded(house: House) -> set[str]:
    """Whose letters to postmaster@ have reached the operator."""
    return {one.message["Reply-To"] for one in answers(house, "ops@operator.example")}
