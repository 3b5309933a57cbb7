"""What rewriting did to a message, held against what it may do.

It compares two readings of the other parser, and the octets of the header. What it promises: every difference
that may not be is a ``violation``, in a sentence; the others are ``changes``. Nothing of ``gateway.mime`` is
used here. Time linear in the message.
"""

import re
from dataclasses import dataclass
from html import unescape

from gateway.cli.corpus.reader import Seen

_REMOVED = re.compile(
    rb"(?:bcc|resent-bcc|return-path|dkim-signature|domainkey-signature|x-consentry-[^:]*"
    rb"|list-unsubscribe|list-unsubscribe-post|list-id|feedback-id|x-report-abuse)[ \t]*:",
    re.IGNORECASE,
)
_ADDED = re.compile(
    rb"(?:received|date|message-id|mime-version"
    rb"|list-unsubscribe|list-unsubscribe-post|list-id|feedback-id|x-report-abuse)[ \t]*:",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(rb"content-[^:]*:", re.IGNORECASE)
_FIELD = re.compile(rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
_BEHIND_A_LINK = re.compile(r"(?:&#0*35;|#)?u?")

# What browsers, and with them the other parser, refuse to decode.
_UNREADABLE = re.compile(r"hz|iso-2022-(?:kr|cn)|csiso2022kr|utf-7|utf-32|unicode-1-1-utf-7")

WRAPPED, AS_A_PART = "added, wrapped", "added, as a part"
_ANCHOR = re.compile(
    r"<a ([^<>]{1,2000})>[^<>]{0,2000}</a>"
)  # what a placeholder in running text of HTML becomes
_PLACEHOLDER = re.compile(r"[\[{<%*&].*(?:[\]}>%|*;]|%7D)", re.DOTALL | re.IGNORECASE)
_LONGEST_PLACEHOLDER = 400  # characters
_PIECE = 60  # characters by which the old text is found again behind something new
_MOST_PIECES = 2100  # places at which one text changes


@dataclass(frozen=True, slots=True)
class Copy:
    """A message: its octets, and what the other parser sees in them."""

    raw: bytes
    seen: Seen


@dataclass(frozen=True, slots=True)
class Comparison:
    """``changes``: what differs, as it may; ``violations``: what differs and must not."""

    changes: tuple[str, ...]
    violations: tuple[str, ...]


def compare(old: Copy, new: Copy, outcome: str, link: str) -> Comparison:
    """Compare a message with what was made of it. ``link``: the recipient's link that has to be in it."""
    changes: list[str] = []
    violations = _header(old.raw, new.raw, wrapped=outcome.startswith(WRAPPED))
    pairs = _pairs(old.seen, new.seen, outcome)
    if pairs is None:
        return Comparison((), (*violations, "the tree of parts changed, and no wrapping was announced"))
    added = 0
    for number, (before, now) in enumerate(pairs):
        said, wrong = _part(before, now, link)
        name = f"part {number} ({before.type})"
        changes += [f"{name}: {said}"] if said else []
        violations += [f"{name}: {wrong}"] if wrong else []
        added += link in unescape(now.text or "") or bool(_UNREADABLE.match(now.charset))
    if outcome.startswith((WRAPPED, AS_A_PART)):
        changes.append(f"a part of our own: {outcome}")
        added += any(link in (part.text or "") for part in new.seen.parts)
    if outcome.startswith("added") and not added:
        violations.append(f"it is said that a footer was {outcome}, and no text shows the link")
    return Comparison(tuple(changes), tuple(violations))


# The header
# --------------------------------------------------------------------------------------------------


def _fields(raw: bytes) -> list[bytes]:
    end = raw.find(b"\r\n\r\n")
    return _FIELD.findall(raw if end < 0 else raw[: end + 2])


def _header(raw: bytes, after: bytes, *, wrapped: bool) -> list[str]:
    """Check that all fields are as they were, in order, apart from what is put in or taken out."""
    left = iter(_fields(after))
    wrong: list[str] = []
    kept = [
        one for one in _fields(raw) if not _REMOVED.match(one) and not (wrapped and _DESCRIBES.match(one))
    ]
    pending = next(left, None)
    for field in kept:
        while pending is not None and pending != field:
            if not _ADDED.match(pending) and not (wrapped and _DESCRIBES.match(pending)):
                wrong.append(f"a header field appeared: {_name(pending)}")
            pending = next(left, None)
        if pending is None:
            wrong.append(f"a header field was lost, changed or moved: {_name(field)}")
            break
        pending = next(left, None)
    return wrong


def _name(field: bytes) -> str:
    return field.partition(b":")[0][:60].decode("ascii", "replace")


# The parts
# ---------------------------------------------------------------------------------------------------


def _pairs(old: Seen, new: Seen, outcome: str) -> list[tuple[Seen, Seen]] | None:
    """Return the old parts beside the new ones; None where the trees do not match as announced."""
    if outcome == AS_A_PART:
        if len(new.parts) != len(old.parts) + 1 or not _is_ours(new.parts[0]):
            return None
        return _matched(old.parts, new.parts[1:])
    if outcome.startswith(WRAPPED):
        if new.type != "multipart/mixed" or len(new.parts) != 2:
            return None
        first, last = new.parts
        found = _matched((old,), (first,)) if _is_ours(last) else None
        return found or (_matched((old,), (last,)) if _is_ours(first) else None)
    return _matched((old,), (new,))


def _is_ours(part: Seen) -> bool:
    return part.type == "text/plain" and part.charset == "utf-8" and not part.parts


def _matched(old: tuple[Seen, ...], new: tuple[Seen, ...]) -> list[tuple[Seen, Seen]] | None:
    if len(old) != len(new):
        return None
    pairs: list[tuple[Seen, Seen]] = []
    for before, now in zip(old, new, strict=True):
        if before.type != now.type or before.charset != now.charset or before.filename != now.filename:
            return None
        below = _matched(before.parts, now.parts)
        if below is None:
            return None
        pairs += [(before, now), *below]
    return pairs


def _part(before: Seen, now: Seen, link: str) -> tuple[str, str]:
    """Return what changed in a part as it may, and what did and must not; "" for nothing."""
    if before.parts or before.sha256 == now.sha256:
        return "", ""
    if before.text is None or now.text is None or before.disposition == "attachment":
        return "", f"its decoded octets changed: {before.octets} before, {now.octets} now"
    return _text(before.text, now.text, now.charset, link)


def _text(before: str, now: str, charset: str, link: str) -> tuple[str, str]:
    if _UNREADABLE.match(charset):
        return "its text changed, in a charset that the other parser does not read", ""
    old, new = _lines(before), _lines(now)
    put, filled = _differences(old, new, link)
    if put is None:
        return "", "its text is not the old text with something added"
    if put and link not in unescape(put):
        return "", "something was added that shows no link"
    said = [f"{len(put)} characters added"] if put else []
    return "; ".join([*said, f"{filled} placeholders filled"] if filled else said), ""


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _differences(old: str, new: str, link: str) -> tuple[str | None, int]:
    """Return what was put into a text, and how many placeholders became the link; None: else."""
    put: list[str] = []
    i = j = filled = 0
    for _ in range(_MOST_PIECES):
        same = _common(old, new, i, j)
        i, j = i + same, j + same
        if i == len(old):
            rest = new[j:]
            return "".join([*put, rest]), filled
        if i and new[j - 1] == "<" and old[i - 1] == "<" and _written_link(new, j - 1, link):
            i, j = i - 1, j - 1  # "<%" has become "<a"
        written = _written_link(new, j, link)
        if written:
            j += written
            j += _filler(new, j, old, i)
            found = _resumes(old, i, new, j)
            if found is None or not _PLACEHOLDER.fullmatch(old[i:found]):
                return None, filled
            i, filled = found, filled + 1
            continue
        piece = old[i : i + _PIECE]
        k = new.find(piece, j)
        if k < 0:
            return None, filled
        put.append(new[j:k])
        j = k
    return None, filled


def _common(old: str, new: str, i: int, j: int) -> int:
    """Return how many characters are the same from there on, by halves so that it is quick."""
    low, high = 0, min(len(old) - i, len(new) - j)
    step = 4096
    while low < high and old[i + low : i + low + step] == new[j + low : j + low + step]:
        low += step
    low = min(low, high)
    end = min(low + step, high)
    while low < end and old[i + low] == new[j + low]:
        low += 1
    return low


def _written_link(new: str, j: int, link: str) -> int:
    for form in (link, link.replace("&", "&amp;")):
        if new.startswith(form, j):
            return len(form)
    anchor = _ANCHOR.match(new, j)
    return len(anchor[0]) if anchor and link in unescape(anchor[1]) else 0


def _filler(new: str, j: int, old: str, i: int) -> int:
    """Return how long the fragment is that base64 needs behind a link."""
    found = _BEHIND_A_LINK.match(new, j)
    length = found.end() - j if found else 0
    return length if length and new[j] == "#" and _resumes(old, i, new, j) is None else 0


def _resumes(old: str, i: int, new: str, j: int) -> int | None:
    """Return where the old text goes on behind a placeholder."""
    near = new[j : j + _PIECE]
    window = old[i : i + _LONGEST_PLACEHOLDER + _PIECE]
    for length in (len(near), 20, 6, 1):
        at = window.find(near[:length])
        if near and at > 0:
            return i + at
    return len(old) if not near and len(old) - i <= _LONGEST_PLACEHOLDER else None
