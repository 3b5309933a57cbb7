from collections.abc import Callable

import pytest
from sqlalchemy import select

from gateway.model.events import EventType
from gateway.model.facts import Account, AccountState, ConsentLevel, MailList, OverQuota
from gateway.model.rate import parse_rate
from gateway.store.database import Store
from gateway.store.events import EventHistory
from gateway.store.keys import StoreKeyring
from gateway.store.refusals import AlreadyThere, BadName, NoSuchAccount, NoSuchDomain, NoSuchList
from gateway.store.registry import Registry
from gateway.store.schema import ACCOUNT, ACCOUNT_KEY


def test_an_account_stands_as_it_was_made(registry: Registry) -> None:
    rates = (parse_rate("100/s"), parse_rate("10,000/h"))
    made = registry.add_account(
        "acme.co-1_x", "secret", ConsentLevel.ASSERTED, rates, 50, OverQuota.SHAPE, 5.0
    )
    assert made == Account(
        made.id,
        "acme.co-1_x",
        AccountState.ACTIVE,
        "",
        ConsentLevel.ASSERTED,
        rates,
        50,
        OverQuota.SHAPE,
        frozenset(),
        (),
        None,
    )
    assert registry.account("acme.co-1_x") == registry.account_by_id(made.id) == made
    assert registry.accounts() == [made]
    assert registry.account("other") is None
    assert registry.account_by_id(99) is None


def test_the_password_rests_as_argon2id_only(registry: Registry, store: Store, acme: Account) -> None:
    with store.read() as connection:
        before = connection.execute(select(ACCOUNT.c.password_hash)).scalar_one()
    registry.set_password("acme", "another")
    with store.read() as connection:
        after = connection.execute(select(ACCOUNT.c.password_hash)).scalar_one()
    assert before.startswith("$argon2id$")
    assert before != after


@pytest.mark.parametrize(
    "name", ["", "Acme", "a b", "a@b", "x" * 65, "acme\n", "ä", "provider", "postmaster"]
)
def test_names_that_are_none(registry: Registry, name: str) -> None:
    with pytest.raises(BadName):
        registry.add_account(name, "secret", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, 5.0)


def test_what_is_there_already_is_told_and_nothing_is_left_behind(
    registry: Registry, store: Store, news: MailList
) -> None:
    registry.add_domain("acme", "example.org", verified=False, now=5.0)
    revision = store.revision()
    with pytest.raises(AlreadyThere, match="account acme"):
        registry.add_account("acme", "x", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE, 5.0)
    with pytest.raises(AlreadyThere, match=r"domain example\.org"):
        registry.add_domain("acme", "Example.ORG.", verified=True, now=5.0)
    with pytest.raises(AlreadyThere, match=r"list NEWS\.example\.org"):
        registry.add_list("acme", "NEWS.example.org", "Again", default=False)
    assert store.revision() == revision
    with store.read() as connection:
        assert len(connection.execute(select(ACCOUNT_KEY)).all()) == 1


def test_an_account_that_is_none_is_told(registry: Registry) -> None:
    calls: list[Callable[[], object]] = [
        lambda: registry.set_password("nobody", "x"),
        lambda: registry.set_state("nobody", AccountState.SUSPENDED, "", "", 1.0),
        lambda: registry.add_domain("nobody", "example.org", verified=True, now=1.0),
        lambda: registry.domains("nobody"),
        lambda: registry.add_list("nobody", "a.b", "", default=False),
        lambda: registry.lists("nobody"),
        lambda: registry.set_default_list("nobody", "a.b"),
    ]
    for call in calls:
        with pytest.raises(NoSuchAccount, match="no account nobody"):
            call()


def test_a_state_is_entered_with_an_event(
    registry: Registry, store: Store, keyring: StoreKeyring, acme: Account
) -> None:
    changed = registry.set_state("acme", AccountState.SUSPENDED, "spam, says bob@example.org", "root", 200.0)
    assert (changed.state, changed.state_reason) == (AccountState.SUSPENDED, "spam, says bob@example.org")
    [event] = EventHistory(store, keyring).recent(acme.id)
    assert (event.type, event.at) == (EventType.ACCOUNT_STATE, 200.0)
    assert event.facts == {"account": "acme", "from": "active", "to": "suspended"}
    assert event.data == {"reason": "spam, says bob@example.org", "actor": "root"}


def test_only_verified_domains_are_the_accounts(registry: Registry, acme: Account) -> None:
    registry.add_domain("acme", "BÜCHER.example", verified=False, now=5.0)
    registry.add_domain("acme", "example.org", verified=True, now=5.0)
    assert registry.account_by_id(acme.id).domains == {"example.org"}  # type: ignore[union-attr]
    verified = registry.verify_domain("bücher.example", now=6.0)
    assert registry.verify_domain("bücher.example", now=7.0) == verified
    assert verified.verified_at == 6.0
    assert registry.account("acme").domains == {"example.org", "xn--bcher-kva.example"}  # type: ignore[union-attr]
    assert [(one.name, one.verified_at) for one in registry.domains("acme")] == [
        ("example.org", 5.0),
        ("xn--bcher-kva.example", 6.0),
    ]
    with pytest.raises(NoSuchDomain):
        registry.verify_domain("other.example", now=7.0)


@pytest.mark.parametrize(
    "domain", ["", "a..b", "-a.example", "a b", "x" * 64 + ".org", "ä" * 70, "a." * 130 + "a", "[1.2.3.4]"]
)
def test_domains_that_are_none(registry: Registry, acme: Account, domain: str) -> None:
    with pytest.raises(BadName):
        registry.add_domain("acme", domain, verified=True, now=1.0)


def test_the_provider_has_domains_and_no_login(registry: Registry) -> None:
    domain = registry.add_domain("provider", "esp.example", verified=True, now=5.0)
    assert domain.account_id == 0
    assert registry.domains("provider") == [domain]
    assert registry.account("provider") is None


def test_a_default_list_can_be_another(registry: Registry, acme: Account, news: MailList) -> None:
    offers = registry.add_list("acme", "Offers.example.org", "Offers", default=False)
    assert registry.lists("acme") == [news, offers]
    assert registry.account("acme").default_list == news  # type: ignore[union-attr]
    registry.set_default_list("acme", "offers.example.org")
    assert registry.account("acme").default_list == offers  # type: ignore[union-attr]
    assert registry.list_by_id(acme.id, offers.id) == offers
    assert registry.list_by_id(acme.id, 99) is None
    assert registry.list_by_id(99, offers.id) is None
    with pytest.raises(NoSuchList):
        registry.set_default_list("acme", "other.example.org")


@pytest.mark.parametrize(
    "list_id", ["", "news", "<news.example.org>", "news.exämple.org", "a.b c", "a..b", "a." + "b" * 254]
)
def test_list_ids_that_are_none(registry: Registry, acme: Account, list_id: str) -> None:
    with pytest.raises(BadName):
        registry.add_list("acme", list_id, "", default=False)


def test_a_list_names_its_language(registry: Registry, acme: Account, news: MailList) -> None:
    for language in ("de", "pt-BR", "zh-Hant-TW", ""):
        assert registry.describe_list("acme", news.list_id, {"language": language}).language == language
    registry.describe_list("acme", news.list_id, {"language": "de"})
    assert registry.describe_list("acme", news.list_id, {"name": "Neues"}).language == "de"


@pytest.mark.parametrize("language", ["german", "DE", "d", "de_AT", "de-", "../de", "de\n"])
def test_languages_that_are_none(registry: Registry, acme: Account, news: MailList, language: str) -> None:
    with pytest.raises(BadName):
        registry.describe_list("acme", news.list_id, {"language": language})


def test_every_change_is_a_new_revision(
    registry: Registry, store: Store, acme: Account, news: MailList
) -> None:
    seen = [store.revision()]
    for change in (
        lambda: registry.set_password("acme", "x"),
        lambda: registry.set_state("acme", AccountState.WARNED, "", "", 1.0),
        lambda: registry.add_domain("acme", "example.org", verified=False, now=1.0),
        lambda: registry.verify_domain("example.org", 1.0),
        lambda: registry.add_list("acme", "a.b", "", default=False),
        lambda: registry.set_default_list("acme", "a.b"),
    ):
        change()
        seen.append(store.revision())
    assert seen == sorted(set(seen))
