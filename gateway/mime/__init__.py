"""Bytes to bytes: scan, splice, headers, text. No I/O; any input gives a result or the one named error."""
