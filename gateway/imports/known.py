"""What is known of names: roles, providers, throw-away domains, an operator's traps.

The lists are files of config/imports, each with its source, and the package disposable-email-domains; nothing
is asked of the network. ``load_known`` reads them once. It fails with OSError, and with BadTraps.
"""

from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

from gateway.model.address import MalformedAddress, ascii_domain, parse_address
from gateway.model.values import dataclass
from gateway.settings.shipped import shipped


class BadTraps(ValueError):
    """The operator's file of traps holds what is none."""


@dataclass(frozen=True, slots=True)
class Known:
    """Names, folded; domains as A-labels in lower case."""

    roles: frozenset[str]
    disposable: frozenset[str]
    typos: frozenset[str]
    traps: frozenset[str]  # identities, or "@domain"

    def is_disposable(self, domain: str) -> bool:
        """Whether a domain, or one above it, is for addresses that are thrown away."""
        while domain:
            if domain in self.disposable:
                return True
            domain = domain.partition(".")[2]
        return False


def load_known(traps: Path | None = None) -> Known:
    """Read the lists; ``traps``: the operator's own, an address or "@domain" a line."""
    from disposable_email_domains import blocklist  # noqa: PLC0415 - 200 KiB that most commands need not

    folder = shipped("imports")
    providers = frozenset(_names(folder / "providers.txt"))
    return Known(
        frozenset(_names(folder / "roles.txt")),
        frozenset(blocklist),
        frozenset(_typos(providers)),
        frozenset() if traps is None else frozenset(_trap(one) for one in _names(traps)),
    )


def _names(file: Traversable | Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        name = line.partition("#")[0].strip()
        if name:
            yield name


def _trap(text: str) -> str:
    try:
        if text.startswith("@"):
            return f"@{ascii_domain(text[1:])}"
        return parse_address(text).identity
    except MalformedAddress as error:
        raise BadTraps(f"the file of traps has a line that is no address and no @domain: {error}") from None


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-."
_SHORTEST = 5  # letters of a provider's own name: what is near to a shorter one is mostly a name of its own


def _typos(providers: frozenset[str]) -> Iterator[str]:
    """Yield all domains that are one letter away from a provider's, and no provider's themselves."""
    for domain in providers:
        if len(domain.partition(".")[0]) >= _SHORTEST:
            yield from (typo for typo in _one_letter_off(domain) if typo not in providers)


def _one_letter_off(domain: str) -> Iterator[str]:
    """Yield a domain with one letter more, less, changed, or two in each other's place."""
    for place in range(len(domain) + 1):
        head, tail = domain[:place], domain[place:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
