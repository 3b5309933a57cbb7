"""When a host is asked, and when it is dead."""

from dataclasses import dataclass, field

import pytest
import structlog

from gateway.linkcheck import watch as watching
from gateway.linkcheck.ask import AT_ONCE, Answers, Sign, Silent, Unknown
from gateway.linkcheck.watch import DAY, HOUR, Watch, World
from gateway.model.mention import Mention, Mentions
from gateway.model.reply import StoreAway
from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import LinkCheckSection
from gateway.store.quota_memory import MemoryQuota

GONE, DOWN = Silent("no-such-name", known=True), Silent("no-connection", known=False)


@dataclass
class Scene:
    """The watch with its world: what is asked, what is recorded, and a clock."""

    signs: dict[str, Sign] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    recorded: list[tuple[str, int, str, str]] = field(default_factory=list)
    new: list[Mention] = field(default_factory=list)
    at: float = 1_800_000_000.0
    settings: LinkCheckSection = field(default_factory=lambda: LinkCheckSection(enabled=True))
    meter: MemoryMeter = field(default_factory=MemoryMeter)
    away: bool = False

    def __post_init__(self) -> None:
        self.watch = Watch(
            World(self, self, MemoryQuota(), self, self.meter, lambda: self.settings, self.sleep)
        )

    # The world

    def now(self) -> float:
        return self.at

    def end(self) -> int:
        return 0

    def after(self, place: int) -> Mentions:
        if self.away:
            raise StoreAway
        found, self.new = tuple(self.new), []
        return Mentions(found, place + len(found))

    def record(self, mention: Mention, why: str, now: float) -> None:
        self.recorded.append((mention.host, mention.account_id, mention.submission_id, why))

    async def ask(self, host: str, _party: int) -> Sign:
        self.asked.append(host)
        return self.signs.get(host, Answers())

    async def sleep(self, _seconds: float) -> None:
        raise EOFError  # one turn of the loop

    # What a test does

    async def mail(self, host: str, account: int = 7, submission: str = "S1") -> None:
        self.new.append(Mention(host, account, submission, 3))
        await self.watch.round()

    async def later(self, seconds: float) -> None:
        self.at += seconds
        await self.watch.round()


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_host_is_asked_once_a_day(scene) -> None:
    for number in range(5):
        await scene.mail("shop.example", submission=f"S{number}")
    assert scene.asked == ["shop.example"]
    await scene.later(DAY)
    assert scene.asked == ["shop.example"]  # nobody has named it since
    await scene.mail("shop.example")
    assert scene.asked == ["shop.example"] * 2
    assert scene.recorded == []


async def test_silence_twice_an_hour_apart_is_death(scene) -> None:
    scene.signs["gone.example"] = GONE
    await scene.mail("gone.example")
    await scene.mail("gone.example", account=8)
    await scene.later(HOUR - 1)
    assert (scene.asked, scene.recorded) == (["gone.example"], [])
    await scene.later(1)
    assert scene.recorded == [
        ("gone.example", 7, "S1", "no-such-name"),
        ("gone.example", 8, "S1", "no-such-name"),
    ]
    await scene.mail("gone.example", submission="S2")
    assert len(scene.recorded) == 2  # it is in the books of that day
    await scene.mail("gone.example", account=9, submission="S3")
    assert scene.recorded[2:] == [("gone.example", 9, "S3", "no-such-name")]
    assert scene.asked == ["gone.example"] * 2
    await scene.later(DAY)
    await scene.mail("gone.example", submission="S4")
    assert scene.recorded[3:] == [("gone.example", 7, "S4", "no-such-name")]
    assert scene.meter.value("tampering_total", verdict="broken", rule="dead-host") == 4
    assert scene.meter.value("link_hosts_total", result="silent") == 3


async def test_a_host_that_answers_again_is_alive(scene) -> None:
    scene.signs["shop.example"] = GONE
    await scene.mail("shop.example")
    scene.signs["shop.example"] = Answers()
    await scene.later(HOUR)
    scene.signs["shop.example"] = GONE
    await scene.later(DAY)
    await scene.mail("shop.example")
    assert scene.recorded == []


async def test_our_own_line_may_be_down(scene) -> None:
    scene.signs["down.example"] = DOWN
    await scene.mail("down.example")
    await scene.later(HOUR)
    await scene.later(HOUR)
    assert scene.recorded == []
    await scene.mail("shop.example")  # this one answers
    await scene.later(HOUR)
    assert scene.recorded == [("down.example", 7, "S1", "no-connection")]


async def test_what_cannot_be_said_changes_nothing(scene) -> None:
    scene.signs["shop.example"] = GONE
    await scene.mail("shop.example")
    scene.signs["shop.example"] = Unknown()
    await scene.later(HOUR)
    assert scene.recorded == []
    scene.signs["shop.example"] = GONE
    await scene.later(HOUR)
    assert len(scene.recorded) == 1


async def test_a_few_at_once_and_not_more_than_the_rate(scene) -> None:
    scene.settings = LinkCheckSection(enabled=True, rate="6/h")
    scene.new = [Mention(f"h{number}.example", 7, "S", 3) for number in range(10)]
    await scene.watch.round()
    assert len(scene.asked) == AT_ONCE
    await scene.watch.round()
    await scene.watch.round()
    assert len(scene.asked) == 6
    await scene.later(HOUR)
    assert len(scene.asked) == 10
    assert len(set(scene.asked)) == 10


async def test_memory_is_bounded(scene, monkeypatch) -> None:
    monkeypatch.setattr(watching, "WAITING", 5)
    scene.new = [Mention(f"h{number}.example", 7, "S", 3) for number in range(9)]
    await scene.watch.round()
    assert scene.asked == ["h4.example", "h5.example", "h6.example", "h7.example"]
    assert scene.meter.value("link_hosts_total", result="forgotten") == 4


async def test_switched_off_it_reads_nothing(scene) -> None:
    scene.settings = LinkCheckSection()
    await scene.mail("shop.example")
    assert (scene.asked, len(scene.new)) == ([], 1)


@pytest.mark.parametrize("error", ["away", "fault"])
async def test_the_loop_bears_accidents(scene, monkeypatch, error: str) -> None:
    if error == "away":
        scene.away = True
    else:
        monkeypatch.setattr(scene, "after", lambda place: place / 0)
    with structlog.testing.capture_logs() as lines, pytest.raises(EOFError):
        await scene.watch.run()
    assert len(lines) == 1
