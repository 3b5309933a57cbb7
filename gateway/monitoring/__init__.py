"""From what happened lately to what it looks like: pure functions from windows to findings."""
