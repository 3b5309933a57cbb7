"""Where a link leads: whether anybody can follow it, from anywhere. Nothing is asked of the net.

``why_broken`` reads an href as browsers do (the URL standard's section 4.4: blanks around it and line ends in
it go) and gives a slug, or "" for what may work. Whether somebody answers there is not known here
(gateway.linkcheck asks, where the operator wants it).
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

_AROUND = "".join(map(chr, range(0x21)))
_WITHIN = str.maketrans("", "", "\t\r\n")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?\Z", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@<>\"(),:;\\]+@([^\s@<>\"(),:;\\]+)\Z")
# What is left of a placeholder that nobody filled in. A percent sign before two hex digits is an octet.
_UNFILLED = re.compile(
    r"\{\{|\}\}|%7B%7B|\*(?:\||%7C)|(?:\||%7C)\*|<%|%3C%25|\$\{|##\w|%%\w+%%|\[\[|%5B%5B"
    r"|%(?![0-9a-f]{2})[a-z_][\w.-]*%|\A(?:https?://)?(?:\[(?![^\]]*:)|\{|%5B|%7B)",
    re.IGNORECASE,
)
# RFC 6761 and RFC 6762, RFC 8375, and what home networks use: names that lead nowhere, or home.
_AT_HOME = frozenset(
    {"local", "localhost", "localdomain", "lan", "internal", "intranet", "home", "corp", "onion"}
)
_NOWHERE = frozenset({"invalid", "test", "example"})
# The forms of IPv4 addresses that browsers take too: one number, octal, hexadecimal.
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?\Z", re.IGNORECASE)


def cleaned(href: str) -> str:
    """Return an href as browsers read it."""
    return href if href.isprintable() and " " not in href else href.strip(_AROUND).translate(_WITHIN)


def is_unfilled(href: str) -> bool:
    """Whether something is left in an href of a placeholder that nobody filled in."""
    return _UNFILLED.search(href) is not None


def why_broken(href: str, reserved: frozenset[str] = frozenset()) -> str:
    """Return why a cleaned href leads nowhere, as a slug; "" where it may work.

    ``reserved``: top-level names of RFC 2606 that count as real ones, for tests.
    """
    if not href or href.startswith("#"):
        return "fragment" if href else "no-target"
    if is_unfilled(href):
        return "unfilled-placeholder"
    scheme = _SCHEME.match(href)
    if scheme is None:
        return "relative"
    match scheme[0].lower():
        case "http:" | "https:":
            return _why_web(href, reserved)
        case "mailto:":
            return _why_mailto(href, reserved)
        case _:
            return "scheme"


def web_host(href: str) -> str:
    """Return the host that a web link asks at its usual port, as the DNS knows it; "" for any other link."""
    if not href[:6].lower().startswith(("http:", "https:")):
        return ""
    try:
        parts = urlsplit(href)
        host, port = unquote(parts.hostname or ""), parts.port
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError:
        return ""
    return name.rstrip(".").lower() if port is None and _HOST.match(name) else ""


def _why_web(href: str, reserved: frozenset[str]) -> str:
    try:
        # Browsers take any number of slashes, of either kind.
        scheme, _, rest = href.partition(":")
        parts = urlsplit(f"{scheme}://{rest.lstrip('/' + chr(92))}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "host"
    if "@" in parts.netloc:
        return "userinfo"
    return _why_host(unquote(host), reserved) if host else "no-host"


def _why_mailto(href: str, reserved: frozenset[str]) -> str:
    address = unquote(href[len("mailto:") :].partition("?")[0]).strip()
    mailbox = _MAILBOX.match(address)
    return _why_host(mailbox[1], reserved) if mailbox else "no-mailbox"


def _why_host(host: str, reserved: frozenset[str]) -> str:
    if ":" in host or _NUMBERS.match(host):
        return _why_address(host)
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return "host"
    labels = name.rstrip(".").lower().split(".")
    if not _HOST.match(name) or labels[-1].isdigit():
        return "host"
    return _why_name(labels, reserved)


def _why_name(labels: Sequence[str], reserved: frozenset[str]) -> str:
    if labels[-1] in reserved:
        return ""
    if labels[-1] in _NOWHERE:
        return "reserved-name"
    if labels[-1] in _AT_HOME or labels[-2:] == ["home", "arpa"]:
        return "private-name"
    return "single-label" if len(labels) == 1 else ""


def _why_address(host: str) -> str:
    try:
        address = ip_address(_number(host) if _NUMBERS.match(host) else host.partition("%")[0])
    except ValueError:
        return "host"
    mapped = getattr(address, "ipv4_mapped", None) or address
    return "" if mapped.is_global and not mapped.is_multicast else "private-address"


def _number(host: str) -> int:
    """Read an IPv4 address as browsers do; raise ValueError for none."""
    *leading, last = [_part(piece) for piece in host.rstrip(".").split(".")]
    if any(piece > 255 for piece in leading) or last >= 256 ** (4 - len(leading)):
        raise ValueError(host)
    return last + sum(piece << 8 * (3 - index) for index, piece in enumerate(leading))


def _part(piece: str) -> int:
    if piece[:2].lower() == "0x":
        return int(piece[2:] or "0", 16)
    return int(piece, 8 if len(piece) > 1 and piece[0] == "0" else 10)
