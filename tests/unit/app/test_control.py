"""The control pipe: the files that a child starts from, and the words that follow them."""

import asyncio
import io
import os
import sys
from collections.abc import Sequence

import pytest

from gateway.app.control import Control, Garbled, first_files, reload_words
from gateway.settings.files import Files

FILES = {"/etc/gateway.toml": b"[gateway]\n", "credential:key": bytes(range(256))}


def test_the_first_word_is_the_files_and_no_octet_more_is_taken() -> None:
    pipe = io.BytesIO(reload_words(FILES) + b"drain\n")
    assert first_files(pipe).found == FILES
    assert pipe.read() == b"drain\n"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"drain\n",
        b"reload\n",
        b"reload x\n",
        b"reload 99999999\n",
        b"reload 9\n{}",
        b"reload 2\n[]",
        b"9" * 99,
    ],
)
def test_what_is_no_word_of_the_supervisor_is_not_obeyed(said: bytes) -> None:
    with pytest.raises(Garbled):
        first_files(io.BytesIO(said))


async def test_a_reload_hands_over_files_and_the_end_of_the_pipe_is_a_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = os.pipe()
    taken: list[Files] = []
    answers: list[str] = []

    def reload(files: Files) -> Sequence[str]:
        taken.append(files)
        return ["no", "never"] if len(taken) > 1 else []

    control = Control()
    monkeypatch.setattr(control, "answer", answers.append)
    with os.fdopen(ours, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        # The third is cut short: the supervisor is killed in the middle of it.
        os.write(theirs, reload_words(FILES) * 2 + reload_words(FILES)[:-5])
        os.close(theirs)
        await asyncio.wait_for(control.listen(reload), 10)
    assert [files.found for files in taken] == [FILES, FILES]
    assert answers == ["reloaded", "no; never"]
    assert control.stopping.is_set()
