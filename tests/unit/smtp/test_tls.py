"""TLS contexts, and both ways into TLS under both event loops."""

import asyncio
import ssl
import subprocess
from collections.abc import Coroutine
from pathlib import Path

import pytest
import uvloop
from submission_world import World, make_certificate, serve, talk, trusting

from gateway.settings.schema import TlsSection
from gateway.smtp.tls import TlsUnusable, server_context

LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def run(loop, work: Coroutine[object, object, None]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


def test_no_certificate_no_tls() -> None:
    assert server_context(TlsSection()) is None


def test_tls_1_2_at_least(tmp_path: Path) -> None:
    context = server_context(make_certificate(tmp_path))
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_key_that_is_in_the_certificate_file(tmp_path: Path) -> None:
    section = make_certificate(tmp_path)
    assert section.certificate is not None
    assert section.key is not None
    both = tmp_path / "both.pem"
    both.write_bytes(section.certificate.read_bytes() + section.key.read_bytes())
    assert server_context(TlsSection(certificate=both)) is not None


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    section = make_certificate(tmp_path)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    other = tmp_path / "other"
    other.mkdir()
    for certificate, key in (
        (tmp_path / "absent.pem", section.key),
        (section.certificate, nonsense),
        (nonsense, section.key),
        (section.certificate, make_certificate(other).key),
    ):
        with pytest.raises(TlsUnusable, match=r"\.pem with "):
            server_context(TlsSection(certificate=certificate, key=key))


@LOOPS
def test_starttls(loop, tls: ssl.SSLContext) -> None:
    async def work() -> None:
        world = World.make(tls)
        async with serve(world, auth_without_tls=False) as service, talk(service.port) as client:
            await client.line()
            assert "STARTTLS" in await client.ask("EHLO client.example")
            assert (await client.ask("STARTTLS")).startswith("220 ")
            await client.encrypt()
            assert "AUTH PLAIN LOGIN" in await client.ask("EHLO client.example")
            assert (await client.ask("AUTH PLAIN AHNob3AAb3BlbiBzZXNhbWU=")).startswith("235 ")
            content = b"Subject: x\r\n\r\n" + b"y" * 70_000 + b"\r\n"
            assert (await client.deliver(content + b".\r\n")).startswith("250 2.6.0")
            assert (await client.ask("QUIT")).startswith("221 ")
            assert await client.ended()
        assert world.intake.finished[0][1] == content
        assert world.intake.begun[0].client.protocol == "ESMTPSA"

    run(loop, work())


@LOOPS
def test_implicit_tls(loop, tls: ssl.SSLContext) -> None:
    async def work() -> None:
        world = World.make(tls)
        async with (
            serve(world, tls="implicit", auth_without_tls=False) as service,
            talk(service.port, trusting()) as client,
        ):
            assert "STARTTLS" not in await client.hello()
            assert (await client.deliver(b"x\r\n.\r\n")).startswith("250 2.6.0")
            assert (await client.ask("STARTTLS")).startswith("503 ")
            assert (await client.ask("QUIT")).startswith("221 ")
            assert await client.ended()
        assert world.intake.begun[0].client.protocol == "ESMTPSA"

    run(loop, work())


@LOOPS
def test_what_is_no_handshake_is_counted(loop, tls: ssl.SSLContext) -> None:
    async def work() -> None:
        world = World.make(tls)
        async with serve(world, tls="implicit") as service, talk(service.port) as client:
            client.send(b"EHLO client.example\r\n" * 20)
            assert b"220" not in await client.reader.read()
        assert world.meter.value("tls_handshake_failures_total", service="submission") == 1

    run(loop, work())


@LOOPS
def test_plaintext_behind_the_220_is_no_command(loop, tls: ssl.SSLContext) -> None:
    async def work() -> None:
        world = World.make(tls)
        async with serve(world) as service, talk(service.port) as client:
            await client.line()
            client.send(b"STARTTLS\r\n")
            assert (await client.line()).startswith("220 ")
            client.send(b"NOOP\r\n")
            assert b"250" not in await client.reader.read()

    run(loop, work())


async def test_implicit_tls_without_a_certificate_serves_nobody() -> None:
    world = World.make()
    async with serve(world, tls="implicit") as service, talk(service.port) as client:
        assert await client.ended()
    assert world.meter.value("connections_denied_total", reason="no certificate") == 1


async def test_a_new_certificate_serves_the_next_connection(tls: ssl.SSLContext, tmp_path: Path) -> None:
    world = World.make(tls)

    async def certificate(port: int) -> bytes | None:
        async with talk(port, trusting()) as client:
            await client.line()
            shown: bytes | None = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return shown

    async with serve(world, tls="implicit") as service:
        before = await certificate(service.port)
        world.reload(tls=server_context(make_certificate(tmp_path)))
        assert await certificate(service.port) != before


async def test_tls_1_1_is_refused(tls: ssl.SSLContext) -> None:
    """Asked of openssl, because Python's own client would need a deprecated option for it."""
    world = World.make(tls)
    async with serve(world, tls="implicit") as service:
        command = ["openssl", "s_client", "-tls1_1", "-connect", f"127.0.0.1:{service.port}"]
        done = await asyncio.to_thread(
            subprocess.run, command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert done.returncode != 0
