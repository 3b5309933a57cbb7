"""Where a new account's password comes from: standard input, the terminal, or chance."""

import secrets
import sys

import typer

from gateway.cli.say import Refused

_LEAST = 8
_MOST = 1024
_GROUPS = 5
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


def generated() -> str:
    """Return a password of some 124 bits that can be typed from paper."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(_GROUPS))


def from_stdin() -> str:
    """Read a password from standard input, up to its first line's end."""
    return _checked(sys.stdin.readline().rstrip("\r\n"))


def asked_for() -> str | None:
    """Ask twice at a terminal; return None where there is nobody to ask, or an empty answer was given."""
    if not sys.stdin.isatty():
        return None
    prompt = "Password (empty: make one)"
    password = str(typer.prompt(prompt, hide_input=True, default="", show_default=False, err=True))
    if not password:
        return None
    if typer.prompt("Again", hide_input=True, err=True) != password:
        raise Refused("the two passwords differ; nothing was changed")
    return _checked(password)


def _checked(password: str) -> str:
    if not _LEAST <= len(password) <= _MOST:
        raise Refused(f"a password has {_LEAST} to {_MOST} characters, this one has {len(password)}")
    if "\0" in password:
        raise Refused("a password cannot hold a NUL: AUTH PLAIN ends there (RFC 4616 section 2)")
    return password
