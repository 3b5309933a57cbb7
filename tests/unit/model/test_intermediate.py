"""Answers without an enhanced code."""

import pytest

from gateway.model import reply
from gateway.model.reply import Intermediate


def test_wire() -> None:
    assert reply.START_INPUT.wire() == b"354 End data with <CR><LF>.<CR><LF>\r\n"
    assert reply.CHALLENGE_EMPTY.wire() == b"334 \r\n"
    assert str(reply.CHALLENGE_USERNAME) == "334 VXNlcm5hbWU6"


@pytest.mark.parametrize(
    ("code", "text"), [(354, "a\r\nb"), (220, "\u00e4"), (250, "\x7f"), (550, "no"), (421, "no")]
)
def test_what_is_no_intermediate_answer(code: int, text: str) -> None:
    with pytest.raises(ValueError):
        Intermediate(code, text)
