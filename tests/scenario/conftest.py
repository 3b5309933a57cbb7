"""The fixtures of the scenarios; the scenery itself is the package ``scene`` beside this file.

``house`` is one running gateway for all scenarios that do it no harm: they tell their mail apart by its marker,
and each takes readers of its own. ``own_house`` is one for a scenario alone, not started yet.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import NODE, READERS, SHOTS, Browser, House, Sink, furnish


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A furnished folder that is never run: each house is a copy of it."""
    house = House(tmp_path_factory.mktemp("template") / "house", Sink())
    house.init()
    house.change(r'^drain = "20s"', 'drain = "5s"')
    house.change(r"^workers = 0", "workers = 2")
    house.change(r'^provider_domain = ""', 'provider_domain = "provider.example"')
    house.change(r'^operator = ""', 'operator = "ops@operator.example"')
    house.append(f'[[submission.listener]]\nlisten = "127.0.0.1:{house.smtps}"\ntls = "implicit"\n')
    furnish(house)
    return house


@pytest.fixture(scope="session")
def shared_house(template: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from _lived_in(tmp_path_factory.mktemp("shared") / "house", template, started=True)


@pytest.fixture
def house(shared_house: House) -> House:
    """The shared house, with a next hop that takes everything: a scenario before may have failed midway."""
    shared_house.sink.script = lambda _recipient: None
    shared_house.sink.start()
    return shared_house


@pytest.fixture
def own_house(template: House, tmp_path: Path) -> Iterator[House]:
    yield from _lived_in(tmp_path / "house", template, started=False)


@pytest.fixture(scope="module")
def house_of_the_file(template: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for the scenarios of a file, not started yet."""
    yield from _lived_in(tmp_path_factory.mktemp("file") / "house", template, started=False)


def _lived_in(folder: Path, template: House, *, started: bool) -> Iterator[House]:
    sink = Sink()
    sink.start()
    house = House(folder, sink)
    house.move_into_copy_of(template)
    try:
        if started:
            house.start()
        yield house
    finally:
        house.clear_away()
        sink.stop()


_numbers = itertools.count(READERS // 2)


@pytest.fixture
def readers() -> Iterator[str]:
    """Subscribers of the list news.acme.example that no other scenario writes to."""
    return (f"r{number}@example.net" for number in _numbers)


@pytest.fixture
def reader(readers: Iterator[str]) -> str:
    return next(readers)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    there = [(NODE / "node_modules" / name).is_dir() for name in ("playwright-core", "axe-core")]
    if node is None or not all(there):
        pytest.skip(
            "playwright-core or axe-core is missing: npm install --prefix tests/node (Debian: nodejs npm)"
        )
    SHOTS.mkdir(parents=True, exist_ok=True)
    driver = Browser(node, chromium)
    yield driver
    driver.close()
