"""Mutated mail through gateway.mime and the rewriting policies, with atheris: `make fuzz`.

    python tests/fuzz/fuzz_mime.py tests/corpus tests/golden -max_total_time=60

What is asserted for any octets at all: no exception; splices in order and within the message; what no splice
names comes out as it went in; nothing put in holds a bare CR or LF; rewritten once more, the body stays as it
is; what is no shown text decodes to the same octets; the parts are the same, apart from an announced wrapping;
a footer in HTML stands in the body itself; none of it takes more than two seconds. A finding becomes a test.

Every other input is taken as the HTML of a message, so that markup is tried as often as structure.
"""

import re
import sys
import time

import atheris

with atheris.instrument_imports(include=["gateway.mime", "policies"], enable_loader_override=False):
    import policies
    from gateway.mime.scan import scan
    from gateway.mime.splice import apply
    from gateway.mime.structure import Room, bodies
    from gateway.mime.transfer import Untouchable, decode
    from gateway.pipeline.rewrite import rewrite
    from gateway.pipeline.shelf import Shelf
    from policies.footer import explainer

from selectolax.lexbor import LexborHTMLParser

from gateway.cli.corpus.rewriting import rewrite_facts
from gateway.model.message import Message, Part
from gateway.model.splice import Splice

_FACTS = rewrite_facts()
_OURS = _FACTS.unsubscribe_url.rpartition("/")[0] + "/"
_SLOW = 2.0  # seconds of CPU, under instrumentation
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")


def _shelf(sealed: str) -> Shelf:
    footer = {"own_header_counts": False, "sealed": sealed}
    built = [build(footer if name == "footer" else {}) for name, build in policies.SHELF.items()]
    return Shelf.of([one for one in built if one.rewrite is not None])


_SHELVES = {sealed: _shelf(sealed) for sealed in ("headers", "wrap")}
_EXPLAIN = {sealed: explainer({"own_header_counts": False, "sealed": sealed}) for sealed in _SHELVES}


_HTML = b"Subject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=iso-8859-1\n\n"


def one_input(octets: bytes) -> None:
    """Try one message, both ways; or HTML, where the first octet is odd."""
    if octets[:1] and octets[0] % 2 and not octets.startswith((b"From", b"Received", b"Subject", b"MIME")):
        octets = _HTML + octets[1:]
    # As the SMTP side hands it on: CRLF only, and no NUL.
    raw = octets.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")
    start = time.process_time()
    for sealed in _SHELVES:
        _try(raw, sealed)
    assert time.process_time() - start < _SLOW, "slow"


def _try(raw: bytes, sealed: str) -> None:
    message = scan(raw)
    splices = rewrite(_SHELVES[sealed], message, _FACTS)
    after = apply(raw, splices)
    _keeps_the_rest(raw, after, splices)
    outcome = _EXPLAIN[sealed](message, _OURS).outcome
    if "no-header" in message.defects:
        return
    again = scan(after)
    _keeps_files(message, again, outcome)
    if outcome == "added" and message.root.content_type == "text/html" and not again.defects:
        _is_in_the_body(_octets(again, again.root), again.root.charset)
    # What the sender's header names is gone afterwards; what is glued to a placeholder breaks its link.
    has_none = not message.all(b"list-unsubscribe") and b"unsub" not in raw.lower()
    if outcome.startswith("added") and has_none:
        _adds_nothing_twice(again, sealed)


def _is_in_the_body(html: bytes, charset: str) -> None:
    if charset not in {"", "us-ascii", "utf-8", "iso-8859-1", "windows-1252"} or b"\x1b" in html:
        return
    body = LexborHTMLParser(html).body
    assert body is not None, "no body"
    links = [one for one in body.css("a") if one.attributes.get("href") == _FACTS.unsubscribe_url]
    assert any(
        (link.parent is not None and link.parent.parent is not None and link.parent.parent.tag == "body")
        for link in links
    ), "unseen"


def _keeps_the_rest(raw: bytes, after: bytes, splices: tuple[Splice, ...]) -> None:
    at = place = 0
    for splice in splices:
        assert not _BARE.search(splice.new), "bare line end"
        kept = splice.start - at
        assert after[place : place + kept] == raw[at : splice.start], "octets that nobody named"
        place += kept + len(splice.new)
        at = splice.end
    assert after[place:] == raw[at:], "octets at the end"


def _keeps_files(message: Message, again: Message, outcome: str) -> None:
    before, now = list(message.root.walk()), list(again.root.walk())
    if outcome == "added, as a part":
        del now[1]
    elif outcome.startswith("added, wrapped"):
        ours = -1 if bodies(message).room is Room.WRAP_AFTER else 0
        assert _FACTS.unsubscribe_url[-8:].encode() in _octets(again, again.root.parts[ours]), "no link"
        now = list(again.root.parts[-1 - ours].walk())
    assert [part.content_type for part in before] == [part.content_type for part in now], "tree"
    for old, new in zip(before, now, strict=True):
        if not old.parts and not old.content_type.startswith("text/"):
            assert _octets(message, old) == _octets(again, new), "file"


def _octets(message: Message, part: Part) -> bytes:
    try:
        return decode(message.raw, part)
    except Untouchable:
        return message.raw[part.body_start : part.body_end]


def _adds_nothing_twice(again: Message, sealed: str) -> None:
    assert not _EXPLAIN[sealed](again, _OURS).outcome.startswith("added"), "grows"


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[1:]], one_input)
    atheris.Fuzz()
