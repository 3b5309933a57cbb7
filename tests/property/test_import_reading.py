"""Any octets give rows and faults, the same however they are cut and wherever reading was broken off."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.imports.lines import LONGEST
from gateway.imports.reading import Fault, Form, Kind, Reader, UnreadableFile

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\n", b"\r\n", b",", b";", b'"', b'""', b"a@b.example", b"email", b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
             b"{", b"}", b'{"email":"a@b.example"}', b"\xe4", b"x" * 70_000]
        ),
        st.binary(max_size=6),
    ),
    max_size=40,
).map(b"".join)  # fmt: skip
FORMS = st.sampled_from([Form(), Form(Kind.NDJSON), Form(encoding="latin-1"), Form(address="1", at="1")])


def _read(chunks, form, after=None):
    try:
        return list(Reader(chunks, form, after))
    except UnreadableFile as error:
        return str(error)


def _cut(octets, size):
    return [octets[start : start + size] for start in range(0, len(octets), size)]


@given(PIECES, FORMS, st.integers(1, 100_000))
def test_any_octets_give_rows_and_faults(octets, form, size):
    found = _read([octets], form)
    assert _read(_cut(octets, max(size, len(octets) // 500 + 1)), form) == found
    if isinstance(found, str):
        return
    numbers = [one.line for one in found]
    assert numbers == sorted(set(numbers))
    assert all(0 < number <= octets.count(b"\n") + 1 or b"\x00" in octets for number in numbers)
    for one in found:
        text = one.reason if isinstance(one, Fault) else one.address + one.at + one.ip + one.source
        assert "\0" not in text
        assert len(text) <= 4 * (LONGEST + 1)


@given(PIECES, FORMS, st.integers(0, 50))
def test_reading_goes_on_where_it_stood(octets, form, stop):
    whole = _read([octets], form)
    if isinstance(whole, str):
        return
    reader = Reader([octets], form)
    items = iter(reader)
    taken = [item for item, _ in zip(items, range(stop), strict=False)]
    rest = _read([octets], form, reader.place if taken else None)
    assert not isinstance(rest, str)
    assert whole[: len(taken)] == taken
    # An item that was read and not kept is read again.
    assert rest in (whole[len(taken) :], whole[len(taken) + 1 :])
