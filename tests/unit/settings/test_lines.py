"""Lines of keys: the forms of TOML by example, and any text by property."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings.lines import Path, line_of, locate

TEXT = '''# a comment = with [signs]
top = 1
[gateway]   # [not.this]
hostname = "mail = [x] # no comment" # but this
'workers' = 2
"a\\"b" = 'C:\\path'
limits . idle = 30

[[submission.listener]]
listen = "127.0.0.1:25"
[submission.listener.inner]
deep = true
[[submission.listener]]
listen = "127.0.0.1:26"
proxy_from = [ # one a line
  "10.0.0.0/8",

  "192.0.2.0/24",
]
[submission.limits]
text = """
[fake]
key = "\\""" 1 """"
literal = \'\'\'
[[fake]]\'\'\'
tables = [
  { a = 1, b = [1, 2] },
  { a = { c = 2 } },
]
last = 2020-01-01T00:00:00Z
'''

PLACES: list[tuple[Path, int]] = [
    (("top",), 2),
    (("gateway",), 3),
    (("gateway", "hostname"), 4),
    (("gateway", "workers"), 5),
    (("gateway", 'a"b'), 6),
    (("gateway", "limits", "idle"), 7),
    (("gateway", "limits"), 7),
    (("submission", "listener"), 9),
    (("submission", "listener", 0), 9),
    (("submission", "listener", 0, "listen"), 10),
    (("submission", "listener", 0, "inner"), 11),
    (("submission", "listener", 0, "inner", "deep"), 12),
    (("submission", "listener", 1), 13),
    (("submission", "listener", 1, "listen"), 14),
    (("submission", "listener", 1, "proxy_from"), 15),
    (("submission", "listener", 1, "proxy_from", 0), 16),
    (("submission", "listener", 1, "proxy_from", 1), 18),
    (("submission", "limits"), 20),
    (("submission", "limits", "text"), 21),
    (("submission", "limits", "literal"), 24),
    (("submission", "limits", "tables"), 26),
    (("submission", "limits", "tables", 0, "b", 1), 27),
    (("submission", "limits", "tables", 1, "a", "c"), 28),
    (("submission", "limits", "last"), 30),
]


@pytest.mark.parametrize(("path", "line"), PLACES)
def test_place(path: Path, line: int) -> None:
    assert locate(TEXT)[path] == line


def test_that_the_example_is_toml_and_nothing_false_is_found() -> None:
    assert "fake" in tomllib.loads(TEXT)["submission"]["limits"]["text"]
    assert not any("fake" in path for path in locate(TEXT))


def test_nearest() -> None:
    lines = locate(TEXT)
    assert line_of(lines, ("gateway", "absent", 3)) == 3
    assert line_of(lines, ("absent",)) == 0


@given(st.text(alphabet="[]{}\"'=.,#\n\\ ab1", max_size=60))
def test_that_any_text_ends(text: str) -> None:
    assert all(1 <= line <= text.count("\n") + 1 for line in locate(text).values())


KEYS = st.text(alphabet="abc", min_size=1, max_size=3)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.text(alphabet='ab[]=#"\n', max_size=8))))
def test_that_every_key_is_found(tables: dict[str, dict[str, str]]) -> None:
    text, want, line = "", {}, 1
    for name, table in tables.items():
        want[name,] = line
        text += f"[{name}]\n"
        line += 1
        for key, value in table.items():
            want[name, key] = line
            shown = value.replace("\\", "\\\\").replace('"', '\\"')
            text += f'{key} = """{shown}"""\n'
            line += 1 + value.count("\n")
    tomllib.loads(text)
    assert locate(text) == want
