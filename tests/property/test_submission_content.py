"""The readers of content: chopping changes nothing, and nothing bare comes out."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.mime.newlines import has_bare_newline
from gateway.model.reply import Reply
from gateway.smtp.content import ChunkReader, DotReader, repair_newlines

ROOM = (1 << 30).__ge__  # for that many octets

# The octets that matter, so that sequences such as CRLF.CR come up often.
_WIRE = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\r\n.\r\n", b"\0", b"xyz"]), max_size=40
).map(b"".join)
_CUTS = st.lists(st.integers(min_value=1, max_value=7), min_size=1, max_size=60)


def _pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in cuts:
        pieces.append(octets[at : at + size])
        at += size
    return [*pieces, octets[at:]]


def _read(pieces: list[bytes], limit: int) -> tuple[bool, object, bytes]:
    reader, buffer = DotReader(limit, ROOM), bytearray()
    for number, piece in enumerate(pieces):
        buffer += piece
        if reader.take(buffer):
            return True, reader.content("rewrite"), bytes(buffer) + b"".join(pieces[number + 1 :])
    return False, None, bytes(buffer)


@given(_WIRE, _CUTS, st.integers(min_value=1, max_value=60))
def test_whole_or_in_pieces_is_the_same(wire: bytes, cuts: list[int], limit: int) -> None:
    wire += b"\r\n.\r\nNOOP\r\n"
    assert _read([wire], limit) == _read(_pieces(wire, cuts), limit)


@given(_WIRE, _CUTS)
def test_what_comes_out_has_no_bare_newline_and_no_nul(wire: bytes, cuts: list[int]) -> None:
    ended, content, _ = _read(_pieces(wire + b"\r\n.\r\n", cuts), 10_000)
    assert ended
    if not isinstance(content, Reply):
        assert not has_bare_newline(content)
        assert b"\0" not in content


@given(st.binary(max_size=200), _CUTS)
def test_what_a_client_stuffs_comes_out_as_it_was(octets: bytes, cuts: list[int]) -> None:
    message = repair_newlines(octets.replace(b"\0", b"")) + b"\r\n"
    stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    assert _read(_pieces(stuffed, cuts), 10_000) == (True, message, b"")


@given(_WIRE, _CUTS, _CUTS)
def test_chunks_are_the_same_however_they_are_cut(wire: bytes, sizes: list[int], cuts: list[int]) -> None:
    def read(chunks: list[bytes], feed: list[int]) -> object:
        reader = ChunkReader(10_000, ROOM)
        for chunk in chunks:
            reader.expect(len(chunk))
            buffer = bytearray()
            assert [reader.take(buffer.__iadd__(piece)) for piece in _pieces(chunk, feed)][-1]
            assert not buffer
        return reader.content("rewrite")

    assert read([wire], [len(wire) or 1]) == read(_pieces(wire, sizes), cuts)
