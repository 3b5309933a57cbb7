import pytest

from gateway.model.address import Address
from gateway.relay.wire import Offers, ReplyParser, UnfitContent, WireReply, write_envelope


@pytest.mark.parametrize(
    ("octets", "replies"),
    [
        (b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n", [(250, "2.1.0 Ok"), (250, "2.1.5 Ok"), (354, "go")]),
        (
            b"550-5.1.1 The address\r\n550-5.1.1 is not\r\n550 5.1.1 known\r\n",
            [(550, "5.1.1 The address is not known")],
        ),
        (b"250-first\r\n250 last\r\n", [(250, "first last")]),
        (b"250-first\r\n550 the last code counts\r\n", [(550, "first the last code counts")]),
        (b"250\r\n", [(250, "")]),
        (b"250-\r\n250 \r\n", [(250, " ")]),
        (b"250 bare LF\n", [(250, "bare LF")]),
        ("550 gelöscht\x07\r\n".encode(), [(550, "gel??scht?")]),
    ],
)
def test_replies(octets, replies):
    parser = ReplyParser()
    parser.feed(octets)
    assert list(parser.replies) == [WireReply(code, text) for code, text in replies]
    assert parser.between_replies


def test_a_part_of_a_reply_is_noticed():
    parser = ReplyParser()
    parser.feed(b"250-more to come\r\n")
    assert not parser.between_replies
    assert not parser.replies


def test_an_address_with_a_line_end_is_never_written(mail):
    copy = mail.copy(sender=mail.submission().sender.__class__(Address("a\r\nRCPT TO:<x@y>", "b.example")))
    with pytest.raises(UnfitContent):
        write_envelope(copy, Offers())
