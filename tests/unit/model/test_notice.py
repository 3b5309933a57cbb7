"""Events in public words."""

import pytest

from gateway.model import notice
from gateway.model.events import Event, EventType
from gateway.model.facts import SubscriptionState
from gateway.model.notice import ALL, Names, NoticeType, event_types, notice_of, notice_type

NAMES = Names("news.example.org", "ann@example.net")


def event(kind: EventType, data=None, **facts) -> Event:
    return Event("E", kind, 5.0, 7, "S", 2, 3, facts, data or {})


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_of_event_is_told_or_kept(kind: EventType) -> None:
    """A new one: give it a NoticeType in gateway/model/notice.py, or put it into KEPT."""
    assert (kind in notice.TOLD) != (kind in notice.KEPT)


@pytest.mark.parametrize("state", list(SubscriptionState))
def test_every_state_of_a_subscription_is_told(state: SubscriptionState) -> None:
    told = notice_of(event(EventType.SUBSCRIPTION, state=str(state), via="page"), 9, NAMES)
    assert told.type == f"subscription.{state}"
    assert (told.place, told.id, told.at) == (9, "E", 5.0)
    assert (told.data["address"], told.data["list"]) == ("ann@example.net", "news.example.org")


@pytest.mark.parametrize(
    ("until", "kind", "told"),
    [
        (86_400.0, NoticeType.SUBSCRIPTION_PAUSED, "1970-01-02T00:00:00.000Z"),
        (0.0, NoticeType.SUBSCRIPTION_RESUMED, None),
    ],
)
def test_a_pause_is_no_confirmation(until: float, kind: NoticeType, told: str | None) -> None:
    paused = event(EventType.SUBSCRIPTION, state="confirmed", via="page", paused_until=until)
    notice = notice_of(paused, 1, NAMES)
    assert (notice.type, notice.data["paused_until"]) == (kind, told)


def test_the_address_of_the_event_itself_counts() -> None:
    told = notice_of(event(EventType.SUBSCRIPTION, {"address": "Bob@example.net"}, state="pending"), 1, NAMES)
    assert told.data["address"] == "Bob@example.net"


def test_the_words_of_a_report_are_for_the_provider() -> None:
    assert notice_of(event(EventType.FEEDBACK, {"words": "they stalk me"}, via="page"), 1, NAMES) is None
    assert notice_type(event(EventType.FEEDBACK, state="complained")) is NoticeType.SUBSCRIPTION_COMPLAINED
    assert notice_type(event(EventType.CONTENT_MODIFIED)) is None


def test_who_changed_the_account_is_not_said() -> None:
    changed = event(
        EventType.ACCOUNT_STATE, {"reason": "rates", "actor": "root"}, to="suspended", **{"from": "active"}
    )
    assert notice_of(changed, 1, NAMES).data == {"state": "suspended", "before": "active", "reason": "rates"}


@pytest.mark.parametrize("kind", sorted(notice.TOLD))
def test_data_has_the_same_keys_whatever_is_known(kind: EventType) -> None:
    empty = notice_of(event(kind, state="confirmed"), 1, Names())
    full = notice_of(event(kind, {"recipient": "x"}, state="confirmed", code=1, reason="y"), 1, NAMES)
    assert empty.data.keys() == full.data.keys()
    assert empty.type is full.type


def test_which_events_are_looked_at() -> None:
    assert event_types({NoticeType.MESSAGE_REFUSED}) == {EventType.REJECTION, EventType.CONSENT_DENIED}
    assert event_types({NoticeType.SUBSCRIPTION_PENDING}) == {EventType.SUBSCRIPTION, EventType.FEEDBACK}
    assert event_types(ALL) == notice.TOLD
    assert event_types({NoticeType.WEBHOOK_TEST}) == frozenset()


def test_the_test_names_its_webhook() -> None:
    assert notice.test_notice("E", 1.0, "wh_1").data == {"webhook": "wh_1", "reason": None}
