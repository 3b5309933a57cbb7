"""Time in a dialogue: each question has its own, although one timer serves them all."""

import asyncio

import pytest

from gateway.relay.dialogue import Dialogue


class Wire:
    """A transport that keeps what is written, and has its dialogue hear what a test says."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.gone = False

    def set_protocol(self, _: asyncio.BaseProtocol) -> None:
        pass

    def writelines(self, octets: list[bytes]) -> None:
        self.written += octets

    def write(self, octets: bytes) -> None:
        self.written.append(octets)

    def is_closing(self) -> bool:
        return self.gone

    def abort(self) -> None:
        self.gone = True

    close = abort


@pytest.fixture
async def dialogue() -> Dialogue:
    return Dialogue(Wire())  # type: ignore[arg-type]


async def ask(dialogue: Dialogue, patience: float) -> None:
    """Ask something that is answered at once."""
    asyncio.get_running_loop().call_soon(dialogue.data_received, b"250 ok\r\n")
    assert len(await dialogue.ask((b"NOOP\r\n",), 1, patience)) == 1


async def test_a_short_patience_counts_after_a_long_one(dialogue: Dialogue) -> None:
    await ask(dialogue, 600.0)
    assert await dialogue.ask((b"NOOP\r\n",), 1, 0.02) == []
    assert dialogue.why == "no reply in 0.02 seconds"


async def test_a_long_patience_is_not_cut_short_by_a_question_before(dialogue: Dialogue) -> None:
    loop = asyncio.get_running_loop()
    await ask(dialogue, 0.01)
    loop.call_later(0.05, dialogue.data_received, b"250 late\r\n")
    (reply,) = await dialogue.ask((b"NOOP\r\n",), 1, 600.0)
    assert reply.text == "late"
    assert dialogue.alive


async def test_silence_between_questions_is_no_fault(dialogue: Dialogue) -> None:
    await ask(dialogue, 0.01)
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(0.03, passed.set)
    await passed.wait()
    assert dialogue.alive
    assert dialogue._timer is None


@pytest.mark.parametrize("end", ["die", "farewell", "lost"])
async def test_what_has_ended_is_watched_no_more(dialogue: Dialogue, end: str) -> None:
    await ask(dialogue, 600.0)
    assert dialogue._timer is not None
    match end:
        case "die":
            dialogue.die("enough")
        case "farewell":
            dialogue.farewell()
        case _:
            dialogue.connection_lost(None)
    assert dialogue._timer is None
