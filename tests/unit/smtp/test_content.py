"""What ends a content, and what comes out of it."""

import pytest

from gateway.mime.newlines import has_bare_newline
from gateway.model import reply
from gateway.observe.memory import MemoryMeter
from gateway.smtp.content import ChunkReader, DotReader, repair_newlines
from gateway.smtp.contents import Contents

ROOM = (1 << 30).__ge__  # for that many octets


def read(wire: bytes, limit: int = 1000, bare_newlines: str = "rewrite"):
    """Feed all at once; return whether it ended, what came out and what was left."""
    reader, buffer = DotReader(limit, ROOM), bytearray(wire)
    ended = reader.take(buffer)
    return ended, reader.content(bare_newlines) if ended else None, bytes(buffer)


@pytest.mark.parametrize(
    ("wire", "content", "left"),
    [
        (b".\r\n", b"", b""),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b"..a\r\n.b\r\nc.\r\n.\r\n", b".a\r\nb\r\nc.\r\n", b""),
        (b"a\r\n..\r\n...\r\n.\r\n", b"a\r\n.\r\n..\r\n", b""),
    ],
)
def test_dots(wire: bytes, content: bytes, left: bytes) -> None:
    assert read(wire) == (True, content, left)


@pytest.mark.parametrize(
    "almost",
    [
        b"\n.\n",
        b"\r\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r\n.\r",
        b"\r.\r\n",
        b"\r\n.\r\r\n",
        b"\r\n\0.\r\n",
        b"\r\n. \r\n",
    ],
)
def test_only_crlf_dot_crlf_ends_it(almost: bytes) -> None:
    """SMTP smuggling: what another server might take for the end is content here, and made harmless."""
    ended, content, left = read(b"a" + almost + b"MAIL FROM:<x@y>\r\n.\r\n")
    assert ended
    assert left == b""
    if b"\0" in almost:
        assert content is reply.HAS_NUL
        return
    assert isinstance(content, bytes)
    assert b"MAIL FROM:<x@y>\r\n" in content
    assert not has_bare_newline(content)


def test_a_client_that_stuffs_dots_after_a_bare_lf_gets_its_dot_back() -> None:
    assert read(b"a\n..b\r\n.\r\n")[1] == b"a\r\n.b\r\n"


def test_bare_newlines_can_be_refused() -> None:
    for bare in (b"a\nb", b"a\rb", b"\n", b"\r\r\n", b"\n\r\n"):
        assert read(bare + b"\r\n.\r\n", bare_newlines="refuse")[1] is reply.BARE_NEWLINE
    assert read(b"a\r\n.\r\n", bare_newlines="refuse")[1] == b"a\r\n"


@pytest.mark.parametrize(
    ("octets", "repaired"),
    [(b"a\nb\rc\r\nd\r\r\n\n", b"a\r\nb c\r\nd \r\n\r\n"), (b"\n\r", b"\r\n "), (b"", b"")],
)
def test_repair(octets: bytes, repaired: bytes) -> None:
    assert has_bare_newline(octets) is (octets != repaired)
    assert repair_newlines(octets) == repaired


@pytest.mark.parametrize("size", [1, 200_000, 2_000_000])
def test_bare_newlines_are_found_in_small_and_large(size: int) -> None:
    filler = b"x" * 70 + b"\r\n"
    for octets, bare in ((b"", False), (b"\n", True), (b"\r", True), (b"\r\r\n", True), (b"\ra\n", True)):
        assert has_bare_newline(octets + filler * (size // 72)) is bare


def test_exactly_the_limit_is_taken_dots_not_counted() -> None:
    content = b".\r\n" * 300
    stuffed = content.replace(b".", b"..") + b".\r\n"
    assert read(stuffed, limit=900)[1] == content
    assert read(stuffed, limit=899)[1] == reply.TOO_BIG.fill(limit=899)


def test_an_oversized_content_is_read_to_its_end_and_not_kept() -> None:
    reader, buffer = DotReader(100, ROOM), bytearray()
    for _ in range(1000):
        buffer += b"x" * 998 + b"\r\n"
        assert not reader.take(buffer)
        assert len(reader._raw) < 1300
    buffer += b".\r\nNOOP\r\n"
    assert reader.take(buffer)
    assert bytes(buffer) == b"NOOP\r\n"
    assert reader.content("rewrite") == reply.TOO_BIG.fill(limit=100)


def test_a_repair_may_not_grow_past_the_limit() -> None:
    assert read(b"\n" * 60 + b"\r\n.\r\n", limit=100)[1] == reply.TOO_BIG.fill(limit=100)


def test_chunks_are_put_together() -> None:
    reader = ChunkReader(100, ROOM)
    for chunk in (b"a\r", b"\nb\r\n", b"", b".\r\nc"):
        reader.expect(len(chunk))
        buffer = bytearray(chunk + b"BDAT")
        assert reader.take(buffer)
        assert bytes(buffer) == b"BDAT"
    assert reader.content("rewrite") == b"a\r\nb\r\n.\r\nc\r\n"


def test_chunks_over_the_limit_are_thrown_away() -> None:
    reader, buffer = ChunkReader(10, ROOM), bytearray(b"x" * 8)
    reader.expect(8)
    assert reader.take(buffer)
    assert reader.refusal is None
    reader.expect(3)
    assert reader.refusal == reply.TOO_BIG.fill(limit=10)
    assert not reader.take(bytearray(b"x"))
    assert reader.take(bytearray(b"xx"))


def test_chunks_are_checked_like_any_content() -> None:
    for octets, wanted in (
        (b"a\0\r\n", reply.HAS_NUL),
        (b"a\nb", b"a\r\nb\r\n"),
        (b"abc\n\n\n\n\n\n", reply.TOO_BIG.fill(limit=10)),
    ):
        reader = ChunkReader(10, ROOM)
        reader.expect(len(octets))
        reader.take(bytearray(octets))
        assert reader.content("rewrite") == wanted
    reader = ChunkReader(10, ROOM)
    reader.expect(3)
    reader.take(bytearray(b"a\nb"))
    assert reader.content("refuse") is reply.BARE_NEWLINE


def test_a_content_that_finds_no_room_is_read_to_its_end_and_not_kept() -> None:
    contents = Contents(lambda: 150, MemoryMeter())
    first, second = contents.share(), contents.share()
    assert first.grow_to(100)
    reader, buffer = DotReader(1000, second.grow_to), bytearray(b"x" * 40)
    assert not reader.take(buffer)
    assert contents.octets == 142  # with the CRLF before the content
    for _ in range(50):
        buffer += b"y" * 40
        assert not reader.take(buffer)
        assert len(reader._raw) < 50
        assert contents.octets == 100
    first.give_back()  # room that comes too late: the content has a hole
    buffer += b"\r\n.\r\nNOOP\r\n"
    assert reader.take(buffer)
    assert bytes(buffer) == b"NOOP\r\n"
    assert reader.content("rewrite") is reply.CONTENTS_FULL
    assert contents.octets == 0


def test_a_content_that_grows_too_large_gives_its_room_back_at_once() -> None:
    contents = Contents(lambda: 10_000, MemoryMeter())
    reader = DotReader(100, contents.share().grow_to)
    assert not reader.take(bytearray(b"x" * 200))
    assert contents.octets == 0


def test_chunks_that_find_no_room_are_thrown_away() -> None:
    meter = MemoryMeter()
    contents = Contents(lambda: 10, meter)
    reader = ChunkReader(100, contents.share().grow_to)
    reader.expect(30)
    assert not reader.take(bytearray(b"x" * 10))
    assert contents.octets == 10
    assert not reader.take(bytearray(b"x" * 10))
    assert (contents.octets, reader.refusal) == (0, reply.CONTENTS_FULL)
    assert reader.take(bytearray(b"x" * 10))
    assert (contents.octets, reader.refusal) == (0, reply.CONTENTS_FULL)
    assert meter.value("contents_denied_total", step="content") == 1
