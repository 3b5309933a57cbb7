"""Which header fields a signature covers, in which order, and their octets as they are hashed.

What it promises: From: and the fields in ``SEALED`` stand in h= once more than they occur, absent or not, so
that nobody can add one; the fields in ``PRESENT`` likewise where they occur. Nothing else is covered: never
what changes on the way (Received, Return-Path, Resent-*, other signatures; RFC 6376 section 5.4.1).
List-Unsubscribe and List-Unsubscribe-Post are always covered (RFC 8058 section 4).
It fails never: lines that are no fields are not covered, and a message without From: has no coverage.
"""

from dataclasses import dataclass
from functools import lru_cache

from gateway.signing.canonical import relaxed_lines, relaxed_name
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
_COVERED = frozenset(SEALED + PRESENT)
# As most programs spell them: one look-up instead of three steps.
_SPELLINGS = {
    spelling: name
    for name in _COVERED
    for spelling in (name, name.title(), name.title().replace(b"Id", b"ID").replace(b"Mime", b"MIME"))
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """``names`` is h= as it is written, folded; ``octets`` are the covered fields in relaxed form."""

    names: bytes
    octets: bytes


def cover(section: bytes) -> Coverage | None:
    """Return what a signature over this header section covers; None where there is no From: to sign."""
    names: list[bytes] = []
    octets: list[bytes] = []
    # RFC 6376 section 5.4.2: of several fields of one name the last one comes first.
    for line in reversed(relaxed_lines(section)):
        written, colon, value = line.partition(b":")
        name = _SPELLINGS.get(written) or relaxed_name(written)
        if name in _COVERED and colon:
            names.append(name)
            octets += (name, b":", value.strip(b" "), b"\r\n")
    if b"from" not in names:  # RFC 6376 section 5.4: From MUST be signed
        return None
    return Coverage(_names(tuple(names)), b"".join(octets))


@lru_cache(maxsize=1024)
def _names(present: tuple[bytes, ...]) -> bytes:
    """Return h= for fields in that order; all copies of a newsletter have the same."""
    # RFC 6376 section 5.4: one more than there are, so that none can be added. A dict: in order, once each.
    sealed = dict.fromkeys(SEALED + present)
    names = [*present, *sealed]
    pieces = [name + b":" for name in names[:-1]] + [names[-1] + b";"]
    return join_folded(b"h=", pieces, b"")
