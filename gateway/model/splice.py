"""A splice: one edit of raw bytes, as data."""

from typing import NamedTuple


class Splice(NamedTuple):
    """Replace ``raw[start:end]`` with ``new``; an insertion has ``start == end``. Offsets in octets.

    A named tuple, because a copy has several and each message is scanned and spliced anew: it is built in a
    third of the time of a frozen dataclass.
    """

    start: int
    end: int
    new: bytes
