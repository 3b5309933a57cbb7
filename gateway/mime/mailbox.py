"""The one mailbox of an address field: RFC 5322 section 3.4, read so that nobody is misled.

What it promises: ``only_mailbox`` gives the addr-spec that every reader sees, or raises BadMailbox. It is
stricter than the RFC where mail programs would disagree: groups, source routes, a second address in angle
brackets, and a bare address before the brackets that is another one than the one in them.
"""

import re
from itertools import pairwise

_COMMENT_DEPTH = 20

# Nearly all mail: a quoted or plain display name, and the address in brackets; or the address alone.
_ADDR = rb"[^\x00-\x20()<>\[\]:;@\\,\"\x7f]+@[^\x00-\x20()<>\[\]:;@\\,\"\x7f]+"
_USUAL = re.compile(
    rb'(?:(?:"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t -~\x80-\xff])*+"'
    rb'|[^"()<>\[\]:;@\\,\x00-\x08\x0a-\x1f\x7f]*+)[ \t]*<(' + _ADDR + rb")>|(" + _ADDR + rb"))\Z"
)
_TOKEN = re.compile(
    rb'(?P<blank>[ \t]+)|(?P<quoted>"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t -~\x80-\xff])*+")'
    rb'|(?P<literal>\[[^\[\]\\\x00-\x20\x7f]*\])|(?P<atom>[^\x00-\x20()<>\[\]:;@\\,"\x7f]+)|(?P<special>[<>@:;,])'
)


class BadMailbox(ValueError):
    """Not exactly one mailbox; the message says why, in words a client may see."""


def only_mailbox(value: bytes) -> str:
    """Return the ``local@domain`` of an unfolded address field; raise BadMailbox."""
    usual = _USUAL.match(value)
    if usual is not None:
        return (usual[1] or usual[2]).decode("utf-8", "surrogateescape")
    return _sorted_out(_tokens(value)).decode("utf-8", "surrogateescape")


def _tokens(value: bytes) -> list[tuple[str, bytes]]:
    """Cut an address field into tokens: comments are gone, and blanks too, which mean nothing here."""
    tokens: list[tuple[str, bytes]] = []
    at = 0
    while at < len(value):
        if value[at : at + 1] == b"(":
            at = _after_comment(value, at)
            continue
        match = _TOKEN.match(value, at)
        if match is None:
            raise BadMailbox("it has a character that may not stand there")
        at = match.end()
        kind = match.lastgroup or ""
        if kind != "blank":
            tokens.append((match[0].decode("latin-1") if kind == "special" else kind, match[0]))
    return tokens


def _after_comment(value: bytes, at: int) -> int:
    depth = 0
    while at < len(value):
        char = value[at : at + 1]
        if char == b"\\":
            at += 1
        elif char == b"(":
            depth += 1
        elif char == b")":
            depth -= 1
        at += 1
        if depth == 0:
            return at
        if depth > _COMMENT_DEPTH:
            break
    raise BadMailbox("it has a comment that does not end")


def _sorted_out(tokens: list[tuple[str, bytes]]) -> bytes:
    kinds = [kind for kind, _ in tokens]
    if "," in kinds:
        raise BadMailbox("it has more than one address, or an empty one")
    if ":" in kinds or ";" in kinds:
        raise BadMailbox("it is a group, or has a source route")
    if "<" not in kinds and ">" not in kinds:
        return _addr_spec(tokens)
    if kinds.count("<") != 1 or kinds.count(">") != 1 or kinds[-1] != ">":
        raise BadMailbox("its angle brackets do not hold one address at its end")
    opened = kinds.index("<")
    address = _addr_spec(tokens[opened + 1 : -1])
    # Mail programs that take the first address they see must see the same one.
    if "@" in kinds[:opened] and _addr_spec(tokens[:opened]).lower() != address.lower():
        raise BadMailbox("its name is another address than the one in angle brackets")
    return address


def _addr_spec(tokens: list[tuple[str, bytes]]) -> bytes:
    """Return ``local@domain``; blanks and comments within it (RFC 5322 section 4.4) were dropped."""
    kinds = [kind for kind, _ in tokens]
    if kinds.count("@") != 1:
        raise BadMailbox("it has no address, or more than one")
    at = kinds.index("@")
    local, domain = kinds[:at], kinds[at + 1 :]
    if local not in (["atom"], ["quoted"]) and not _joined_by_dots(tokens[:at]):
        raise BadMailbox("the part before the @ is malformed")
    if domain not in (["atom"], ["literal"]) and not _joined_by_dots(tokens[at + 1 :]):
        raise BadMailbox("the part after the @ is malformed")
    return b"".join(octets for _, octets in tokens)


def _joined_by_dots(tokens: list[tuple[str, bytes]]) -> bool:
    """Whether atoms that stood apart (``a . b``) are one word with dots between."""
    if not tokens or any(kind != "atom" for kind, _ in tokens):
        return False
    pairs = pairwise(tokens)
    return all(left.endswith(b".") != right.startswith(b".") for (_, left), (_, right) in pairs)
