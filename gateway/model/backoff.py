"""When to try again, as arithmetic. Pure: the jitter's fraction and the time are arguments."""

_SPREAD = 0.25  # of each wait: so that what failed together is not tried together
_DOUBLINGS = 60  # beyond this every wait is the longest one


def wait_before(attempts: int, first: float, longest: float, fraction: float) -> float:
    """Return the seconds to wait after the ``attempts``-th failure (counted from 1).

    The wait doubles from ``first`` to ``longest``; up to a quarter of it is taken off by ``fraction`` (0 to
    1), so it is never longer than ``longest``, and for one fraction it never shrinks as attempts grow.
    """
    doublings = min(max(attempts - 1, 0), _DOUBLINGS)
    return min(longest, first * 2.0**doublings) * (1 - _SPREAD * fraction)


def is_expired(received_at: float, now: float, max_age: float) -> bool:
    """Whether a delivery has been tried for long enough (RFC 5321 section 4.5.4.1)."""
    return now - received_at >= max_age
