"""Quotas that are right across all worker processes of a machine: one mapped file, one number for each rate.

What it promises: a call takes microseconds and waits for nothing but another process's same few
microseconds; all rates of a key are taken together or none is; what was granted in all is what the generic
cell rate algorithm of ``gateway.model.rate`` permits, whichever process asked. The file outlives a restart,
so that restarting gives nobody a fresh quota.

The form: buckets of 16 slots, a key's slots all in one bucket, so one lock covers them. A slot is the
16-octet keyed hash of the key, the rate (amount, period) and its theoretical arrival time (TAT). A TAT that
has passed says nothing that an empty slot does not, so the slot with the least TAT makes room for a new key.

How it fails: a bucket in which no TAT has passed gives up its least one, and ``displaced`` counts it. That
key has its quota anew, a little early; no key goes unlimited and no mail stops. A process that is killed
between two rates of one call has taken the first only: one token. A TAT that cannot be (not a number, far
in the future) is not believed. A file that is garbage is started anew (gateway.store.shared_file).
Call it from one thread at a time or several: both are safe. Open it once in a process.
"""

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

from gateway.model import rate as gcra
from gateway.model.facts import QuotaFact
from gateway.model.rate import Conforms, Rate
from gateway.ports import Entropy
from gateway.store.shared_file import HEADER, Layout, SharedFile

GRANTED = QuotaFact()

_SLOT = struct.Struct("<16sIId")  # hash of the key, amount, period, TAT
_NAME = 16  # octets of the hash in a slot
_MARK = struct.Struct("<II")
_TAT = struct.Struct("<d")
_TAT_AT = _SLOT.size - _TAT.size
_WAYS, _BUCKETS = 16, 4096
_BUCKET = struct.Struct("<" + "24xd" * _WAYS)
_U32 = 0xFFFF_FFFF
_NEVER = 1e10  # seconds: no reservation reaches 300 years ahead
_LAYOUT = Layout(b"CSNTQTA1", _BUCKETS * _BUCKET.size)


def weigh(
    rates: Sequence[Rate], burst: int, tats: Sequence[float], now: float, count: int
) -> QuotaFact | list[float]:
    """Ask all rates at their TATs: the new TATs, or the fact of the rate that has the longest wait.

    A burst of 0 is the amount of the rate with the smallest period (gateway.model.facts.Account).
    """
    if burst < 1:
        burst = _burst_of(rates)
    granted: list[float] = []
    refused = GRANTED
    for one, tat in zip(rates, tats, strict=True):
        answer = gcra.reserve(one, burst, tat, now, count)
        if isinstance(answer, Conforms):
            granted.append(answer.tat)
        elif answer.wait > refused.wait:
            refused = QuotaFact(answer.wait, str(one))
    return granted if refused is GRANTED else refused


def disbelieve(
    rates: Sequence[Rate], burst: int, tats: Sequence[float], now: float
) -> list[tuple[int, float]]:
    """Return the places of TATs that no reservation can have made by now, with the latest that one can.

    A refusal leaves a TAT as it is; one from a clock that was years ahead would refuse for years. A second
    is left for callers whose ``now`` is a little older than another's.
    """
    burst = burst if burst > 0 else _burst_of(rates)
    latest = [now + one.interval * burst for one in rates]
    return [(place, most) for place, most in enumerate(latest) if tats[place] > most + 1]


def _burst_of(rates: Sequence[Rate]) -> int:
    return min(rates, key=lambda one: one.period).amount


class SharedQuota:
    """Implements ``ports.Quota`` over the file at ``path``."""

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self._file = SharedFile(path, _LAYOUT, entropy)
        self._blank = hashlib.blake2b(digest_size=16, key=self._file.secret)
        self.displaced = 0
        """How many quotas this process has cut short for want of room."""

    def reserve(self, key: bytes, rates: Sequence[Rate], burst: int, now: float, count: int = 1) -> QuotaFact:
        """Take ``count`` tokens of every rate, or none and say how long until there would be."""
        if not rates:
            return GRANTED
        if len(rates) > _WAYS:
            rates = _strictest(rates)
        marks, start = self._place(key, rates)
        self._file.hold(start)
        try:
            slots, tats = self._look_up(marks, start)
            answer = weigh(rates, burst, tats, now, count)
            if isinstance(answer, QuotaFact):
                for place, tat in disbelieve(rates, burst, tats, now):
                    _TAT.pack_into(self._file.map, slots[place] + _TAT_AT, tat)
                return answer
            self._write(start, marks, slots, answer, now)
        finally:
            self._file.let_go(start)
        return GRANTED

    def give_back(self, key: bytes, rates: Sequence[Rate], count: int = 1) -> None:
        """Return tokens that were reserved for what was then refused."""
        if len(rates) > _WAYS:
            rates = _strictest(rates)
        marks, start = self._place(key, rates)
        self._file.hold(start)
        try:
            slots, tats = self._look_up(marks, start)
            for one, slot, tat in zip(rates, slots, tats, strict=True):
                if slot >= 0:
                    _TAT.pack_into(self._file.map, slot + _TAT_AT, gcra.give_back(one, tat, count))
        finally:
            self._file.let_go(start)

    def check(self, key: bytes, rates: Sequence[Rate], burst: int, now: float) -> QuotaFact:
        """Say what ``reserve`` would say, and take nothing."""
        if not rates:
            return GRANTED
        if len(rates) > _WAYS:
            rates = _strictest(rates)
        marks, start = self._place(key, rates)
        self._file.hold(start)
        try:
            _, tats = self._look_up(marks, start)
        finally:
            self._file.let_go(start)
        answer = weigh(rates, burst, tats, now, 1)
        return answer if isinstance(answer, QuotaFact) else GRANTED

    def forget(self, key: bytes) -> None:
        """Let nothing of a key be left in the file, whatever its rates were."""
        marks, start = self._place(key, (Rate(1, 1),))
        name = marks[0][:_NAME]
        self._file.hold(start)
        try:
            for slot in range(start, start + _BUCKET.size, _SLOT.size):
                if self._file.map[slot : slot + _NAME] == name:
                    self._file.map[slot : slot + _SLOT.size] = bytes(_SLOT.size)
        finally:
            self._file.let_go(start)

    def close(self) -> None:
        """Close the file; the quotas stay in it."""
        self._file.close()

    def _place(self, key: bytes, rates: Sequence[Rate]) -> tuple[list[bytes], int]:
        """Return the first 24 octets of each rate's slot, and the offset of the key's bucket."""
        blank = self._blank.copy()
        blank.update(key)
        digest = blank.digest()
        bucket = int.from_bytes(digest[:4], "little") % _BUCKETS
        # The low 32 bits tell the rates of one key apart: no two differ in the others only.
        marks = [digest + _MARK.pack(one.amount & _U32, one.period) for one in rates]
        return marks, HEADER + bucket * _BUCKET.size

    def _look_up(self, marks: Sequence[bytes], start: int) -> tuple[list[int], list[float]]:
        """Return the offset of each rate's slot, -1 where it has none, and its TAT, 0 where it has none."""
        bucket = self._file.map[start : start + _BUCKET.size]
        slots, tats = [], []
        for mark in marks:
            at = bucket.find(mark)
            if at < 0 or at % _SLOT.size:
                slots.append(-1)
                tats.append(0.0)
                continue
            (tat,) = _TAT.unpack_from(bucket, at + _TAT_AT)
            slots.append(start + at)
            tats.append(tat if tat == tat else 0.0)  # noqa: PLR0124 - not a number is not equal to itself
        return slots, tats

    def _write(
        self, start: int, marks: Sequence[bytes], slots: list[int], tats: Sequence[float], now: float
    ) -> None:
        for number, slot in enumerate(slots):
            if slot < 0:
                slots[number] = self._make_room(start, slots, now)
                self._file.map[slots[number] : slots[number] + _TAT_AT] = marks[number]
            _TAT.pack_into(self._file.map, slots[number] + _TAT_AT, tats[number])

    def _make_room(self, start: int, taken: Sequence[int], now: float) -> int:
        """Return the slot of the bucket that says least; those in ``taken`` are in use by this call."""
        free = [
            (tat if tat < now + _NEVER else 0.0, start + number * _SLOT.size)
            for number, tat in enumerate(_BUCKET.unpack_from(self._file.map, start))
            if start + number * _SLOT.size not in taken
        ]
        least, slot = min(free)
        if least > now:
            self.displaced += 1
        return slot


def _strictest(rates: Sequence[Rate]) -> Sequence[Rate]:
    """Return the strictest rate of each period: what is left of more rates than a bucket has slots."""
    strictest = {one.period: one for one in sorted(rates, key=lambda one: -one.amount)}
    return list(strictest.values())[:_WAYS]
