"""What is counted while rows come in: one pass, a state that is small whatever the file is. Pure.

What it promises: the same rows in the same order give the same tally, however often they were cut off and
resumed; ``dump`` and ``load`` keep all of it. ``_DOMAINS`` distinct domains are counted, the first that come;
of the rest only how many rows they have.
"""

import re

import msgspec

_DOMAINS = 50_000
_RUN = 50  # rows in ascending order that are no chance
_ANCIENT = 788_918_400.0  # 1995: nobody signed up to a newsletter on the web before
_TOMORROW = 86_400.0  # clocks and zones differ
_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})\Z", re.DOTALL)


class Tally(msgspec.Struct):
    """The counts of one import."""

    rows: int = 0
    dead: int = 0  # faults, and addresses that are none
    role: int = 0
    traps: int = 0
    timed: int = 0
    unreadable_time: int = 0
    impossible_time: int = 0
    before_account: int = 0
    same_time: int = 0  # as the row before
    located: int = 0  # with an IP address
    same_ip: int = 0
    evidenced: int = 0  # with a time
    sorted: int = 0  # in ascending runs of some length
    numbered: int = 0  # bob17, bob18
    one_name: int = 0  # bob@a, bob@b
    domains: dict[str, int] = {}
    other_domains: int = 0  # rows
    run: int = 0
    last_local: str = ""
    last_domain: str = ""
    last_time: float | None = None
    last_ip: str = ""

    def take_evidence(self, at: float | None, said: str, ip: str, now: float, opened: float) -> None:
        """Count what a row says of its consent; ``opened``: when the account was made."""
        if at is None:
            self.unreadable_time += bool(said)
        else:
            self.timed += 1
            self.same_time += at == self.last_time
            if at < _ANCIENT or at > now + _TOMORROW:
                self.impossible_time += 1
            else:
                self.evidenced += 1
                self.before_account += at < opened
        if ip:
            self.located += 1
            self.same_ip += ip == self.last_ip
        self.last_time, self.last_ip = at, ip

    def take_address(self, local: str, domain: str, roles: frozenset[str]) -> None:
        """Count a folded local part and its domain's A-labels."""
        self.rows += 1
        if local in roles:
            self.role += 1
        self._take_order(local, domain)
        domains = self.domains
        if domain in domains:
            domains[domain] += 1
        elif len(domains) < _DOMAINS:
            domains[domain] = 1
        else:
            self.other_domains += 1

    def _take_order(self, local: str, domain: str) -> None:
        last = self.last_local
        if local > last:
            self.run += 1
            if self.run >= _RUN:
                self.sorted += _RUN if self.run == _RUN else 1
            if local[-1].isdigit() and self.last_domain == domain and _follows(last, local):
                self.numbered += 1
        elif local < last:
            self.run = 1
        else:
            self.one_name += domain != self.last_domain
        self.last_local, self.last_domain = local, domain

    def dump(self) -> bytes:
        """Return it as it may rest; it holds an address, the last one."""
        return msgspec.msgpack.encode(self)


def load(octets: bytes) -> Tally:
    """Return a tally that rested."""
    return msgspec.msgpack.decode(octets, type=Tally)


def _follows(before: str, after: str) -> bool:
    """Whether a name is the one before it, with the next number."""
    match, previous = _NUMBERED.match(after), _NUMBERED.match(before)
    return (
        match is not None
        and previous is not None
        and match[1] == previous[1]
        and int(match[2]) == int(previous[2]) + 1
    )
