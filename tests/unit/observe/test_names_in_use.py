"""Every name and label that the code counts with stands in the catalogue."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
from gateway.observe.metrics import Kind, describe_misuse

ROOT = Path(gateway.__file__).parent
KINDS = {"count": Kind.COUNTER, "observe": Kind.HISTOGRAM, "gauge": Kind.GAUGE}


def calls(source: str) -> Iterator[tuple[int, Kind, str, dict[str, str]]]:
    """Find the calls of a meter whose name is written out."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=receiver, attr=("count" | "observe" | "gauge") as attr),
                args=[ast.Constant(value=str(name)), *_],
                keywords=keywords,
            ) if ast.unparse(receiver).endswith("meter"):
                labels = {word.arg: "" for word in keywords if word.arg not in {None, "amount", "value"}}
                yield node.lineno, KINDS[attr], name, labels


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.relative_to(ROOT.parent).as_posix()
)
def test_a_file_counts_with_known_names(path: Path) -> None:
    wrong = {
        line: told
        for line, kind, name, labels in calls(path.read_text("utf-8"))
        if (told := describe_misuse(kind, name, labels)) is not None
    }
    assert not wrong


def test_a_wrong_name_is_found() -> None:
    ((line, kind, name, labels),) = calls('x = 1\nself._meter.count("nothing_total", 2, reason="x")')
    assert (line, kind, name, labels) == (2, Kind.COUNTER, "nothing_total", {"reason": ""})
