"""The small languages of the config files: durations, sizes, endpoints.

Errors are ValueErrors that say how to write it.
"""

import re
from typing import NamedTuple

_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*\Z")
_SECONDS = {"": 1, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_SECONDS |= {"d": 86400, "day": 86400, "w": 604800, "week": 604800}
_OCTETS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_OCTETS |= {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


class Endpoint(NamedTuple):
    """Where to listen or connect."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def duration(value: object) -> object:
    """Turn ``"17 mins"`` into seconds."""
    if isinstance(value, bool):
        raise ValueError('true and false are no durations: write seconds, or "30s", "17 mins", "5 days"')  # noqa: TRY004 - pydantic takes ValueErrors
    if not isinstance(value, str):
        return value
    match = _QUANTITY.match(value)
    unit = match[2].lower() if match else "?"
    scale = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    if match is None or scale is None:
        raise ValueError(f'{value!r} is no duration: write seconds, or "30s", "17 mins", "5 days"')
    return float(match[1]) * scale


def octets(value: object) -> object:
    """Turn ``"25 MiB"`` into octets."""
    if isinstance(value, bool):
        raise ValueError('true and false are no sizes: write octets, or "25 MiB", "10 GB"')  # noqa: TRY004 - pydantic takes ValueErrors
    if not isinstance(value, str):
        return value
    match = _QUANTITY.match(value)
    scale = _OCTETS.get(match[2].lower()) if match else None
    if match is None or scale is None:
        raise ValueError(f'{value!r} is no size: write octets, or "25 MiB", "10 GB"')
    return int(float(match[1]) * scale)


def endpoint(value: object) -> object:
    """Turn ``"127.0.0.1:2525"`` or ``"[::1]:2525"`` into an Endpoint."""
    if isinstance(value, Endpoint):
        return value
    if not isinstance(value, str):
        raise ValueError(f'{value!r} is no address to listen at: write "HOST:PORT"')  # noqa: TRY004 - pydantic takes ValueErrors
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f'{value!r} is no address to listen at: write "HOST:PORT"')
    return Endpoint(host, int(port))
