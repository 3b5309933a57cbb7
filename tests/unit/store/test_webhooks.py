"""Webhooks at rest: sealed, and from which event on they are told."""

import pytest
from sqlalchemy import select

from gateway.model.events import EventType
from gateway.model.facts import Account, AccountState, ConsentLevel, OverQuota
from gateway.model.notice import ALL, NoticeType
from gateway.model.webhook import ROTATION, WebhookState
from gateway.store.database import Store
from gateway.store.events import EventHistory
from gateway.store.feed import StoreFeed
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import BadName, NoSuchWebhook, TooMany
from gateway.store.registry import Registry
from gateway.store.schema import WEBHOOK
from gateway.store.webhooks import MOST, Webhooks

URL = "https://hooks.example/t0ken?key=s3cret"


@pytest.fixture
def webhooks(store: Store, keyring: StoreKeyring) -> Webhooks:
    return Webhooks(store, keyring)


def test_neither_url_nor_secret_is_readable_at_rest(webhooks: Webhooks, acme: Account, store: Store) -> None:
    made = webhooks.add(acme.id, URL, frozenset(), 5.0)
    with store.read() as connection:
        row = repr(connection.execute(select(WEBHOOK)).one())
    for word in ("hooks.example", "t0ken", "s3cret", made.secret_text[6:]):
        assert word not in row
    assert "hooks" not in repr(made)
    assert made.secret_text.startswith("whsec_")
    assert len(made.secret) == 32
    assert webhooks.of_account(acme.id) == (made,)


def test_what_happened_before_is_not_told(
    webhooks: Webhooks, acme: Account, registry: Registry, store: Store, keyring: StoreKeyring
) -> None:
    registry.set_state("acme", AccountState.SUSPENDED, "rates", "op", 1.0)
    made = webhooks.add(acme.id, URL, frozenset(), 2.0)
    assert StoreFeed(store, keyring).page(acme.id, made.place, ALL, 10).notices == ()
    registry.set_state("acme", AccountState.ACTIVE, "", "op", 3.0)
    (notice,) = StoreFeed(store, keyring).page(acme.id, made.place, ALL, 10).notices
    assert notice.type is NoticeType.ACCOUNT_CHANGED


def test_types_are_kept(webhooks: Webhooks, acme: Account) -> None:
    wanted = frozenset({NoticeType.MESSAGE_BOUNCED, NoticeType.SUBSCRIPTION_UNSUBSCRIBED})
    made = webhooks.add(acme.id, URL, wanted, 5.0)
    assert webhooks.find(made.id).types == wanted


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example/x",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://user:word@hooks.example/",
        "https://hooks.example/#here",
        "https://hooks.example/ x",
        "https://hooks.example/\r\nX: y",
        "https://b\u00fccher.example/",
        "https://hooks.example:25/",
        "https://hooks.example:99999/",
        "https://[::1/",
        "https://hooks.example/" + "x" * 2000,
    ],
)
def test_urls_that_no_webhook_may_have(webhooks: Webhooks, acme: Account, url: str) -> None:
    with pytest.raises(BadName):
        webhooks.add(acme.id, url, frozenset(), 5.0)
    assert webhooks.of_account(acme.id) == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "http://127.0.0.1:8080/x",
        "https://[2001:db8::1]/?a=b&c=%20",
        "https://h.example:443/",
    ],
)
def test_urls_that_one_may_have(webhooks: Webhooks, acme: Account, url: str) -> None:
    assert webhooks.add(acme.id, url, frozenset(), 5.0).url == url


def test_an_account_has_a_bounded_number(webhooks: Webhooks, acme: Account) -> None:
    for _ in range(MOST):
        webhooks.add(acme.id, URL, frozenset(), 5.0)
    with pytest.raises(TooMany):
        webhooks.add(acme.id, URL, frozenset(), 5.0)


def test_what_operators_do_is_seen_by_the_revision(webhooks: Webhooks, acme: Account, store: Store) -> None:
    revisions = [store.revision()]
    made = webhooks.add(acme.id, URL, frozenset(), 5.0)
    revisions.append(store.revision())
    webhooks.disable(made, "HTTP 410", 6.0)
    revisions.append(store.revision())
    assert webhooks.enable(made.id).state is WebhookState.DISABLED
    revisions.append(store.revision())
    assert webhooks.find(made.id).state is WebhookState.ACTIVE
    webhooks.remove(made.id)
    revisions.append(store.revision())
    assert len(set(revisions)) == 5
    for call in (webhooks.find, webhooks.enable, webhooks.remove):
        with pytest.raises(NoSuchWebhook):
            call(made.id)


def test_giving_up_is_an_event_of_the_account(
    webhooks: Webhooks, acme: Account, store: Store, keyring: StoreKeyring
) -> None:
    made = webhooks.add(acme.id, URL, frozenset(), 5.0)
    webhooks.disable(made, "HTTP 410", 6.0)
    (event,) = EventHistory(store, keyring).recent(acme.id, types=[EventType.WEBHOOK])
    assert event.facts == {"webhook": made.id, "reason": "HTTP 410"}


def test_a_cancelled_account_is_told_nothing(webhooks: Webhooks, acme: Account, registry: Registry) -> None:
    webhooks.add(acme.id, URL, frozenset(), 5.0)
    registry.set_state("acme", AccountState.SUSPENDED, "rates", "op", 1.0)
    assert len(webhooks.active()) == 1
    registry.set_state("acme", AccountState.CANCELLED, "", "op", 1.0)
    assert webhooks.active() == ()


def test_one_that_cannot_be_opened_stops_no_other(
    webhooks: Webhooks, acme: Account, registry: Registry, store: Store, keyring: StoreKeyring
) -> None:
    cafe = registry.add_account("cafe", "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, now=1.0)
    webhooks.add(acme.id, URL, frozenset(), 5.0)
    theirs = webhooks.add(cafe.id, URL, frozenset(), 5.0)
    with store.write() as connection:
        connection.execute(
            WEBHOOK.update().where(WEBHOOK.c.account_id == acme.id).values(sealed=b"\x01" + bytes(50))
        )
    assert webhooks.active() == (theirs,)


def test_a_new_secret_and_what_signs_beside_it(webhooks: Webhooks, acme: Account, store: Store) -> None:
    made = webhooks.add(acme.id, URL, frozenset(), 5.0)
    first = webhooks.rotate(made.id, 100.0)
    second = webhooks.rotate(made.id, 200.0)
    assert webhooks.find(made.id) == second
    assert second.secrets_at(100.0 + ROTATION - 1) == (second.secret, first.secret, made.secret)
    assert second.secrets_at(100.0 + ROTATION) == (second.secret, first.secret)
    assert second.secrets_at(200.0 + ROTATION) == (second.secret,)
    assert len({made.secret, first.secret, second.secret}) == 3
    with store.read() as connection:
        row = repr(connection.execute(select(WEBHOOK)).one())
    assert all(one.secret_text[6:] not in row for one in (made, first, second))
    for time in range(300, 310):
        second = webhooks.rotate(made.id, float(time))
    assert len(second.secrets_at(310.0)) == 5
    with pytest.raises(NoSuchWebhook):
        webhooks.rotate("wh_none", 1.0)
