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
    return _text(int(now * 1000), int.from_bytes(entropy[:5], "big"), int.from_bytes(entropy[5:10], "big"))


def name_of(sixteen: bytes) -> str:
    """Return the id whose octets these are: the inverse of ``octets``."""
    ends = (sixteen[:6], sixteen[6:11], sixteen[11:])
    return _text(*[int.from_bytes(octets, "big") for octets in ends])


def _text(time: int, high: int, low: int) -> str:
    """Return 48, 40 and 40 bits as text; one expression, because each message has three ids."""
    return (
        f"{_PAIRS[(time >> 40) & 255]}{_PAIRS[(time >> 30) & 1023]}{_PAIRS[(time >> 20) & 1023]}"
        f"{_PAIRS[(time >> 10) & 1023]}{_PAIRS[time & 1023]}"
        f"{_PAIRS[high >> 30]}{_PAIRS[(high >> 20) & 1023]}{_PAIRS[(high >> 10) & 1023]}{_PAIRS[high & 1023]}"
        f"{_PAIRS[low >> 30]}{_PAIRS[(low >> 20) & 1023]}{_PAIRS[(low >> 10) & 1023]}{_PAIRS[low & 1023]}"
    )


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
