"""What the Content-* fields of an entity say (RFC 2045, RFC 2183), read as far as rewriting depends on it.

What it promises: any value gives a result. A Content-Type that cannot be read, or that readers would read in
different ways, carries a defect: rewriting leaves such an entity alone.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = rb'[^\x00-\x20()<>@,;:\\"/\[\]?=\x7f-\xff]+'
_TYPE = re.compile(rb"(" + _TOKEN + rb"/" + _TOKEN + rb")[ \t]*(?:;|\Z)")
_PARAMETER = re.compile(rb';[ \t]*([^\s=;()"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"|([^\s;()"]*))', re.DOTALL)
_USUAL_MULTIPART = re.compile(
    rb'(?i:(multipart/[a-z]+);[ \t]*boundary)=(?:"([^"\\ ][^"\\]*)"|([^\s;()"=]+))\Z'
)
_QUOTED_OR_COMMENT = re.compile(rb'("(?:[^"\\]|\\.)*+")|\((?:[^()\\]|\\.)*+\)', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_NAMES_A_FILE = re.compile(rb"[;\s](?:file)?name(?:\*\d*\*?)?[ \t]*=", re.IGNORECASE)

_ENCODINGS = frozenset({b"7bit", b"8bit", b"binary", b"quoted-printable", b"base64"})
_WANTED = frozenset({b"charset", b"boundary", b"format", b"delsp"})


@dataclass(frozen=True, slots=True)
class ContentType:
    """A Content-Type. ``name`` is "" where it cannot be read; ``defect`` is the slug for ``Message``."""

    name: str
    charset: str = ""
    boundary: bytes = b""
    format_flowed: bool = False
    delsp: bool = False
    defect: str = ""


UNREADABLE = ContentType("", defect="content-type")


def content_type_of(value: bytes) -> ContentType:
    """Read the unfolded value of a Content-Type field."""
    # A multipart's boundary is its own; the other values are the same few in all mail.
    return _read(value) if len(value) > 100 or b"ultipart" in value else _remembered(value)


def _read(value: bytes) -> ContentType:
    usual = _USUAL_MULTIPART.match(value)
    if usual is not None:
        return ContentType(usual[1].lower().decode("ascii"), boundary=(usual[2] or usual[3]).rstrip())
    value = _without_comments(value)
    match = _TYPE.match(value)
    if match is None:
        return UNREADABLE
    name = match[1].lower().decode("ascii")
    found: dict[bytes, bytes] = {}
    for parameter in _PARAMETER.finditer(value, match.end(1)):
        key = parameter[1].lower()
        bare, star, _ = key.partition(b"*")
        if bare not in _WANTED:
            continue
        if star or bare in found:  # RFC 2231's long form, or two: readers disagree about what it says
            return ContentType(name, defect="boundary-missing" if bare == b"boundary" else "content-type")
        quoted = parameter[2]
        found[key] = _QUOTED_PAIR.sub(rb"\1", quoted) if quoted is not None else parameter[3]
    boundary = found.get(b"boundary", b"").rstrip()
    needs_boundary = name.startswith("multipart/") and not boundary
    return ContentType(
        name,
        found.get(b"charset", b"").strip().lower().decode("ascii", "replace"),
        boundary,
        found.get(b"format", b"").lower() == b"flowed",  # RFC 3676 section 4
        found.get(b"delsp", b"").lower() == b"yes",
        "boundary-missing" if needs_boundary else "",
    )


_remembered = lru_cache(maxsize=512)(_read)


def start_of(value: bytes) -> bytes:
    """Return a multipart/related's ``start``, its root's Content-ID (RFC 2387 section 3.2), or b""."""
    for parameter in _PARAMETER.finditer(_without_comments(value)):
        if parameter[1].lower() == b"start":
            quoted = parameter[2]
            return _QUOTED_PAIR.sub(rb"\1", quoted) if quoted is not None else parameter[3]
    return b""


def encoding_of(value: bytes) -> str:
    """Read a Content-Transfer-Encoding; "" for one that is none of RFC 2045's five."""
    name = value.lower()
    if name not in _ENCODINGS:
        name = _without_comments(name).strip()
    return name.decode("ascii") if name in _ENCODINGS else ""


def disposition_of(value: bytes) -> str:
    """Read a Content-Disposition: what is unknown is an attachment (RFC 2183 section 2.8)."""
    kind = _without_comments(value).partition(b";")[0].strip().lower()
    return "inline" if kind in {b"inline", b""} else "attachment"


def names_a_file(value: bytes) -> bool:
    """Whether a Content-Type or Content-Disposition gives the entity a file's name."""
    return b"name" in value.lower() and _NAMES_A_FILE.search(value) is not None


def _without_comments(value: bytes) -> bytes:
    """Drop comments (RFC 822's, which RFC 2045 allows); parentheses in quotes stay."""
    if b"(" not in value:
        return value
    # Texts and quotes by turns, and None for each comment: split in place of sub, which calls back for each.
    return b"".join(filter(None, _QUOTED_OR_COMMENT.split(value))).strip()
