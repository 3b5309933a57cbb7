"""Replies, framing, backoff and reports hold for any input."""

import email
import email.policy
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import parse_address
from gateway.model.backoff import wait_before
from gateway.model.delivery import Recipient, Sender, Submission
from gateway.ports import HopReply
from gateway.relay.dsn import FailedRecipient, Kind, Report, compose
from gateway.relay.outcome import decide, parse_enhanced
from gateway.relay.wire import LINE_LIMIT, BadReply, ReplyParser, UnfitContent, WireReply, frame

LINES = st.one_of(
    st.sampled_from(
        [
            b"250 2.0.0 ok\r\n",
            b"250-2.1.0 a\r\n",
            b"354 go\n",
            b"550\r\n",
            b"421 4.3.2 bye\r\n",
            b"\r\n",
            b"x\n",
        ]
    ),
    st.binary(max_size=40),
    st.integers(8180, 8200).map(lambda n: b"250 " + b"x" * n + b"\r\n"),
    st.integers(4000, 4100).map(lambda n: (b"250-" + b"y" * 994 + b"\r\n") * (n // 100)),
)


def feed(pieces: list[bytes]) -> tuple[list[WireReply], bool]:
    parser, fine = ReplyParser(), True
    try:
        for piece in pieces:
            parser.feed(piece)
    except BadReply:
        fine = False
    return list(parser.replies), fine


@given(st.lists(LINES, max_size=6).map(b"".join), st.lists(st.integers(0, 50_000), max_size=8))
def test_replies_do_not_depend_on_how_they_are_cut(octets, cuts):
    places = sorted({min(cut, len(octets)) for cut in cuts} | {0, len(octets)})
    pieces = [octets[a:b] for a, b in pairwise(places)]
    assert feed(pieces) == feed([octets])


@given(st.lists(LINES, max_size=3).map(b"".join).filter(lambda octets: len(octets) < 500))
def test_replies_octet_by_octet(octets):
    assert feed([bytes([octet]) for octet in octets]) == feed([octets])


@given(st.binary(max_size=300))
def test_any_octets_give_replies_or_the_one_error(octets):
    replies, _ = feed([octets])
    for reply in replies:
        assert 200 <= reply.code < 600
        assert reply.text.isascii()
        assert reply.text == "" or reply.text.isprintable()


def test_a_line_of_the_longest_length_passes():
    assert feed([b"250 " + b"x" * (LINE_LIMIT - 6) + b"\r\n"])[1]
    assert not feed([b"250 " + b"x" * (LINE_LIMIT - 5) + b"\r\n"])[1]
    assert not feed([b"250-" + b"x" * 1000 + b"\r\n"] * 40)[1]


CONTENTS = st.lists(
    st.sampled_from([b"\r\n", b".", b"..", b"a", b".\r\n", b"\r\n.\r\n", b"text", b"\xff"]), max_size=20
).map(b"".join)


@given(CONTENTS)
def test_dot_stuffing_is_undone_by_the_receiver(content):
    wire = b"".join(frame(content))
    assert wire.endswith(b".\r\n")
    assert wire == b".\r\n" or wire.endswith(b"\r\n.\r\n")
    # RFC 5321 section 4.5.2, as a receiver does it: line by line, and no end before the end.
    lines = wire.split(b"\r\n")[:-1]
    assert lines.index(b".") == len(lines) - 1
    undone = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-1])
    assert undone == (content if not content or content.endswith(b"\r\n") else content + b"\r\n")


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a"]), max_size=12).map(b"".join))
def test_bare_line_ends_are_the_one_error(content):
    bare = content.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare:
        with pytest.raises(UnfitContent):
            frame(content)
    else:
        assert b"\n" not in b"".join(frame(content)).replace(b"\r\n", b"")


def test_clean_content_is_not_copied():
    content = b"Subject: x\r\n\r\n" + b"line\r\n" * 100
    assert frame(content)[0] is content


@given(
    st.integers(-3, 10_000),
    st.floats(0.001, 1e5),
    st.floats(0.001, 1e6),
    st.floats(0, 1, exclude_max=True),
)
def test_backoff_is_bounded_and_never_shrinks(attempts, first, longest, fraction):
    wait = wait_before(attempts, first, longest, fraction)
    assert 0 < wait <= longest
    assert wait >= min(first, longest) * 0.75
    assert wait_before(attempts + 1, first, longest, fraction) >= wait


@given(st.integers(200, 599), st.text(max_size=60), st.sampled_from(["MAIL", "RCPT", "DATA", "end of data"]))
def test_every_reply_has_a_decision(code, text, command):
    enhanced, rest = parse_enhanced(code, text)
    decision = decide(HopReply(code, enhanced, rest, command, "h"))
    assert decision.enhanced[0] in "245"


@given(st.text(max_size=200), st.text(max_size=80), st.text(max_size=80), st.binary(max_size=200))
def test_a_report_is_well_formed_whatever_it_reports(diagnostic, orcpt, envid, content):
    content = content.replace(b"\r", b"").replace(b"\n", b"\r\n")
    submission = Submission(
        "01HF7YAT000000000000000001", 7, 1.0, Sender(parse_address("a@b.example"), envid=envid), 1, 1, ""
    )
    failed = FailedRecipient(
        Recipient(parse_address("c@d.example"), orcpt=orcpt), "5.0.0", diagnostic, diagnostic
    )
    raw = compose(
        Report(
            "01HF7YAT00000000000000000D", Kind.FAILED, "gateway.example", 2.0, submission, content, (failed,)
        )
    )
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    assert [part.get_content_type() for part in message.get_payload()] == [
        "text/plain",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    assert len(message.get_payload(1).get_payload()) == 2
