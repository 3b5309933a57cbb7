"""How newsletters went, from the events of their messages."""

import pytest

from gateway.model.address import parse_address
from gateway.model.events import Event, EventType, seal_event
from gateway.model.facts import Basis
from gateway.model.identity import new_id
from gateway.model.ledger import Origin
from gateway.model.newsletter import Figures, day_of, first_id
from gateway.store.events import insert_events
from gateway.store.subscriptions import Subscriptions
from tests.unit.web.api.conftest import ACME, CAFE, KEYS

DAY = 86_400
MONDAY = 20_000 * DAY + 9 * 3600.0  # 2024-10-04
_T = EventType


class Post:
    """Lets messages have happened."""

    def __init__(self, house) -> None:
        self.house = house
        self.number = 0
        self.lists = {one.account_id: one for name in ("acme", "cafe") for one in house.registry.lists(name)}

    def happen(self, submission: str, kind: EventType, copy: int | None = None, account: int = ACME, **facts):
        self.number += 1
        event = Event(
            new_id(MONDAY + self.number, self.number.to_bytes(10, "big")),
            kind,
            MONDAY + self.number,
            account,
            submission,
            copy,
            self.lists[account].id,
            facts,
        )
        with self.house.store.write() as connection:
            insert_events(connection, [seal_event(event, self.house.keyring.seal)])


@pytest.fixture
def post(house) -> Post:
    return Post(house)


def submission(at: float, number: int = 0) -> str:
    return new_id(at, number.to_bytes(10, "big"))


async def figures(api, key: str = KEYS[ACME], account: str = "acme", **asked):
    answer = await api.get("/newsletters", key=key, list=f"news.{account}.example", **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_one_newsletter(api, house, post) -> None:
    first, second = submission(MONDAY), submission(MONDAY + 3600)
    post.happen(first, _T.RECEPTION, recipients=8, refused=1)
    post.happen(second, _T.RECEPTION, recipients=2)
    for copy in range(5):
        post.happen(first, _T.DELIVERY, copy)
    for _ in range(3):  # one copy that waits is one, however often it is tried
        post.happen(first, _T.TRANSIENT_FAILURE, 5)
    post.happen(first, _T.BOUNCE, 6)
    post.happen(first, _T.EXPIRATION, 7)
    post.happen(second, _T.ADMIN_BOUNCE, 0)
    leave(house, first, "ann@example.net", complain=False)
    leave(house, first, "bob@example.net", complain=True)
    post.happen(first, _T.FEEDBACK, via="page")  # the words of a complaint that counts already
    (told,) = (await figures(api))["data"]
    assert told == {
        "list": "news.acme.example",
        "date": "2024-10-04",
        "accepted": 10,
        "delivered": 5,
        "deferred": 1,
        "bounced": 1,
        "expired": 1,
        "stopped": 1,
        "unsubscribed": 1,
        "complained": 1,
        "rates": {
            "delivered": 0.5,
            "deferred": 0.1,
            "bounced": 0.1,
            "unsubscribed": 0.2,
            "complained": 0.2,
        },
    }


def leave(house, submission_id: str, address: str, *, complain: bool) -> None:
    subscriptions, whom = Subscriptions(house.store, house.keyring), parse_address(address)
    (news,) = house.registry.lists("acme")
    subscriptions.add(ACME, news.id, whom, Basis.ASSERTED, Origin("operator x", ""), 1.0)
    act = subscriptions.report if complain else subscriptions.unsubscribe
    who = house.keyring.address_hash(ACME, whom.identity)
    act(ACME, news.id, who, MONDAY + 9 * DAY, Origin("subscriber", "one-click"), submission_id)


async def test_the_day_is_that_of_the_message_and_not_of_what_came_of_it(api, post) -> None:
    midnight = 20_001.0 * DAY
    post.happen(submission(midnight - 0.001), _T.DELIVERY, 0)
    post.happen(submission(midnight), _T.DELIVERY, 0)
    told = (await figures(api))["data"]
    assert [(one["date"], one["delivered"]) for one in told] == [("2024-10-05", 1), ("2024-10-04", 1)]


async def test_page_by_page(api, post) -> None:
    for day in (0, 1, 5, 400):
        post.happen(submission(MONDAY + day * DAY), _T.DELIVERY, 0)
    seen, after = [], ""
    while after is not None:
        page = await figures(api, limit=3, after=after)
        seen += [one["date"] for one in page["data"]]
        after = page["next"]
    assert seen == ["2025-11-08", "2024-10-09", "2024-10-05", "2024-10-04"]


async def test_other_lists_and_accounts_count_nothing(api, post) -> None:
    post.happen(submission(MONDAY), _T.DELIVERY, 0, account=CAFE)
    post.happen("", _T.SUBSCRIPTION, state="unsubscribed", subscriber="00")
    assert await figures(api) == {"data": [], "next": None}
    assert len((await figures(api, KEYS[CAFE], "cafe"))["data"]) == 1
    answer = await api.get("/newsletters", list="news.cafe.example")
    assert answer.status_code == 404


def test_rates_of_nothing_and_of_more_than_there_is() -> None:
    assert set(Figures().rates.values()) == {None}
    assert Figures(accepted=1, delivered=1, complained=2).rates["complained"] == 1.0


def test_days_and_ids() -> None:
    for at in (0.0, MONDAY, 4_000_000_000.5):
        day = int(at // DAY)
        assert day_of(submission(at, 1)) == day
        assert first_id(day) <= submission(at) < first_id(day + 1)
