"""From what was counted to findings, a score, and the reasons for it. Pure.

Each kind of finding is one line of ``_TABLE``: which share it looks at, from which share it begins to count,
from which it counts in full. Between the two it counts in proportion. A share of few rows says little: what
is less than ``_FEW`` rows is no finding, traps apart.

What only the operator may see says so: a tenant who could read which addresses are traps would take them out,
and nobody is told whose list an import is (docs/decisions/0023-imports.md).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt

import msgspec

from gateway.imports.known import Known
from gateway.imports.tally import Tally
from gateway.model.import_rules import ImportRules
from gateway.model.values import dataclass

_FEW = 3
_TOP = 20  # lists that are named
_CERTAIN = 1.96  # standard deviations: 95 %


class Overlap(msgspec.Struct, frozen=True):
    """How much of an import stands on another list: by a sample where it is another account's."""

    account_id: int
    list_id: int
    found: int
    looked_at: int

    @property
    def share(self) -> float:
        """The part of the import that is on the list, as best known."""
        return self.found / self.looked_at if self.looked_at else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what it is in 19 cases of 20 (Wilson's interval)."""
        return wilson(self.found, self.looked_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store knows of an import's addresses, each counted once."""

    distinct: int
    here: int  # on this list already
    gone: int  # unsubscribed, bounced, complained, suppressed, or not to be mailed at all
    moved: int  # on another list of the account, without evidence of their own
    subscribers: int  # of the account, before
    days: float  # the account's age
    overlaps: Sequence[Overlap] = ()  # with lists of other accounts


@dataclass(frozen=True, slots=True)
class Domains:
    """What the DNS says: rows at domains that were looked at, and rows at those that take no mail."""

    looked_at: int = 0
    no_mail: int = 0


class Finding(msgspec.Struct, frozen=True):
    """One thing that was found: ``count`` rows of ``of``; what it adds to the score, and why in words."""

    name: str
    count: int
    of: int
    points: float
    words: str
    operator_only: bool = False


class Report(msgspec.Struct, frozen=True):
    """What an import looks like. It names no address."""

    score: float
    rows: int
    distinct: int
    findings: tuple[Finding, ...]
    overlaps: tuple[Overlap, ...] = ()  # for the operator only

    def for_tenants(self) -> "tuple[Finding, ...]":
        """Return the findings that may be shown to the account."""
        return tuple(one for one in self.findings if not one.operator_only)


@dataclass(frozen=True, slots=True)
class _Facts:
    tally: Tally
    standing: Standing
    domains: Domains
    disposable: int
    typo: int


@dataclass(frozen=True, slots=True)
class _Line:
    """``count`` of ``of``: counts from the share ``low`` on, in full from ``high`` on."""

    count: Callable[[_Facts], int]
    of: Callable[[_Facts], int]
    low: float
    high: float
    words: str
    operator_only: bool = False
    few: int = _FEW


def _rows(facts: _Facts) -> int:
    return facts.tally.rows


def _lines(facts: _Facts) -> int:
    return facts.tally.rows + facts.tally.dead


def _distinct(facts: _Facts) -> int:
    return facts.standing.distinct


_TABLE: Mapping[str, _Line] = {
    "role": _Line(
        lambda f: f.tally.role, _rows, 0.01, 0.1, "are offices (info@, sales@), which ask for no newsletter"
    ),
    "disposable": _Line(
        lambda f: f.disposable, _rows, 0.005, 0.05, "are at domains for throw-away addresses"
    ),
    "typo": _Line(
        lambda f: f.typo, _rows, 0.01, 0.05, "are at a domain one letter away from a large provider"
    ),
    "dead": _Line(
        lambda f: f.tally.dead, _lines, 0.01, 0.2, "are no addresses, or lines that cannot be read"
    ),
    "no-mail": _Line(
        lambda f: f.domains.no_mail,
        lambda f: f.domains.looked_at,
        0.02,
        0.15,
        "are at domains that take no mail (of those looked up)",
    ),
    "sorted": _Line(lambda f: f.tally.sorted, _rows, 0.5, 0.95, "stand in alphabetical order"),
    "numbered": _Line(lambda f: f.tally.numbered, _rows, 0.01, 0.1, "are numbered through, as if generated"),
    "one-name": _Line(
        lambda f: f.tally.one_name, _rows, 0.05, 0.3, "have the name of the row before at another domain"
    ),
    "same-time": _Line(
        lambda f: f.tally.same_time,
        lambda f: f.tally.timed,
        0.5,
        0.95,
        "have the same time as the row before",
    ),
    "impossible-time": _Line(
        lambda f: f.tally.impossible_time,
        lambda f: f.tally.timed,
        0.0,
        0.05,
        "have a time in the future, or before there were newsletters",
    ),
    "same-ip": _Line(
        lambda f: f.tally.same_ip,
        lambda f: f.tally.located,
        0.5,
        0.95,
        "have the IP address of the row before",
    ),
    "no-evidence": _Line(
        lambda f: f.tally.rows - f.tally.evidenced, _rows, 0.0, 1.0, "say not when they were confirmed"
    ),
    "doubled": _Line(
        lambda f: f.tally.rows - f.standing.distinct, _rows, 0.05, 0.3, "stand there more than once"
    ),
    "gone": _Line(
        lambda f: f.standing.gone, _distinct, 0.005, 0.05, "have left here, complained or bounced before"
    ),
    "moved": _Line(
        lambda f: f.standing.moved,
        _distinct,
        0.1,
        0.8,
        "stand on another list of the account, without evidence of consent to this one",
    ),
    "traps": _Line(lambda f: f.tally.traps, _rows, 0.0, 0.0, "are spam traps", operator_only=True, few=1),
}


def examine(tally: Tally, standing: Standing, domains: Domains, known: Known, rules: ImportRules) -> Report:
    """Return the report on an import."""
    facts = _Facts(
        tally,
        standing,
        domains,
        sum(count for domain, count in tally.domains.items() if known.is_disposable(domain)),
        sum(count for domain, count in tally.domains.items() if domain in known.typos),
    )
    findings = [*_shares(facts, rules), *_velocity(facts, rules), *_bought(standing.overlaps, rules)]
    findings.sort(key=lambda one: -one.points)
    score = round(sum(one.points for one in findings), 1)
    overlaps = tuple(one for one in standing.overlaps[:_TOP] if one.found >= _FEW)
    return Report(score, tally.rows, standing.distinct, tuple(findings), overlaps)


def _shares(facts: _Facts, rules: ImportRules) -> Iterator[Finding]:
    for name, line in _TABLE.items():
        count, of = line.count(facts), line.of(facts)
        if count < line.few:
            continue
        weight = _between(count / of, line.low, line.high)
        yield Finding(
            name,
            count,
            of,
            round(rules.points[name] * weight, 1),
            _say(count, of, line.words),
            line.operator_only,
        )


def _velocity(facts: _Facts, rules: ImportRules) -> Iterator[Finding]:
    """An account that is new and small and brings very many has them from elsewhere."""
    standing = facts.standing
    likely = standing.subscribers + int(rules.per_day * (1 + standing.days))
    times = standing.distinct / likely
    if times > 1:
        words = f"{standing.distinct:,} at once, where the account's age and size make {likely:,} likely"
        points = round(rules.points["velocity"] * _between(times, 1, 20), 1)
        yield Finding("velocity", standing.distinct, likely, points, words)


def _bought(overlaps: Sequence[Overlap], rules: ImportRules) -> Iterator[Finding]:
    """Count the largest overlap, and only what is certain of it."""
    largest = max(overlaps, key=lambda one: one.bounds[0], default=None)
    if largest is None or largest.found < _FEW:
        return
    low, high = largest.bounds
    words = (
        f"{largest.share:.0%} of this import ({low:.0%} to {high:.0%}) is list {largest.list_id} "
        f"of account {largest.account_id}"
    )
    points = round(rules.points["bought"] * _between(low, 0.2, 0.7), 1)
    yield Finding("bought", largest.found, largest.looked_at, points, words, operator_only=True)


def _between(value: float, low: float, high: float) -> float:
    if value >= high:
        return 1.0
    return max(0.0, (value - low) / (high - low))


def _say(count: int, of: int, words: str) -> str:
    return f"{count:,} of {of:,} ({count / of:.1%}) {words}"


def wilson(found: int, looked_at: int) -> tuple[float, float]:
    """Return between what a share is, seen in a sample."""
    if not looked_at:
        return 0.0, 1.0
    share, square = found / looked_at, _CERTAIN**2
    middle = share + square / (2 * looked_at)
    around = _CERTAIN * sqrt(share * (1 - share) / looked_at + square / (4 * looked_at**2))
    whole = 1 + square / looked_at
    return max(0.0, (middle - around) / whole), min(1.0, (middle + around) / whole)
