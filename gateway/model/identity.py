"""Names for submissions: sortable by time, unguessable, safe to say on a telephone.

A ULID: 48 bits of milliseconds and 80 bits of randomness in Crockford's base 32, 26 characters.
"""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
LENGTH = 26
# To the digits of Python's base 32; whatever is none of ours becomes what is none of Python's.
_DIGITS = bytes(
    [
        b"0123456789abcdefghijklmnopqrstuv"[_ALPHABET.index(chr(one))] if chr(one) in _ALPHABET else ord("?")
        for one in range(256)
    ]
)


def new_id(now: float, entropy: bytes) -> str:
    """Return the id for a time (seconds since the epoch) and ten random octets."""
    return _text((int(now * 1000) << 80) | int.from_bytes(entropy[:10], "big"))


def name_of(sixteen: bytes) -> str:
    """Return the id whose octets these are: the inverse of ``octets``."""
    return _text(int.from_bytes(sixteen, "big"))


def _text(number: int) -> str:
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def octets(identity: str) -> bytes:
    """Return the id's 16 octets; raise ValueError where it is none."""
    if len(identity) != LENGTH:
        raise ValueError(f"an id has {LENGTH} characters")
    number = int(identity.encode("ascii").translate(_DIGITS), 32)
    return (number & (1 << 128) - 1).to_bytes(16, "big")


def split_delivery_id(text: str) -> tuple[str, int | None]:
    """Return the submission's id and the delivery's number (None: all of them); raise ValueError."""
    submission, dot, number = text.partition(".")
    octets(submission.upper())
    return submission.upper(), int(number) if dot else None
