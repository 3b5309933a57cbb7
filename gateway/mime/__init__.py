"""Bytes to bytes: scan, splice, headers, text. No I/O, and any input gives a result or the one named error."""
