"""The tables and the arithmetic of gateway.model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import identity, reply, token
from gateway.model.address import MalformedAddress, ascii_domain, parse_address
from gateway.model.delivery import (
    SETTLED,
    TRANSITIONS,
    DeliveryEvent,
    DeliveryState,
    IllegalMove,
    Notify,
    Recipient,
    move,
    sources,
)
from gateway.model.events import Event, EventType, open_event, seal_event
from gateway.model.message import Field, Message, Part
from gateway.model.rate import BadRate, Conforms, Exceeds, Rate, give_back, parse_rate, reserve


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "local", "domain"),
        [
            ("bob@example.org", "bob", "example.org"),
            ("Bob.O'Neil+tag@Example.ORG", "Bob.O'Neil+tag", "example.org"),
            ('"a b"@example.org', '"a b"', "example.org"),
            ('"a\\"b"@example.org', '"a\\"b"', "example.org"),
            ("user@[192.0.2.1]", "user", "[192.0.2.1]"),
            ("jörg@müller.example", "jörg", "müller.example"),
            ("x@localhost", "x", "localhost"),
        ],
    )
    def test_takes(self, text: str, local: str, domain: str) -> None:
        address = parse_address(text)
        assert (address.local, address.domain, str(address)) == (local, domain, f"{local}@{domain}")

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "no domain"),
            ("bob", "no domain"),
            ("bob@", "domain is empty"),
            ("@example.org", "local part is empty"),
            ("a b@example.org", "RFC 5321"),
            ("a..b@example.org", "RFC 5321"),
            (".a@example.org", "RFC 5321"),
            ("a@-example.org", "RFC 5321"),
            ("a@example..org", "RFC 5321"),
            ("a@b@example.org", "RFC 5321"),
            ("a\r\nRCPT@example.org", "control character"),
            ("a\x00@example.org", "control character"),
            ("a@example.org\n", "control character"),
            ("\udcff@example.org", "not valid UTF-8"),
            ("x" * 65 + "@example.org", "longer than 64"),
            ("x@" + ".".join(["a" * 60] * 5), "longer than 255"),
            ("x@" + "ä" * 70 + ".example", "internationalised"),
            # Compatibility forms of "@", ">" and "/": what they become may not get into a command.
            ("x@evil\uff20victim.example", "internationalised"),
            ("x@evil\uff1evictim.example", "internationalised"),
            ("x@evil\uff0fvictim.example", "internationalised"),
            ("x@fa\u00df.example", "write its A-labels"),
        ],
    )
    def test_refuses_and_says_why(self, text: str, why: str) -> None:
        with pytest.raises(MalformedAddress, match=why):
            parse_address(text)

    def test_identity_is_one_for_all_spellings(self) -> None:
        assert (
            parse_address("BOB@MÜLLER.example").identity
            == parse_address("bob@xn--mller-kva.example").identity
        )

    def test_only_the_local_part_needs_smtputf8(self) -> None:
        assert parse_address("jörg@example.org").needs_smtputf8
        assert not parse_address("joerg@müller.example").needs_smtputf8
        assert ascii_domain("MÜLLER.example") == "xn--mller-kva.example"

    @given(st.text(max_size=80))
    def test_any_text_parses_or_is_malformed(self, text: str) -> None:
        try:
            address = parse_address(text)
        except MalformedAddress as error:
            reply.BAD_RECIPIENT_ADDRESS.fill(why=error)
        else:
            assert parse_address(str(address)) == address
            assert not set(str(address)) & set("\r\n\0")


class TestReply:
    def test_class_of_the_enhanced_code_follows_the_code(self) -> None:
        for one in reply.table().values():
            assert one.enhanced.startswith(str(one.code)[0])
            assert one.wire().endswith(b"\r\n")
            assert len(one.wire()) <= 512  # RFC 5321 section 4.5.3.1.5

    def test_a_value_cannot_break_the_line(self) -> None:
        filled = reply.UNKNOWN_LIST.fill(list="a\r\n250 ok\x00é")
        assert filled.wire() == b"550 5.7.1 The account has no list a\\x0d\\x0a250 ok\\x00\\xe9\r\n"
        assert len(reply.UNKNOWN_LIST.fill(list="x" * 10_000).wire()) < 512

    @pytest.mark.parametrize(("code", "text"), [(250, "a\nb"), (250, "é"), (354, "go on"), (199, "no")])
    def test_no_reply_is_built_wrong(self, code: int, text: str) -> None:
        with pytest.raises(ValueError, match="reply"):
            reply.Reply(code, 0, 0, text)

    def test_kinds(self) -> None:
        assert reply.OK.is_positive
        assert not reply.OVER_QUOTA.is_positive
        assert reply.OVER_QUOTA.is_transient
        assert not reply.NO_CONSENT.is_transient
        assert str(reply.NO_CONSENT) == "550 5.7.1 No opt-in of this recipient is on record"
        assert reply.StoreAway("secret").reply is reply.STORE_AWAY


class TestDelivery:
    def test_every_state_is_left_or_settled(self) -> None:
        for state in DeliveryState:
            assert (state in SETTLED) != any(start is state for start, _ in TRANSITIONS)

    def test_every_event_is_known_somewhere(self) -> None:
        for event in DeliveryEvent:
            assert sources(event)
            for state in sources(event):
                assert move(state, event) is TRANSITIONS[state, event]

    def test_what_is_settled_stays_settled(self) -> None:
        for state in SETTLED:
            with pytest.raises(IllegalMove, match=f"{state} cannot"):
                move(state, DeliveryEvent.CLAIM)


class TestRate:
    @pytest.mark.parametrize(
        ("text", "rate"),
        [
            ("100/s", Rate(100, 1)),
            ("10,000/h", Rate(10_000, 3600)),
            (" 5 / min ", Rate(5, 60)),
            ("1_000/day", Rate(1000, 86400)),
        ],
    )
    def test_parse(self, text: str, rate: Rate) -> None:
        assert parse_rate(text) == rate
        assert parse_rate(str(rate)) == rate

    @pytest.mark.parametrize("text", ["", "100", "100/", "/s", "0/s", "-1/s", "1/week", "1.5/s", "1/s/s"])
    def test_bad(self, text: str) -> None:
        with pytest.raises(BadRate):
            parse_rate(text)

    @given(
        st.integers(1, 1000), st.sampled_from([1, 60, 3600]), st.integers(1, 50),
        st.lists(st.floats(0, 10), min_size=1, max_size=60),
    )  # fmt: skip
    def test_never_more_than_burst_and_rate(
        self, amount: int, period: int, burst: int, gaps: list[float]
    ) -> None:
        rate, tat, now, granted, first = Rate(amount, period), 0.0, 1_000_000.0, 0, None
        for gap in gaps:
            now += gap * rate.interval
            first = now if first is None else first
            answer = reserve(rate, burst, tat, now)
            if isinstance(answer, Conforms):
                tat, granted = answer.tat, granted + 1
            else:
                # Whoever waits as long as told gets it.
                assert isinstance(reserve(rate, burst, tat, now + answer.wait * 1.000001 + 1e-6), Conforms)
        assert first is not None
        assert granted <= burst + (now - first) / rate.interval + 1

    def test_give_back_is_the_inverse(self) -> None:
        rate = Rate(10, 1)
        first = reserve(rate, 1, 0, 100.0)
        assert isinstance(first, Conforms)
        assert isinstance(reserve(rate, 1, first.tat, 100.0), Exceeds)
        assert isinstance(reserve(rate, 1, give_back(rate, first.tat), 100.0), Conforms)

    def test_a_tat_from_a_wrong_clock_is_not_believed(self) -> None:
        answer = reserve(Rate(1, 1), 5, tat=1e12, now=100.0)
        assert isinstance(answer, Exceeds)
        assert answer.wait <= 5


class TestIdentity:
    def test_sorts_by_time_and_comes_back(self) -> None:
        early, late = (
            identity.new_id(1_700_000_000.0, b"\xff" * 10),
            identity.new_id(1_700_000_000.001, b"\0" * 10),
        )
        assert early < late
        assert len(early) == identity.LENGTH
        assert identity.octets(early)[6:] == b"\xff" * 10
        assert identity.name_of(identity.octets(early)) == early

    @pytest.mark.parametrize("text", ["", "x", "U" * 26, "0" * 27])
    def test_no_id(self, text: str) -> None:
        with pytest.raises(ValueError):
            identity.octets(text)

    def test_delivery_id(self) -> None:
        name = identity.new_id(1.0, bytes(10))
        assert identity.split_delivery_id(name.lower() + ".3") == (name, 3)
        assert identity.split_delivery_id(name) == (name, None)


class TestToken:
    KEYS = {1: b"k" * 32, 2: b"l" * 32}
    TOKEN = token.Token(token.Purpose.UNSUBSCRIBE, 7, 9, b"h" * 16, b"s" * 16)

    def test_round_trip_with_any_key_that_is_still_known(self) -> None:
        for number, key in self.KEYS.items():
            text = token.seal(self.TOKEN, number, key)
            assert token.unseal(text, self.KEYS, token.Purpose.UNSUBSCRIBE) == self.TOKEN
            assert text.replace("-", "").replace("_", "").isalnum()

    @given(st.integers(0, 77), st.characters(codec="ascii"))
    def test_any_change_is_a_bad_token(self, place: int, char: str) -> None:
        text = token.seal(self.TOKEN, 1, self.KEYS[1])
        changed = text[:place] + char + text[place + 1 :]
        # The last character carries four bits that mean nothing.
        if changed == text or place == len(text) - 1:
            return
        with pytest.raises(token.BadToken):
            token.unseal(changed, self.KEYS, token.Purpose.UNSUBSCRIBE)

    @pytest.mark.parametrize("text", ["", "a", "é", "A" * 78, "A" * 500, "====", "a b"])
    def test_garbage(self, text: str) -> None:
        with pytest.raises(token.BadToken):
            token.unseal(text, self.KEYS, token.Purpose.UNSUBSCRIBE)

    def test_wrong_purpose_and_unknown_key(self) -> None:
        with pytest.raises(token.BadToken):
            token.unseal(token.seal(self.TOKEN, 1, self.KEYS[1]), self.KEYS, token.Purpose.REPORT)
        with pytest.raises(token.BadToken):
            token.unseal(token.seal(self.TOKEN, 3, b"none"), self.KEYS, token.Purpose.UNSUBSCRIBE)


def test_event_rests_sealed_and_comes_back() -> None:
    def swap(_account: int, octets: bytes, context: bytes) -> bytes:
        assert context == b"event:E1"
        return octets[::-1]

    event = Event("E1", EventType.DELIVERY, 1.0, 3, "S", 0, 4, {"code": 250}, {"recipient": "é@example.org"})
    sealed = seal_event(event, swap)
    assert b"example.org" not in sealed.data
    assert "example.org" not in sealed.facts
    assert open_event(sealed, swap) == event
    bare = Event("E1", EventType.DELIVERY, 1.0, 3)
    assert seal_event(bare, swap).data == b""
    assert open_event(seal_event(bare, swap), swap) == bare


def test_message_values_are_unfolded() -> None:
    raw = b"Subject: a\r\n b\r\nX: 1\r\nX: 2\r\n\r\nbody"
    fields = (Field(b"subject", 0, 8, 16), Field(b"x", 16, 18, 22), Field(b"x", 22, 24, 28))
    child = Part(30, (), 30, 34, "text/plain", "", "7bit", b"", "", False, False)
    message = Message(raw, Part(0, fields, 30, 34, "text/plain", "", "7bit", b"", "", False, False, (child,)))
    assert message.value(b"subject") == b"a b"
    assert message.value(b"to") is None
    assert [message.text_of(field) for field in message.all(b"x")] == [b"1", b"2"]
    assert list(message.root.walk()) == [message.root, child]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("", "", ""),
        ("NEVER", "NEVER", "NEVER"),
        ("NEVER", "SUCCESS", "SUCCESS"),
        ("SUCCESS,DELAY", "FAILURE", "SUCCESS,DELAY,FAILURE"),
        ("", "SUCCESS", "FAILURE,SUCCESS"),
        ("NEVER", "", "FAILURE"),
    ],
)
def test_wishes_of_a_recipient_named_twice(first: str, second: str, joined: str) -> None:
    def wishes(text: str) -> frozenset[Notify]:
        return frozenset(Notify(word) for word in text.split(",") if word)

    for one, other in ((first, second), (second, first)):
        again = Recipient(parse_address("ANN@example.net"), wishes(other), "rfc822;ANN@example.net")
        both = Recipient(parse_address("ann@example.net"), wishes(one)).joined(again)
        assert both == Recipient(parse_address("ann@example.net"), wishes(joined), "rfc822;ANN@example.net")
