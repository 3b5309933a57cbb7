"""Addresses go, the rest stays."""

import pytest

from gateway.model.address import Address, parse_address
from gateway.model.delivery import Recipient, Sender
from gateway.observe.redact import REDACTED, redact, redact_value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nothing to see", "nothing to see"),
        ("from john@example.com to", f"from {REDACTED} to"),
        ("<john@example.com>", f"<{REDACTED}>"),
        ("a@b.c,d@e.f", f"{REDACTED},{REDACTED}"),
        ('"john doe"@example.com', REDACTED),
        (r"\"john doe\"@example.com", f"\\{REDACTED}"),
        ('said "hi" to j@example.com', f'said "hi" to {REDACTED}'),
        ('the "j\\"d"@example.com, too', f"the {REDACTED}, too"),
        ("j@[127.0.0.1] away", f"{REDACTED} away"),
        ("jos\u00e9@\u4f8b\u3048.jp", REDACTED),
        ("https://x.example/u?to=john%40example.com", REDACTED),
        ("ORCPT=rfc822;john+40example.com", REDACTED),
        ("john&#64;example.com", REDACTED),
        ("john\uff20example.com", REDACTED),
        ("status=404 size=40", "status=404 size=40"),
        ("call +40 721", "call +40 721"),
        ("a @ b", "a @ b"),
        ("@decorated", "@decorated"),
        ("mailto:john@example.com?subject=x", f"mailto:{REDACTED}?subject=x"),
        ("postgresql://user:secret@db/name", f"postgresql://user:{REDACTED}/name"),
    ],
)
def test_text(text: str, wanted: str) -> None:
    assert redact(text) == wanted


def test_values_of_the_house_are_redacted() -> None:
    john = parse_address("john.doe@example.com")
    assert redact_value(john) == REDACTED
    for value in (Recipient(john), Sender(john), [Sender(john)], {"to": {"x": (Recipient(john),)}}):
        assert "john.doe" not in str(redact_value(value))


def test_a_quoted_at_sign_in_a_repr() -> None:
    shown = str(redact_value(Recipient(Address('"john doe@home"', "example.com"))))
    assert "john" not in shown


def test_keys_octets_and_exceptions() -> None:
    assert redact_value({"a@b.c": b"x@y.z", "e": ValueError("bad p@q.r")}) == {
        REDACTED: REDACTED,
        "e": f"bad {REDACTED}",
    }
    assert "jos" not in str(redact_value(b"jos\xe9@example.com"))
    assert "jos" not in redact(repr(b"jos\xc3\xa9@example.com"))


def test_scalars_stay() -> None:
    assert redact_value({"n": 1, "f": 0.5, "b": True, "none": None}) == {
        "n": 1,
        "f": 0.5,
        "b": True,
        "none": None,
    }
    assert redact_value(float("inf")) == "inf"


class Strange:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class StrangeMapping(dict[str, str]):
    def items(self):  # type: ignore[no-untyped-def]
        raise RuntimeError("no")


def test_objects_that_raise_are_named_unprintable() -> None:
    assert redact_value([Strange(), StrangeMapping()]) == ["[unprintable]", "[unprintable]"]


def test_what_refers_to_itself_ends() -> None:
    ring: list[object] = ["john@example.com"]
    ring.append(ring)
    assert "john" not in str(redact_value(ring))


def test_a_long_text_is_cut_without_half_an_address() -> None:
    text = "x " * 9_995 + '"john doe and more"@example.com ' * 500
    shown = str(redact_value(text))
    assert shown.endswith(" [cut]")
    assert "john" not in shown


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", ["a", '"', '\\"', "@", "a@", "%40", "+40", "a.", "\\", "Address(local='", "'"]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    redact(piece * 20_000 + "@")
    redact(piece * 20_000 + " %40")
