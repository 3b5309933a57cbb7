"""Putting values into a commented config file, so that every comment stays where it was.

``fill`` changes ``key = value`` lines of one table and takes the "#" away where the file shows a table or key
in a comment. It raises KeyError for a table or key that the file does not show.
"""

import json
import re
from collections.abc import Iterable, Mapping

Value = str | int | bool | Iterable[str]

_HEADER = re.compile(r"#?\[{1,2}[a-z_.]+\]{1,2}\s*\Z")


def fill(text: str, header: str, values: Mapping[str, Value]) -> str:
    """Return the text with the values set in the table of that header, such as ``[[relay.smarthost]]``."""
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if line.lstrip("#") == header), None)
    if start is None:
        raise KeyError(header)
    lines[start] = header
    end = next((i for i in range(start + 1, len(lines)) if _HEADER.match(lines[i])), len(lines))
    for key, value in values.items():
        form = re.compile(rf"#?{key} = ")
        at = next((index for index in range(start + 1, end) if form.match(lines[index])), None)
        if at is None:
            raise KeyError(f"{header} {key}")
        lines[at] = f"{key} = {toml(value)}"
    return "\n".join(lines)


def toml(value: Value) -> str:
    """Return the value as TOML writes it: its strings are JSON's, except for DEL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int):
        return str(value)
    return f"[{', '.join(map(toml, value))}]"
