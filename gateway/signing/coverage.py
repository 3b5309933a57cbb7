"""Which header fields a signature covers, in which order, and their octets as they are hashed.

What it promises: From: and the fields in ``SEALED`` stand in h= once more than they occur, absent or not, so
that nobody can add one; the fields in ``PRESENT`` likewise where they occur. Nothing else is covered: never
what changes on the way (Received, Return-Path, Resent-*, other signatures; RFC 6376 section 5.4.1).
List-Unsubscribe and List-Unsubscribe-Post are always covered (RFC 8058 section 4).
It fails never: lines that are no fields are not covered, and a message without From: has no coverage.
"""

from dataclasses import dataclass
from functools import lru_cache

from gateway.signing.canonical import relaxed_name, relaxed_value, unfolded
from gateway.signing.layout import join_folded

SEALED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"reply-to",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
# Forwarders and mailing lists may add some of these where they are missing: sealed only where they are.
PRESENT = (
    b"sender",
    b"in-reply-to",
    b"references",
    b"list-id",
    b"list-help",
    b"list-subscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"feedback-id",
    b"content-id",
    b"content-description",
    b"content-disposition",
    b"content-language",
    b"auto-submitted",
)
_ORDER = SEALED + PRESENT
_COVERED = frozenset(_ORDER)
_ALWAYS = frozenset(SEALED)


@dataclass(frozen=True, slots=True)
class Coverage:
    """``names`` is h= as it is written, folded; ``octets`` are the covered fields in relaxed form."""

    names: bytes
    octets: bytes


def cover(section: bytes) -> Coverage | None:
    """Return what a signature over this header section covers; None where there is no From: to sign."""
    found: dict[bytes, list[bytes]] = {}
    for line in unfolded(section):
        written, colon, value = line.partition(b":")
        name = relaxed_name(written)
        if colon and name in _COVERED:
            found.setdefault(name, []).append(relaxed_value(value))
    if b"from" not in found:  # RFC 6376 section 5.4: From MUST be signed
        return None
    counts: list[int] = []
    lines: list[bytes] = []
    for name in _ORDER:
        values = found.get(name, ())
        counts.append(len(values))
        # RFC 6376 section 5.4.2: of several the last one comes first.
        lines += [b"%b:%b\r\n" % (name, value) for value in reversed(values)]
    return Coverage(_names(tuple(counts)), b"".join(lines))


@lru_cache(maxsize=1024)
def _names(counts: tuple[int, ...]) -> bytes:
    """Return h= for that many of each field; all copies of a newsletter have the same."""
    names: list[bytes] = []
    for name, count in zip(_ORDER, counts, strict=True):
        # RFC 6376 section 5.4: one more than there are, so that none can be added.
        names += [name] * (count + 1 if count or name in _ALWAYS else 0)
    pieces = [name + b":" for name in names[:-1]] + [names[-1] + b";"]
    return join_folded(b"h=", pieces, b"")
