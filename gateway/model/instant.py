"""Times as programs read them. Pure."""

from datetime import UTC, datetime


def rfc3339(at: float) -> str:
    """Return seconds since the epoch as RFC 3339 has it, in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
