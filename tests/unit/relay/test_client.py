import asyncio
from types import SimpleNamespace

import pytest
import uvloop

from gateway.model.address import parse_address
from gateway.model.delivery import Notify, Recipient, Sender
from gateway.ports import HopBroken, HopUnreachable
from gateway.relay.client import Connection, Patience, Stale, UnfitContent, dial
from gateway.relay.target import Target
from gateway.settings.files import Disk
from gateway.settings.schema import SmarthostSection

PATIENCE = Patience(5, 5, 5)
SHORT = Patience(0.2, 0.2, 0.2)


async def connect(hop, patience=PATIENCE, **what) -> Connection:
    section = SmarthostSection(**({"host": "127.0.0.1", "port": hop.port, "tls": "none"} | what))
    return await dial(Target(section, Disk()), "gateway.example", patience)


async def test_a_copy_goes_out_in_two_writes(hop, mail):
    connection = await connect(hop)
    reply = await connection.send(mail.copy())
    assert (reply.code, reply.enhanced, reply.text) == (250, "2.0.0", "taken")
    assert (reply.command, reply.host, reply.dsn) == ("end of data", f"127.0.0.1:{hop.port}", True)
    [taken] = hop.taken
    assert taken.content == mail.CONTENT
    assert taken.mail == f"MAIL FROM:<sender@example.com> SIZE={len(mail.CONTENT)}"
    assert taken.rcpt == "RCPT TO:<friend@example.net>"
    assert hop.heard[0] == "EHLO gateway.example"
    connection.close()


async def test_many_copies_on_one_connection(hop, mail):
    connection = await connect(hop)
    for _ in range(20):
        assert (await connection.send(mail.copy())).code == 250
    assert (hop.sessions, len(hop.taken), connection.sent) == (1, 20, 20)
    connection.close()


async def test_without_pipelining_each_command_waits(make_hop, mail):
    hop = await make_hop(offers=())
    connection = await connect(hop)
    for _ in range(2):
        assert (await connection.send(mail.copy())).code == 250
    assert hop.taken[1].mail == "MAIL FROM:<sender@example.com>"
    connection.close()


async def test_a_hop_that_knows_helo_only(make_hop, mail):
    hop = await make_hop(says={"EHLO": ["502 5.5.1 what?"]})
    connection = await connect(hop)
    assert hop.heard == ["EHLO gateway.example", "HELO gateway.example"]
    assert (await connection.send(mail.copy())).code == 250
    connection.close()


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize(
    ("says", "decided"),
    [
        ({"MAIL": ["451 4.7.1 slow down", "250 ok"]}, ("MAIL", 451)),
        ({"MAIL": ["550 5.1.8 no", "250 ok"], "DATA": ["354 odd"]}, ("MAIL", 550)),
        ({"RCPT": ["550 5.1.1 who?", "250 ok"]}, ("RCPT", 550)),
        ({"RCPT": ["550 5.1.1 who?", "250 ok"], "DATA": ["354 odd"]}, ("RCPT", 550)),
        ({"DATA": ["451 4.3.0 not now", "354 go"]}, ("DATA", 451)),
        ({"CONTENT": ["554 5.7.1 spam", "250 ok"]}, ("end of data", 554)),
    ],
)
async def test_the_connection_lives_on_after_a_refusal(make_hop, mail, offers, says, decided):
    command, code = decided
    hop = await make_hop(offers=offers, says={key: list(lines) for key, lines in says.items()})
    connection = await connect(hop)
    reply = await connection.send(mail.copy())
    assert (reply.code, reply.command) == (code, command)
    assert connection.usable
    reply = await connection.send(mail.copy(b"Subject: second\r\n\r\nbody\r\n"))
    assert (reply.code, reply.command) == (250, "end of data")
    assert hop.taken[-1].content == b"Subject: second\r\n\r\nbody\r\n"
    connection.close()


async def test_354_after_a_refused_recipient_gets_a_lone_dot(make_hop, mail):
    hop = await make_hop(says={"RCPT": ["550 5.1.1 who?"], "DATA": ["354 go"]})
    connection = await connect(hop)
    assert (await connection.send(mail.copy())).code == 550
    assert hop.taken[0].content == b""
    assert "RSET" not in hop.heard
    connection.close()


async def test_a_transaction_left_open_is_reset_in_the_next_write(make_hop, mail):
    hop = await make_hop(says={"RCPT": ["550 5.1.1 who?", "250 ok"], "DATA": ["503 5.5.1 no", "354 go"]})
    connection = await connect(hop)
    await connection.send(mail.copy())
    await connection.send(mail.copy())
    assert hop.heard[4:6] == ["RSET", f"MAIL FROM:<sender@example.com> SIZE={len(mail.CONTENT)}"]
    connection.close()


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize("rset", ["502 5.5.1 what?", "close", "421 4.3.2 bye"])
async def test_a_hop_that_refuses_rset_is_left(make_hop, mail, offers, rset):
    hop = await make_hop(offers=offers, says={"RCPT": ["550 5.1.1 who?", "250 ok"], "RSET": [rset]})
    connection = await connect(hop)
    await connection.send(mail.copy())
    if rset.startswith("421"):
        assert (await connection.send(mail.copy())).code == 421
    else:
        with pytest.raises(Stale):
            await connection.send(mail.copy())
    assert not connection.usable
    assert hop.taken == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "said", ["close", b"gibberish\r\n", b"99 no\r\n", "250-" + "x" * 9000, b"250-a\r\n" * 6000, "399 odd"]
)
async def test_nonsense_before_the_content_leaves_the_copy_unsent(make_hop, mail, command, said):
    hop = await make_hop(says={command: [said]})
    connection = await connect(hop)
    with pytest.raises(Stale):
        await connection.send(mail.copy())
    assert not connection.usable
    assert hop.taken == []


@pytest.mark.parametrize("said", ["close", b"gibberish\r\n", "354 more", b"250-" + b"x" * 40000])
async def test_nonsense_after_the_content_is_a_broken_hop(make_hop, mail, said):
    hop = await make_hop(says={"CONTENT": [said]})
    connection = await connect(hop)
    with pytest.raises(HopBroken) as caught:
        await connection.send(mail.copy())
    assert not isinstance(caught.value, Stale)
    assert not connection.usable


async def test_silence_has_an_end(make_hop, mail):
    hop = await make_hop(says={"MAIL": [mail.HANG]})
    connection = await connect(hop, SHORT)
    with pytest.raises(Stale, match="no reply in"):
        await connection.send(mail.copy())
    late = await make_hop(says={"CONTENT": [mail.HANG]})
    connection = await connect(late, SHORT)
    with pytest.raises(HopBroken, match="no reply"):
        await connection.send(mail.copy())


async def test_a_reply_before_a_close_still_counts(make_hop, mail):
    hop = await make_hop(offers=(), says={"MAIL": ["421 4.3.2 bye"]})
    connection = await connect(hop)
    reply = await connection.send(mail.copy())
    assert (reply.code, reply.command, reply.text) == (421, "MAIL", "bye")
    assert not connection.usable


async def test_421_ends_the_wait_for_the_other_replies(make_hop, mail):
    hop = await make_hop(says={"RCPT": ["421 4.7.0 enough"]})
    connection = await connect(hop)
    reply = await connection.send(mail.copy())
    assert (reply.code, reply.command) == (421, "RCPT")
    assert not connection.usable


async def test_an_idle_connection_that_is_closed_or_speaks_is_noticed(make_hop, mail):
    for act in ("drop", "speak"):
        hop = await make_hop()
        connection = await connect(hop)
        await connection.send(mail.copy())
        dialogue = connection._dialogue
        gone = asyncio.Event()
        lost = dialogue.connection_lost
        dialogue.connection_lost = lambda exc, gone=gone, lost=lost: (lost(exc), gone.set())
        if act == "drop":
            hop.drop_sessions()
        else:
            await hop.speak(b"250 surprise\r\n")
        await asyncio.wait_for(gone.wait(), 5)
        assert not connection.usable


async def test_a_connection_left_in_the_middle_is_dead(make_hop, mail):
    hop = await make_hop(says={"CONTENT": [mail.HANG]})
    connection = await connect(hop)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(connection.send(mail.copy()))
        await hop.until(lambda: "CONTENT" in hop.heard)
        task.cancel()
    assert not connection.usable


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"end\r\n.\n", b"\r", b"x\r\n\n"])
async def test_bare_line_ends_never_reach_the_wire(hop, mail, content):
    connection = await connect(hop)
    with pytest.raises(UnfitContent):
        await connection.send(mail.copy(content))
    assert hop.heard == ["EHLO gateway.example"]
    assert connection.usable
    connection.close()


@pytest.mark.parametrize(
    ("content", "arrives"),
    [
        (b".lead\r\n..two\r\n.\r\nend\r\n", b".lead\r\n..two\r\n.\r\nend\r\n"),
        (b"no end", b"no end\r\n"),
        (b"", b""),
        (b"x" * 300_000 + b"\r\n", b"x" * 300_000 + b"\r\n"),
    ],
)
async def test_dots_and_ends(make_hop, mail, content, arrives):
    hop = await make_hop()
    connection = await connect(hop)
    assert (await connection.send(mail.copy(content))).code == 250
    assert hop.taken[0].content == arrives
    connection.close()


async def test_dsn_parameters_only_where_they_are_offered(make_hop, mail):
    sender = Sender(parse_address("sender@example.com"), ret="HDRS", envid="QQ+2B1")
    recipient = Recipient(
        parse_address("friend@example.net"), frozenset({Notify.FAILURE, Notify.SUCCESS}), "rfc822;Bob@x"
    )
    copy = mail.copy(sender=sender, recipient=recipient)
    hop = await make_hop(offers=("DSN", "PIPELINING"))
    connection = await connect(hop)
    assert (await connection.send(copy)).dsn
    assert hop.taken[0].mail == "MAIL FROM:<sender@example.com> RET=HDRS ENVID=QQ+2B1"
    assert hop.taken[0].rcpt == "RCPT TO:<friend@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob@x"
    connection.close()
    plain = await make_hop(offers=("PIPELINING",))
    connection = await connect(plain)
    assert not (await connection.send(copy)).dsn
    assert (plain.taken[0].mail, plain.taken[0].rcpt) == (
        "MAIL FROM:<sender@example.com>",
        "RCPT TO:<friend@example.net>",
    )
    connection.close()


async def test_null_sender_and_8bit(hop, mail):
    connection = await connect(hop)
    content = "Subject: x\r\n\r\nfröhlich\r\n".encode()
    await connection.send(mail.copy(content, sender=Sender(None)))
    assert hop.taken[0].mail == f"MAIL FROM:<> SIZE={len(content)} BODY=8BITMIME"
    connection.close()


async def test_smtputf8_where_it_is_needed(make_hop, mail):
    hop = await make_hop()
    connection = await connect(hop)
    await connection.send(mail.copy(address="jörg@bücher.example"))
    assert hop.taken[0].mail.endswith(" SMTPUTF8")
    assert hop.taken[0].rcpt == "RCPT TO:<jörg@xn--bcher-kva.example>"
    connection.close()
    plain = await make_hop(offers=("PIPELINING",))
    connection = await connect(plain)
    refused = await connection.send(mail.copy(address="jörg@bücher.example"))
    assert (refused.code, refused.enhanced) == (553, "5.6.7")
    header = await connection.send(
        mail.copy("Subject: grüße\r\n\r\n".encode(), sender=Sender(None, smtputf8=True))
    )
    assert header.enhanced == "5.6.7"
    body_only = "Subject: x\r\n\r\nGrüße\r\n".encode()
    assert (await connection.send(mail.copy(body_only, sender=Sender(None, smtputf8=True)))).code == 250
    assert (await connection.send(mail.copy(address="anna@bücher.example"))).code == 250
    assert plain.taken[1].rcpt == "RCPT TO:<anna@xn--bcher-kva.example>"
    connection.close()


async def test_content_over_the_hops_limit_is_not_sent(make_hop, mail):
    hop = await make_hop(offers=("SIZE 20",))
    connection = await connect(hop)
    reply = await connection.send(mail.copy())
    assert (reply.code, reply.enhanced) == (552, "5.3.4")
    assert hop.heard == ["EHLO gateway.example"]
    connection.close()


@pytest.mark.parametrize(
    "says",
    [
        {"GREETING": ["554 5.3.2 no service"]},
        {"GREETING": ["close"]},
        {"GREETING": [b"\x00\xff\r\n"]},
        {"GREETING": ["hang"]},
        {"EHLO": ["close"]},
        {"EHLO": ["421 4.3.2 bye"]},
        {"EHLO": ["hang"]},
        {"EHLO": [b"250-" + b"x" * 50_000]},
    ],
)
async def test_a_session_that_does_not_come_about(make_hop, says):
    hop = await make_hop(says=says)
    with pytest.raises(HopUnreachable, match=r"^127"):
        await connect(hop, SHORT)


async def test_nobody_listens(make_hop):
    hop = await make_hop()
    await hop.stop()
    with pytest.raises(HopUnreachable, match=r"^127"):
        await connect(hop)


async def send_over_tls(make_hop, mail, certificate, **what) -> None:
    hop = await make_hop(
        offers=(*mail.ALL, "STARTTLS"), tls=certificate.context, implicit=what.get("tls") == "implicit"
    )
    connection = await connect(hop, **what)
    for content in (mail.CONTENT, b"x" * 300_000 + b"\r\n"):
        assert (await connection.send(mail.copy(content))).code == 250
    connection.close()
    assert ("STARTTLS" in hop.heard) == (what["tls"] != "implicit")
    await hop.stop()


@pytest.mark.parametrize("tls", ["opportunistic", "require", "implicit"])
async def test_tls(make_hop, mail, certificate, tls):
    await send_over_tls(make_hop, mail, certificate, tls=tls, ca_file=certificate.file)


@pytest.mark.parametrize("tls", ["none", "opportunistic", "require", "implicit"])
def test_the_same_on_uvloop(mail, certificate, tls):
    hops = []
    hop_type = type(mail.fake_hop())

    async def make_hop(**what):
        hop = hop_type(**what)
        await hop.start()
        hops.append(hop)
        return hop

    async def all_of_it() -> None:
        if tls == "none":
            hop = await make_hop()
            connection = await connect(hop)
            for _ in range(3):
                assert (await connection.send(mail.copy())).code == 250
            connection.close()
            await hop.stop()
        else:
            await send_over_tls(make_hop, mail, certificate, tls=tls, ca_file=certificate.file)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_it())


async def test_an_unknown_certificate_is_taken_only_where_nobody_looks(make_hop, mail, certificate):
    hop = await make_hop(offers=("STARTTLS",), tls=certificate.context)
    with pytest.raises(HopUnreachable, match="TLS failed"):
        await connect(hop, tls="require")
    (await connect(hop, tls="require", verify=False)).close()
    (await connect(hop, tls="opportunistic")).close()


async def test_starttls_that_fails(make_hop, mail):
    hop = await make_hop(offers=(*mail.ALL, "STARTTLS"), says={"STARTTLS": ["454 4.7.0 not now"]})
    with pytest.raises(HopUnreachable, match="TLS failed"):
        await connect(hop, tls="require")
    connection = await connect(hop, tls="opportunistic")
    assert (await connection.send(mail.copy())).code == 250
    connection.close()


async def test_starttls_that_breaks_in_the_handshake(make_hop, mail):
    hop = await make_hop(offers=(*mail.ALL, "STARTTLS"), says={"STARTTLS": [b"220 go\r\n not tls at all"]})
    connection = await connect(hop, SHORT, tls="opportunistic")
    assert (await connection.send(mail.copy())).code == 250
    connection.close()


async def test_starttls_that_is_not_offered(make_hop, mail):
    hop = await make_hop()
    with pytest.raises(HopUnreachable, match="STARTTLS is not offered"):
        await connect(hop, tls="require")
    (await connect(hop, tls="opportunistic")).close()


@pytest.fixture
def password(tmp_path) -> dict[str, object]:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    return {"username": "gateway", "password_file": file}


async def test_auth(make_hop, mail, password):
    hop = await make_hop(offers=("AUTH PLAIN", "PIPELINING"))
    connection = await connect(hop, **password)
    assert "AUTH PLAIN AGdhdGV3YXkAczNjcmV0" in hop.heard
    assert (await connection.send(mail.copy())).code == 250
    connection.close()


async def test_auth_that_fails(make_hop, password):
    hop = await make_hop(offers=("AUTH PLAIN",), says={"AUTH": ["535 5.7.8 wrong"]})
    with pytest.raises(HopUnreachable, match="535"):
        await connect(hop, **password)
    silent = await make_hop(offers=())
    with pytest.raises(HopUnreachable, match="AUTH"):
        await connect(silent, **password)


async def test_credentials_do_not_go_out_in_the_clear_by_accident(make_hop, password):
    hop = await make_hop(offers=("AUTH PLAIN",))
    with pytest.raises(HopUnreachable, match="credentials need TLS"):
        await connect(hop, tls="opportunistic", **password)
    failing = await make_hop(offers=("AUTH PLAIN", "STARTTLS"), says={"STARTTLS": ["454 no"]})
    with pytest.raises(HopUnreachable, match="TLS failed"):
        await connect(failing, tls="opportunistic", **password)
    assert not any(line.startswith("AUTH") for line in hop.heard + failing.heard)


async def test_an_answer_before_the_end_of_data(mail):
    """A hop that refuses while it still gets the content is heard, and the connection is not used again."""
    asked = asyncio.Event()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hop\r\n")
        await reader.readline()
        writer.write(b"250-hop\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await reader.read(100)
        writer.write(b"552 5.3.4 too much\r\n")
        await asked.wait()
        writer.transport.abort()

    server = await asyncio.start_server(session, "127.0.0.1", 0)
    connection = await connect(SimpleNamespace(port=server.sockets[0].getsockname()[1]))
    reply = await connection.send(mail.copy(b"x" * 20_000_000 + b"\r\n"))
    assert (reply.code, reply.command) == (552, "end of data")
    assert not connection.usable
    asked.set()
    server.close()
    await server.wait_closed()
