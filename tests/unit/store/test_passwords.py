import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from gateway.store.passwords import Passwords, hash_password

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Counting(PasswordHasher):
    """Counts verifications."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - the library's name
        self.verified.append(hash)
        return super().verify(hash, password)


class Ticks:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hasher() -> Counting:
    return Counting()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def passwords(hasher: Counting, ticks: Ticks) -> Iterator[Passwords]:
    passwords = Passwords(60.0, hasher, ticks=ticks)
    yield passwords
    passwords.close()


STORED = hash_password("secret", QUICK)


async def test_a_right_password_is_computed_once_a_while(
    passwords: Passwords, hasher: Counting, ticks: Ticks
) -> None:
    for _ in range(3):
        assert await passwords.verify("acme active", "secret", STORED)
    assert len(hasher.verified) == 1
    ticks.now = 60.0
    assert await passwords.verify("acme active", "secret", STORED)
    assert len(hasher.verified) == 2


async def test_a_wrong_password_is_computed_every_time(passwords: Passwords, hasher: Counting) -> None:
    for _ in range(3):
        assert not await passwords.verify("acme active", "wrong", STORED)
    assert len(hasher.verified) == 3


async def test_what_was_right_is_forgotten_with_the_hash_and_the_state(
    passwords: Passwords, hasher: Counting
) -> None:
    assert await passwords.verify("acme active", "secret", STORED)
    assert await passwords.verify("acme suspended", "secret", STORED)
    assert len(hasher.verified) == 2
    assert not await passwords.verify("acme active", "secret", hash_password("another", QUICK))
    assert not await passwords.verify("other active", "secret", hash_password("another", QUICK))


async def test_nobody_takes_as_long_as_somebody(passwords: Passwords, hasher: Counting) -> None:
    assert not await passwords.verify("nobody", "secret", None)
    assert len(hasher.verified) == 1
    assert extract_parameters(str(hasher.verified[0])) == extract_parameters(STORED)


async def test_those_who_ask_at_once_share_the_answer(passwords: Passwords, hasher: Counting) -> None:
    async with asyncio.TaskGroup() as tasks:
        impatient = tasks.create_task(passwords.verify("acme active", "secret", STORED))
        others = [tasks.create_task(passwords.verify("acme active", "secret", STORED)) for _ in range(5)]
        await asyncio.sleep(0)
        impatient.cancel()
    assert [one.result() for one in others] == [True] * 5
    assert len(hasher.verified) == 1


@pytest.mark.parametrize("password", ["", "\udcff", "x" * 100_000, "a\0b"])
async def test_odd_passwords_are_only_wrong(passwords: Passwords, password: str) -> None:
    assert not await passwords.verify("acme active", password, STORED)


async def test_a_hash_that_is_none_lets_nobody_in(passwords: Passwords) -> None:
    assert not await passwords.verify("acme active", "secret", "!")


def test_texts_do_not_run_into_one_another(passwords: Passwords) -> None:
    assert passwords._proof("ab", "c", "") != passwords._proof("a", "bc", "")
