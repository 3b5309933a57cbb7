"""Splices put into raw bytes: the only way in which a message is ever changed.

What it promises: octets that no splice names come out as they went in; insertions at one offset keep the
order in which they were given. It takes what ``pipeline.rewrite`` gives: splices in the order of the bytes.
How it fails: splices that overlap, run backwards or leave the message raise ``SpliceConflict``; nothing is
ever applied in part.
"""

from collections.abc import Sequence

from gateway.model.splice import Splice

_VIEW_FROM = 65_536  # octets from which slices without a copy pay


class SpliceConflict(ValueError):
    """Two policies name the same octets, or one names octets that are not there."""


def check(splices: Sequence[Splice], octets: int) -> None:
    """Raise SpliceConflict where splices could not be applied to a message of that many octets."""
    at = 0
    for splice in splices:
        if not at <= splice.start <= splice.end <= octets:
            raise SpliceConflict(f"a splice of {splice.start} to {splice.end} after {at}, of {octets} octets")
        at = splice.end


def apply(raw: bytes, splices: Sequence[Splice]) -> bytes:
    """Return ``raw`` with every splice applied; raise SpliceConflict where they do not fit together."""
    source = raw if len(raw) < _VIEW_FROM else memoryview(raw)
    pieces: list[bytes | memoryview] = []
    at = 0
    for splice in splices:
        start, end = splice.start, splice.end
        if start < at or end < start:
            raise SpliceConflict(f"a splice of {start} to {end} begins before {at}, where the last one ended")
        if start > at:
            pieces.append(source[at:start])
        pieces.append(splice.new)
        at = end
    if at > len(raw):
        raise SpliceConflict(f"a splice ends at {at}, after the message's {len(raw)} octets")
    pieces.append(source[at:])
    return b"".join(pieces)
