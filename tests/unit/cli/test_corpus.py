"""``consentry corpus``: what it sees, what it says, and that our own corpus keeps every promise."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.corpus import command, reader, rewriting
from gateway.cli.corpus.comparing import Copy, compare
from gateway.cli.corpus.reader import Seen
from gateway.cli.main import app

_TESTS = Path(__file__).parents[2]
_MODULES = _TESTS / "node/node_modules"
_LINK = rewriting.LINK
_FOOTER = f"\n\nUnsubscribe: {_LINK}\n"

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (_MODULES / "postal-mime").is_dir(),
    reason="wants Node.js and npm's postal-mime: npm install --prefix tests/node",
)


def _text(text: str, kind: str = "text/plain", **more: object) -> Seen:
    return replace(Seen(kind, "utf-8", "", "", len(text), str(hash(text)), text, ()), **more)


_FILE = Seen("application/pdf", "", "attachment", "a.pdf", 3, "abc", None, ())


def _mixed(*parts: Seen) -> Seen:
    return Seen("multipart/mixed", "", "", "", 0, "", None, parts)


def _said(old: Seen, new: Seen, outcome: str = "added") -> tuple[str, ...]:
    return compare(Copy(b"", old), Copy(b"", new), outcome, _LINK).violations


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        (_text("x"), _text("x" + _FOOTER), "added"),
        (_text("x\r\ny"), _text("x" + _FOOTER + "y"), "added"),
        (_text("a </b>", "text/html"), _text(f"a <i>{_LINK}</i></b>", "text/html"), "added"),
        (_text("x [unsubscribe] y"), _text(f"x {_LINK} y"), "sender provides"),
        (_text("x [unsubscribe]"), _text(f"x {_LINK}"), "sender provides"),
        (
            _text("<a href='{{u}}'>", "text/html"),
            _text(f"<a href='{_LINK}#u'>", "text/html"),
            "sender provides",
        ),
        (
            _text("x <% leave %> y", "text/html"),
            _text(f"x <a href='{_LINK}'>leave</a> y", "text/html"),
            "sender provides",
        ),
        (_text("x", charset="hz"), _text("\ufffd", charset="hz"), "added"),
        (_FILE, _mixed(_text(_FOOTER), _FILE), "added, wrapped"),
        (_mixed(_FILE), _mixed(_text(_FOOTER), _FILE), "added, as a part"),
        (_text("x"), _text("x"), "headers only: signed"),
    ],
)
def test_what_may_change(old: Seen, new: Seen, outcome: str) -> None:
    assert _said(old, new, outcome) == ()


@pytest.mark.parametrize(
    ("old", "new", "outcome", "wrong"),
    [
        (_text("x"), _text("x"), "added", "no text shows the link"),
        (_text("x"), _text("x and more"), "added", "shows no link"),
        (_text("xyz"), _text("xz" + _FOOTER), "added", "not the old text"),
        (_text("x [unsubscribe] y z"), _text(f"x {_LINK} z"), "sender provides", "not the old text"),
        (_text("x " + "long " * 200 + "y"), _text(f"x {_LINK} y"), "sender provides", "not the old text"),
        (_text("x {{u}}"), _text(f"x {_LINK}#!"), "sender provides", "not the old text"),
        (_FILE, replace(_FILE, sha256="abd"), "headers only: x", "octets changed"),
        (_text("x", disposition="attachment"), _text("x" + _FOOTER), "added", "octets changed"),
        (_mixed(_FILE), _mixed(_FILE, _FILE), "added", "tree of parts"),
        (_mixed(_FILE), _mixed(replace(_FILE, filename="b.pdf")), "added", "tree of parts"),
        (_mixed(_FILE), _mixed(_FILE, _text("x")), "added, as a part", "tree of parts"),
        (_FILE, _mixed(_FILE), "added, wrapped", "tree of parts"),
        (_FILE, _mixed(_FILE, _FILE), "added, wrapped", "tree of parts"),
    ],
)
def test_what_may_not(old: Seen, new: Seen, outcome: str, wrong: str) -> None:
    assert any(wrong in one for one in _said(old, new, outcome))


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        (b"A: b\r\nBcc: c\r\n\r\n", b"Received: x\r\nA: b\r\n\r\n", ""),
        (b"A: b\r\n", b"A: b\r\n\r\nbody", ""),
        (b"A: b\r\n c\r\nD: e\r\n\r\n", b"A: b\r\n c\r\nX: y\r\nD: e\r\n\r\n", "appeared: X"),
        (b"A: b\r\n c\r\n\r\n", b"A: b c\r\n\r\n", "moved: A"),
        (b"A: b\r\nC: d\r\n\r\n", b"C: d\r\nA: b\r\n\r\n", "moved"),
    ],
)
def test_the_header(before: bytes, after: bytes, wrong: str) -> None:
    found = compare(Copy(before, _FILE), Copy(after, _FILE), "headers only: x", _LINK).violations
    assert any(wrong in one for one in found) if wrong else not found


def test_it_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"A: b\n\nx\n")
    result = CliRunner().invoke(app, ["corpus", str(tmp_path), "--node-modules", str(tmp_path)])
    assert result.exit_code == 1
    assert "npm install --prefix" in result.stderr
    assert "--node-modules" in result.stderr


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_messages(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "x"
    if make:
        folder.mkdir()
    result = CliRunner().invoke(app, ["corpus", str(folder)])
    assert result.exit_code == 1
    assert ("no .eml" if make else "no folder") in result.stderr


def test_rewriting_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_raw: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(rewriting, "_result", fail)
    assert rewriting._rewritten(b"").failure == "rewriting raised RecursionError"
    monkeypatch.setattr(rewriting, "SECONDS", 0.0)
    with rewriting.Rewriter({}) as rewriter:
        assert "took more than" in rewriter.rewrite(b"A: b\r\n\r\n").failure


@needs_node
def test_our_own_corpus_keeps_every_promise() -> None:
    words = ["corpus", str(_TESTS / "corpus"), "--json", "--node-modules", str(_MODULES)]
    result = CliRunner().invoke(app, words)
    found = json.loads(result.stdout)
    assert [one for one in found["messages"] if one["violations"]] == []
    assert result.exit_code == 0
    assert {one["outcome"] for one in found["messages"]} >= {"added", "added, wrapped", "added, as a part"}
    assert not [one["file"] for one in found["messages"] if any("gave up" in note for note in one["notes"])]


@needs_node
def test_what_is_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.eml").write_bytes(b"A: b\n\nx\n")
    (tmp_path / "wrong.EML").write_bytes(b"A: b\n\ny\n")
    (tmp_path / "large.eml").write_bytes(b"A: b\n\n" + b"z" * 50)
    (tmp_path / "gone.eml").symlink_to(tmp_path / "nowhere")
    results = {True: rewriting.Result("added", after=b"A: b\r\n\r\nchanged", grows=True)}
    monkeypatch.setattr(command, "_LARGEST", 20)
    monkeypatch.setattr(
        rewriting.Rewriter,
        "rewrite",
        lambda _, raw: results.get(b"y" in raw, rewriting.Result("x", "why", raw)),
    )
    result = CliRunner().invoke(app, ["corpus", str(tmp_path), "--node-modules", str(_MODULES)])
    assert result.exit_code == 1
    assert "WRONG  wrong.EML" in result.stdout
    assert "its body changes again" in result.stdout
    assert "would be refused: why" in result.stdout
    assert "larger than" in result.stdout
    assert "3 messages, 1 with a broken promise" in result.stdout


@needs_node
def test_a_name_that_is_no_text_and_a_body_without_a_line_end(tmp_path: Path) -> None:
    (tmp_path / "na\udcffme.eml").write_bytes(b"Content-Type: text/x-odd\nMIME-Version: 1.0\n\nno line end")
    result = CliRunner().invoke(app, ["corpus", str(tmp_path), "--json", "--node-modules", str(_MODULES)])
    (message,) = json.loads(result.stdout_bytes)["messages"]
    assert (message["file"], message["outcome"]) == ("na\\udcffme.eml", "added, wrapped")
    assert not message["violations"]


@needs_node
def test_a_reader_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with reader.Reader(_MODULES) as one:
        monkeypatch.setattr(reader, "SECONDS", 0.0)
        with pytest.raises(reader.ReaderFailed, match="took more than"):
            one.read(b"A: b\r\n\r\nx")
        monkeypatch.setattr(reader, "SECONDS", 30.0)
        assert one.read(b"A: b\r\n\r\nx").text == "x\n"
