"""An answer that must not tell by its time."""

import pytest

from gateway.model.reply import StoreAway
from gateway.web import desk


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = iter((100.0, 100.05))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))

    monkeypatch.setattr(desk.anyio, "sleep", sleep)
    monkeypatch.setattr(desk.anyio, "current_time", lambda: next(times))
    return slept


@pytest.mark.parametrize(("least", "rest"), [(0.15, 0.1), (0.05, 0.0), (0.0, 0.0)])
async def test_what_is_left_of_the_time_is_waited(slept, least, rest) -> None:
    assert await desk.evenly(lambda: "done", least) == "done"
    assert slept == [rest]


async def test_a_store_that_is_away_is_no_secret(slept) -> None:
    def away() -> None:
        raise StoreAway

    with pytest.raises(StoreAway):
        await desk.evenly(away, 0.15)
    assert slept == []
