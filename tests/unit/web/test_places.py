"""Whose places are counted, and who is exempt."""

from ipaddress import ip_network

import pytest
import structlog

from gateway.observe.memory import MemoryMeter
from gateway.settings.schema import WebSection
from gateway.web.places import Places, Shares

PROXY = ip_network("10.0.0.0/8")


class Guest:
    """A connection that remembers whether it had to go."""

    gone = False

    def give_way(self) -> None:
        self.gone = True


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def places(meter) -> Places:
    section = WebSection(connections_per_source=2, forwarded_from=(PROXY,))
    return Places(lambda: section, meter, connections=5, monotonic=lambda: 0.0)


@pytest.mark.parametrize(
    ("first", "last", "let_in"),
    [
        ("192.0.2.1", "192.0.2.1", False),
        ("192.0.2.1", "192.0.2.2", True),
        ("::ffff:192.0.2.1", "192.0.2.1", False),
        ("2001:db8::1", "2001:db8::ffff:2", False),  # one /64
        ("2001:db8::1", "2001:db8:0:1::1", True),
        ("10.0.0.1", "10.0.0.1", True),  # a proxy of ours
        ("", "", True),  # a socket that has no addresses
    ],
)
def test_a_share_is_a_sources(places, first: str, last: str, let_in: bool) -> None:
    assert places.enter(Guest(), first)
    assert places.enter(Guest(), first)
    assert places.enter(Guest(), last) is let_in


def test_a_place_is_given_back_once(places) -> None:
    guest, other = Guest(), Guest()
    assert places.enter(guest, "192.0.2.1")
    assert places.enter(other, "192.0.2.1")
    for _ in range(2):
        places.leave(guest)
    assert places.enter(guest, "192.0.2.1")
    assert not places.enter(Guest(), "192.0.2.1")


def test_who_has_kept_us_waiting_longest_gives_way(places, meter) -> None:
    guests = [Guest() for _ in range(5)]
    for number, guest in enumerate(guests):
        assert places.enter(guest, f"192.0.2.{number}")
    places.answering(guests[0])
    places.waiting_for(guests[1])  # as before: no younger for that
    assert places.enter(Guest(), "192.0.2.99")
    assert [guest.gone for guest in guests] == [False, True, False, False, False]
    assert meter.value("web_connections_denied_total", reason="idle") == 1
    places.waiting_for(guests[1])  # a word of who has gone changes nothing
    assert places.enter(Guest(), "192.0.2.98")
    assert [guest.gone for guest in guests] == [False, True, True, False, False]


def test_full_of_work(places, meter) -> None:
    for number in range(5):
        guest = Guest()
        assert places.enter(guest, f"192.0.2.{number}")
        places.answering(guest)
    assert not places.enter(Guest(), "192.0.2.99")
    assert meter.value("web_connections_denied_total", reason="full") == 1


def test_a_flood_is_one_line_in_the_log(places) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(20):
            places.enter(Guest(), "192.0.2.1")
    assert [(line["reason"], line["client"]) for line in lines] == [("source", "192.0.2.1")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),  # a stranger's word
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::/64"),
        ("10.0.0.1", "", ""),
        ("10.0.0.1", "10.0.0.2", ""),
        ("10.0.0.1", "nonsense", ""),
    ],
)
def test_whose_a_request_is(places, peer: str, forwarded: str, source: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert places.source({"client": (peer, 1), "headers": headers}) == source


def test_work_whose_client_has_left_counts_still(places) -> None:
    for number in range(5):
        assert places.begin(f"192.0.2.{number}") is None
    assert places.begin("192.0.2.99") == 503
    places.end("192.0.2.1")
    assert places.begin("192.0.2.99") is None


@pytest.mark.parametrize(("forwarded", "answers"), [("198.51.100.1", [200, 200, 429]), ("", [200] * 3)])
async def test_a_client_behind_the_proxy_has_its_share_of_requests(places, forwarded, answers) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"type": "http", "client": ("10.0.0.1", 1), "headers": headers}
    heard: list[int] = []

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            heard.append(message["status"])

    async def inner(_scope, receive, _send) -> None:
        """Ask again from within, so that all are in progress at once."""
        if len(heard) == 0 and depth[0] < 3:
            depth[0] += 1
            await shares(scope, receive, send)
        await _send({"type": "http.response.start", "status": 200})

    depth, shares = [1], Shares(inner, places)
    await shares(scope, None, send)
    assert sorted(heard) == answers
    heard.clear()
    depth[0] = 3
    await shares(scope, None, send)  # all of them have been counted out
    assert heard == [200]
