"""Golden messages: what came in, and every octet of what goes out, for one recipient.

``GOLDEN_UPDATE=1`` writes the ``.want`` files anew; read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest

from gateway.mime.scan import scan
from gateway.mime.splice import apply
from gateway.model.facts import RewriteFacts
from gateway.pipeline.rewrite import rewrite
from gateway.pipeline.shelf import Shelf
from policies.footer import explain

_MESSAGES = sorted(Path(__file__).parent.glob("*.eml"))
_REASONS = {
    "own-header": "sender provides",
    "own-link-in-text": "sender provides",
    "own-link-in-html": "sender provides",
    "placeholder-in-href": "sender provides",
    "placeholder-quoted-printable": "sender provides",
    "placeholder-base64": "sender provides",
    "broken-boundary": "headers only: broken-boundary-absent",
    "signed": "headers only: signed",
    "encrypted": "headers only: encrypted",
    "attachment-alone": "added, wrapped",
    "no-header-section": "headers only: broken-no-header",
    "broken-base64": "added, wrapped: broken-base64",
    "bare-newline-in-text": "added, wrapped: bare-newline",
}


@pytest.mark.parametrize("path", _MESSAGES, ids=lambda path: path.stem)
def test_message_goes_out_as_it_should(path: Path, shelf: Shelf, facts: RewriteFacts) -> None:
    message = scan(path.read_bytes())
    got = apply(message.raw, rewrite(shelf, message, facts))
    want = path.with_suffix(".want")
    if os.environ.get("GOLDEN_UPDATE"):
        want.write_bytes(got)
    assert got == want.read_bytes()
    assert explain(message) == _REASONS.get(path.stem[3:], "added")


def test_every_reason_has_its_message() -> None:
    assert {path.stem[3:] for path in _MESSAGES} >= _REASONS.keys()
