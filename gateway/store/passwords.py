"""Passwords: argon2id, a few at a time, and a short memory of those that were right.

A verification takes 50 to 100 ms of CPU and 64 MiB, so that guessing is dear; one at a time runs in a
process, and those who ask for the same proof share it. What was right is remembered by a keyed hash whose key
lives and dies with the process: nothing in memory says what a password was, except to one who has it already.
"""

import asyncio
import hashlib
import os
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from gateway.store.bounded import Bounded

_REMEMBERED = 10_000
_AT_ONCE = 1

Ticks = Callable[[], float]


class Passwords:
    """Makes and checks password hashes."""

    def __init__(
        self,
        remember: float,
        hasher: PasswordHasher | None = None,
        octets: Callable[[int], bytes] = os.urandom,
        ticks: Ticks = time.monotonic,
    ) -> None:
        """``remember``: seconds for which a right password is not computed again."""
        self._remember = remember
        self._ticks = ticks
        self._hasher = hasher or PasswordHasher()
        self._key = octets(32)
        self._nobody = _hash_of_nothing(self._hasher, octets)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._right: Bounded[bytes, float] = Bounded(_REMEMBERED)
        self._running: dict[bytes, asyncio.Future[bool]] = {}

    async def verify(self, standing: str, password: str, stored: str | None) -> bool:
        """Say whether the password is that of the stored hash; ``None``, of nobody, takes as long.

        ``standing`` names the account and its state: what was right is forgotten where either differs.
        """
        proof = self._proof(standing, password, stored or "")
        until = self._right.get(proof)
        if until is not None and self._ticks() < until:
            return True
        right = await self._verify_once(proof, password, stored or self._nobody)
        if right and stored:
            self._right.put(proof, self._ticks() + self._remember)
        return right and stored is not None

    def close(self) -> None:
        """End the threads; verifications that wait are dropped."""
        self._threads.shutdown(cancel_futures=True)

    async def _verify_once(self, proof: bytes, password: str, stored: str) -> bool:
        running = self._running.get(proof)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, self._matches, password, stored)
            self._running[proof] = running
            running.add_done_callback(lambda _: self._running.pop(proof, None))
        # One who goes away must not take the answer from another who waits for it.
        return await asyncio.shield(running)

    def _matches(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, _octets(password))
        except (VerificationError, InvalidHashError):
            return False

    def _proof(self, *texts: str) -> bytes:
        keyed = hashlib.blake2b(key=self._key, digest_size=32)
        for text in texts:
            raw = _octets(text)
            keyed.update(len(raw).to_bytes(8, "big") + raw)
        return keyed.digest()


def _hash_of_nothing(hasher: PasswordHasher, octets: Callable[[int], bytes]) -> str:
    """Return what an unknown name is checked against, at the cost of a known one.

    Its digest is random, so no password has it; a real one would take each worker's start 150 ms of CPU.
    """
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (
        b64encode(octets(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def hash_password(password: str, hasher: PasswordHasher | None = None) -> str:
    """Return the hash to store."""
    return (hasher or PasswordHasher()).hash(_octets(password))


def _octets(text: str) -> bytes:
    # A client may send what is no UTF-8; it gets the answer that any wrong password gets.
    return text.encode("utf-8", "surrogatepass")
