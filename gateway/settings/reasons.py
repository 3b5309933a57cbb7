"""What pydantic found, in words for the person who wrote the file.

``findings`` gives one Finding for each key that is wrong: an unknown key with the one that may be meant, a
type error without pydantic's own vocabulary, and the members of a union as one.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from gateway.settings.problem import Finding

_SHOWN = 60  # characters of a wrong value
_WANTED = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be a string",
    "path_type": "must be a path, as a string",
    "tuple_type": "must be an array",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "ip_v4_network": 'must be a network, such as "192.0.2.0/24" or "2001:db8::/32" (no host bits set)',
    "ip_v6_network": 'must be a network, such as "192.0.2.0/24" or "2001:db8::/32" (no host bits set)',
}


def findings(
    error: ValidationError, model: type[BaseModel] | None, data: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield what is wrong, each key once, in the order of the model (None: its keys are not known here)."""
    seen: dict[tuple[str | int, ...], None] = {}
    for one in error.errors(include_url=False):
        path = _in_data(one["loc"], data) if one["type"] != "missing" else tuple(one["loc"])
        if path not in seen:
            seen[path] = None
            yield Finding(path, _reason(dict(one), path, model))


def meant(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for a word that is nearly one of the known, else ""."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def _in_data(loc: tuple[str | int, ...], data: object) -> tuple[str | int, ...]:
    """Return the part of a pydantic location that names something of the file: union members do not."""
    path: list[str | int] = []
    for part in loc:
        match data, part:
            case (dict(), _) if part in data:
                data = data[part]
            case (list(), int()) if part < len(data):
                data = data[part]
            case _:
                break
        path.append(part)
    return tuple(path)


def _reason(one: Mapping[str, Any], path: tuple[str | int, ...], model: type[BaseModel] | None) -> str:
    kind = one["type"]
    if kind == "extra_forbidden":
        return _unknown("table" if isinstance(one["input"], dict) else "key", path, model)
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(one["ctx"]["error"])
    reason = _WANTED.get(kind) or _plain(one["msg"])
    return f"{reason}, not {_shown(one['input'])}"


def _plain(message: str) -> str:
    """Turn pydantic's "Input should be ..." into "must be ..."."""
    message = message.replace("Input should be ", "must be ").replace("Input should have ", "must have ")
    return message[:1].lower() + message[1:]


def _shown(value: object) -> str:
    text = (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _unknown(kind: str, path: tuple[str | int, ...], model: type[BaseModel] | None) -> str:
    """Say what may be meant by an unknown key: one with nearly its name, or the table it belongs to."""
    key = str(path[-1])
    if model is None:
        return f"unknown {kind}"
    here = _model_at(model, path[:-1])
    near = meant(key, here.model_fields) if here else ""
    homes = sorted(table for table, known in _tables(model).items() if table and key in known)
    if near or not homes:
        return f"unknown {kind}{near}"
    below = [home for home in homes if home.startswith(f"{path[0]}.")]
    homes = below or homes  # a key that stood one table too high
    return f"unknown {kind}; it belongs in {' or '.join(f'[{home}]' for home in homes)}"


def _model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    here: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, str):
            here = _inner(here.model_fields[part].annotation) if here and part in here.model_fields else None
    return here


def _tables(model: type[BaseModel], name: str = "") -> dict[str, set[str]]:
    """Return every table of the file with the keys it knows."""
    known = {name: set(model.model_fields)}
    for field, info in model.model_fields.items():
        inner = _inner(info.annotation)
        if inner is not None:
            known |= _tables(inner, f"{name}.{field}" if name else field)
    return known


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Return the table type behind an annotation: itself, or what an array or a union holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for one in get_args(annotation) if (inner := _inner(one))), None)
