"""What a row says of its own consent: when, from which address of the network. Pure.

What it promises: a moment in seconds since the epoch, or None for what nobody can read as one. A time without
a zone is UTC; a bare number is seconds, or milliseconds where it is too large for them.
"""

import re
from datetime import UTC, datetime
from ipaddress import ip_address

_LONGEST = 40  # characters of a time
_SOURCE = 200  # characters of a row's own source
_MILLISECONDS = 100_000_000_000  # larger: seconds of the year 5138
_NUMBER = re.compile(r"[0-9]{9,13}(?:\.[0-9]{1,9})?\Z", re.ASCII)
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!\Z)|\Z)){4}", re.ASCII)


def moment(text: str) -> float | None:
    """Return a row's time."""
    if len(text) > _LONGEST:
        return None
    if _NUMBER.match(text):
        number = float(text)
        return number / 1000 if number > _MILLISECONDS else number
    try:
        when = datetime.fromisoformat(text.strip())
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def host(text: str) -> str:
    """Return an IP address as it was written, or "" for what is none."""
    if not text or _IPV4.match(text):
        return text
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def told(source: str, line: int, at: str, ip: str, form: str) -> str:
    """Return what is kept as a row's source: that of the whole import, and what the row itself says."""
    return f"{source} [line {line} | {_short(at)} | {ip} | {_short(form, _SOURCE)}]"


def retold(text: str, source: str) -> dict[str, str | int]:
    """Return the row's own part of what ``told`` made."""
    line, at, ip, form = text[len(source) + 7 : -1].split(" | ", 3)
    said: dict[str, str | int] = {"line": int(line)}
    return said | {name: one for name, one in (("at", at), ("ip", ip), ("form", form)) if one}


def _short(text: str, longest: int = _LONGEST) -> str:
    return text.strip()[:longest].replace(" | ", " / ") if text else ""
