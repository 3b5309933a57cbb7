"""A splice: one edit of raw bytes, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Splice:
    """Replace ``raw[start:end]`` with ``new``; an insertion has ``start == end``. Offsets in octets."""

    start: int
    end: int
    new: bytes
