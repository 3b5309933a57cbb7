"""Relaxed canonicalisation of header fields and bodies, RFC 6376 sections 3.4.2 and 3.4.4.

What it promises: the same octets as dkimpy, whose functions stay the reference (tests/property holds the
two together), for a fraction of the time: a look for what needs changing comes first, and most bodies need
nothing. Two cases are decided differently, and on purpose:

- a body that lacks its last CRLF is taken as it will stand on the wire, where SMTP's end of data gives it
  one (RFC 5321 section 4.1.1.4): white space before that CRLF is trailing white space;
- only SP and HTAB are white space (RFC 6376 section 2.8): a form feed or vertical tab at the edge of a
  header value stays.

It is linear in its input, whatever the input is, and never fails. Lines end in CRLF; a bare CR or LF is an
octet like any other.
"""

import re

# The searches here go backwards, because CPython needs half the time for that where nothing is found.
_RUN = re.compile(b"  +")


def relaxed_body(body: bytes) -> bytes:
    """Return the body in relaxed form (RFC 6376 section 3.4.4)."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    body = _single_spaced(body)
    # Every run is one space by now, so this finds all white space at ends of lines.
    if body.rfind(b" \r\n") >= 0:
        body = body.replace(b" \r\n", b"\r\n")
    return _without_last_empty_lines(body)


def relaxed_lines(section: bytes) -> list[bytes]:
    """Return a header section's fields, each unfolded (RFC 5322 section 2.2.3) and with single spaces.

    What is left to do to each is ``relaxed_name`` before the colon and ``strip(b" ")`` after it
    (RFC 6376 section 3.4.2).
    """
    text = section.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    return _single_spaced(text).split(b"\r\n")


def relaxed_name(name: bytes) -> bytes:
    """Return the name of a relaxed line: lower case, no white space before the colon."""
    return name.lower().rstrip(b" ")


def _single_spaced(text: bytes) -> bytes:
    """Make every run of white space one space; the text itself where there is nothing to do."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    if text.rfind(b"  ") >= 0:
        text = _RUN.sub(b" ", text)
    return text


def _without_last_empty_lines(body: bytes) -> bytes:
    """Leave one CRLF at the end, and nothing at all of a body of empty lines; the body ends in CRLF."""
    if not body.endswith(b"\r\n\r\n"):
        return b"" if body == b"\r\n" else body
    text = body.rstrip(b"\r\n")
    tail = len(body) - len(text)
    end = len(body)
    if body[len(text) :] == b"\r\n" * (tail // 2):
        end = len(text)
    else:  # a bare CR or LF among them is content, and so are the empty lines before it
        while body.endswith(b"\r\n", 0, end):
            end -= 2
    return body[:end] + b"\r\n" if end else b""
