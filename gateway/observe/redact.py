"""Takes mail addresses out of what goes to the log. Pure.

What it promises: no mailbox of RFC 5321 or RFC 6531 survives, wherever it stands: in a value, a key, an
exception's text, the repr of an object, percent-encoded in a URL or as xtext. It prefers to take too much
(a Message-ID and a password in a URL go too) and never raises, whatever a value's own repr does.
"""

import math
import re
from collections.abc import Callable, Mapping

from gateway.model.address import Address

REDACTED = "[address]"
_UNPRINTABLE = "[unprintable]"
_DEEPEST = 6
_LONGEST = 20_000  # characters of one value
_HALF = 1400  # characters: no address, however it is written, is longer

# A local part: quoted, or a run of anything that no grammar allows around it. A backslash may stand in it:
# the repr of octets writes letters with one. In a repr of a repr nobody can say which quote opens, so a
# quoted part takes all back to the first quote within reach; the bound, and that a run is tried from its
# start only, keep the search linear.
_QUOTED = r'"[^\r\n]{0,600}"'
_RUN = r'[^\x00-\x20\x7f()<>\[\]:;,"@]'
_LOCAL = rf"(?:{_QUOTED}|(?<!{_RUN}){_RUN}+)"
# A domain or a literal; like the local part, without looking for its exact grammar.
_DOMAIN = r"""(?:\[[^\]\r\n]*\]|[^\x00-\x20\x7f()<>\[\]:;,"'@/&?#}]+)"""
_PLAIN = re.compile(rf"{_LOCAL}[@\uff20\ufe6b]{_DOMAIN}")
# %40 in URLs, +40 in xtext (RFC 3461 section 4, where most of ASCII stands for itself), &#64; in HTML.
_VISIBLE = r"[^\x00-\x20\x7f]"
_ENCODED = re.compile(rf"(?<!{_VISIBLE}){_VISIBLE}+(?:%40|\+40|&#64;)[\w\[][\w.:%\-\]]*")
# The repr of our own value: gateway.model.address.Address.
_VALUE = re.compile(
    r"""Address\(local=(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"), domain=(?:'[^']*'|"[^"]*")\)"""
)


def may_hold_address(text: str) -> bool:
    """Whether there is anything in the text that ``redact`` would look at; most lines have nothing."""
    return (
        "@" in text
        or "%40" in text
        or "+40" in text
        or "&#64;" in text
        or "Address(" in text
        or (not text.isascii() and ("\uff20" in text or "\ufe6b" in text))
    )


def redact(text: str) -> str:
    """Return the text with REDACTED in the place of every address."""
    if "Address(" in text:
        text = _VALUE.sub(REDACTED, text)
    if "@" in text or "\uff20" in text or "\ufe6b" in text:
        text = _PLAIN.sub(REDACTED, text)
    if "%40" in text or "+40" in text or "&#64;" in text:
        text = _ENCODED.sub(REDACTED, text)
    return text


def redact_value(value: object, depth: int = 0) -> object:
    """Return a value of JSON's types (mappings, lists, scalars) that holds no address."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else repr(value)  # JSON has no infinity
        case str():
            return _shown(str(value))
        case bytes() | bytearray():
            return _shown(value.decode("utf-8", "backslashreplace"))
    return _container(value, depth)


def _container(value: object, depth: int) -> object:
    if isinstance(value, Address):
        return REDACTED
    if depth < _DEEPEST and isinstance(value, Mapping):
        return _mapping(value, depth)
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [redact_value(one, depth + 1) for one in value]
    return _described(value)


def _mapping(value: Mapping[object, object], depth: int) -> object:
    try:
        return {_shown(str(key)): redact_value(one, depth + 1) for key, one in value.items()}
    except Exception:  # noqa: BLE001 - a strange mapping must not stop the mail
        return _UNPRINTABLE


def _described(value: object) -> str:
    """Return the text of an object: what an exception says, the repr of anything else."""
    show: Callable[[object], str] = str if isinstance(value, BaseException) else repr
    try:
        return _shown(show(value))
    except Exception:  # noqa: BLE001 - an object's own code must not stop the mail
        return _UNPRINTABLE


def _shown(text: str) -> str:
    """Redact, and cut what is too long so that no half of an address is left at the end."""
    if len(text) <= _LONGEST:
        return redact(text)
    return f"{redact(text[:_LONGEST])[:-_HALF]} [cut]"
