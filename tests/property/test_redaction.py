"""No address survives the log, however it is wrapped."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import Address
from gateway.observe.logs import configure
from gateway.observe.redact import redact

ATOM = st.text(
    st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~\u00e9\u4f8b\u2003\U0001f600"),
    min_size=1,
    max_size=12,
)
DOT_STRING = st.lists(ATOM, min_size=1, max_size=3).map(".".join)
QUOTED_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
QUOTED = QUOTED_TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
# A mark that stands nowhere else says whether something of the local part is left.
LOCAL = st.one_of(
    DOT_STRING.map(lambda text: f"{text}MARK"),
    DOT_STRING.map(lambda text: f"MARK{text}"),
    QUOTED.map(lambda text: f'"MARK{text[1:]}'),
    QUOTED.map(lambda text: f'{text[:-1]}MARK"'),
)
DOMAIN = st.sampled_from(
    ["example.com", "b\u00fccher.example", "localhost", "[127.0.0.1]", "[IPv6:2001:db8::1]"]
)
ADDRESS = st.builds(Address, LOCAL, DOMAIN)
WRAP = st.sampled_from(
    [
        str,
        lambda a: f"MAIL FROM:<{a}> SIZE=4",
        lambda a: f"to {a}, and more",
        lambda a: f'the "subject" of {a}',
        lambda a: {"to": [str(a), {str(a): a}]},
        lambda a: (a, {a}),
        lambda a: str(a).encode(),
        lambda a: ValueError(f"550 no such user {a}"),
        lambda a: ValueError(str(a)),
        lambda a: [[[[[[[[a, str(a)]]]]]]]],
        lambda a: json.dumps({"to": str(a)}, ensure_ascii=False),
        lambda a: json.dumps({"to": str(a)}),
        lambda a: repr(str(a)),
        lambda a: repr([a]),
    ]
)


@pytest.fixture(scope="module")
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("debug", stream=stream, form="json")
    yield stream
    structlog.reset_defaults()


def _look_up(address: Address) -> None:
    raise KeyError(str(address), address)


@given(address=ADDRESS, wrap=WRAP)
def test_no_address_survives_a_line(lines: io.StringIO, address: Address, wrap) -> None:
    lines.seek(0)
    lines.truncate()
    log = structlog.get_logger("test")
    try:
        _look_up(address)
    except KeyError:
        log.exception("failed", value=wrap(address))
    line = lines.getvalue()
    assert "MARK" not in line
    assert json.loads(line)["level"] == "error"


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
