"""The store's twins in memory: the same promises, kept by dictionaries, gone with the process.

``away`` set to an exception makes every question fail with it, as a store does that cannot be asked.
"""

import asyncio
import hmac
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.model.api_key import Grant
from gateway.model.events import Event, SealedEvent
from gateway.model.facts import Account, AccountState, Bonds, Subscription, Suppression
from gateway.model.notice import Names, Notice, NoticeType, notice_of, test_notice
from gateway.model.reply import StoreAway
from gateway.model.webhook import Webhook, WebhookState
from gateway.ports import BadCursor, KeyGone, Page
from gateway.store.dkim_keys import StoredKey
from gateway.store.keys import AccountKey
from gateway.store.schema import PROVIDER_ID

_NAMELESS = Names()
_NOTHING = test_notice("", 0.0, "")


@dataclass(slots=True)
class _MayBeAway:
    away: StoreAway | None = field(default=None, kw_only=True)

    def _ask(self) -> None:
        if self.away is not None:
            raise self.away


@dataclass(slots=True)
class MemoryAccounts(_MayBeAway):
    """ports.Accounts."""

    _accounts: dict[int, tuple[Account, str]] = field(default_factory=dict)

    def put(self, account: Account, password: str) -> None:
        """Keep an account as it stands from now on."""
        self._accounts[account.id] = (account, password)

    def remove(self, account_id: int) -> None:
        """Forget an account."""
        self._accounts.pop(account_id, None)

    async def authenticate(self, name: str, password: str) -> Account | None:
        """Return the account when name and password are right."""
        self._ask()
        for account, right in self._accounts.values():
            if account.name == name:
                same = hmac.compare_digest(
                    right.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass")
                )
                return account if same and account.state is not AccountState.CANCELLED else None
        return None

    async def by_id(self, account_id: int) -> Account | None:
        """Return the account, or None when it is gone."""
        self._ask()
        return self._accounts[account_id][0] if account_id in self._accounts else None

    async def by_name(self, name: str) -> Account | None:
        """Return the account of that name, or None."""
        self._ask()
        return next((account for account, _ in self._accounts.values() if account.name == name), None)


@dataclass(slots=True)
class MemoryConsentBook(_MayBeAway):
    """ports.ConsentBook."""

    _subscriptions: dict[tuple[int, bytes], dict[int, Subscription]] = field(default_factory=dict)
    _suppressions: dict[tuple[int, bytes], Suppression] = field(default_factory=dict)

    def put(self, account_id: int, address_hash: bytes, subscription: Subscription) -> None:
        """Keep a subscription as it stands from now on."""
        self._subscriptions.setdefault((account_id, address_hash), {})[subscription.list_id] = subscription

    def suppress(self, account_id: int, address_hash: bytes, suppression: Suppression) -> None:
        """Keep that an address may not be written to."""
        self._suppressions[account_id, address_hash] = suppression

    async def bonds(self, keys: Sequence[tuple[int, bytes]]) -> Sequence[Bonds]:
        """Return what is known for each (account id, address hash), in order."""
        self._ask()
        return [self._of(key) for key in keys]

    def _of(self, key: tuple[int, bytes]) -> Bonds:
        by_list = self._subscriptions.get(key, {})
        subscriptions = tuple(by_list[list_id] for list_id in sorted(by_list))
        return Bonds(subscriptions, self._suppressions.get(key))


class MemoryKeyring:
    """ports.Keyring: real seals under keys that are made up here. The provider has one from the start."""

    def __init__(self, *account_ids: int, octets: Callable[[int], bytes] = os.urandom) -> None:
        self._octets = octets
        self._keys: dict[int, AccountKey] = {}
        for account_id in (PROVIDER_ID, *account_ids):
            self.create(account_id)

    def create(self, account_id: int) -> None:
        """Give an account a key."""
        self._keys[account_id] = AccountKey(account_id, self._octets(32), self._octets)

    def destroy(self, account_id: int) -> None:
        """Take an account's key away for ever."""
        self._keys.pop(account_id, None)

    def address_hash(self, account_id: int, identity: str) -> bytes:
        """Return the 16-octet keyed hash under which an address identity is looked up."""
        return self._key(account_id).address_hash(identity)

    def seal(self, account_id: int, plain: bytes, context: bytes) -> bytes:
        """Encrypt and authenticate."""
        return self._key(account_id).seal(plain, context)

    def open(self, account_id: int, sealed: bytes, context: bytes) -> bytes:
        """Decrypt; raise ValueError when it was tampered with."""
        return self._key(account_id).open(sealed, context)

    def _key(self, account_id: int) -> AccountKey:
        if account_id not in self._keys:
            raise KeyGone(account_id)
        return self._keys[account_id]


@dataclass(slots=True)
class MemoryEvents(_MayBeAway):
    """ports.EventStore; ``kept`` are the events in the order in which they came."""

    _by_id: dict[str, SealedEvent] = field(default_factory=dict)

    async def append(self, events: Sequence[SealedEvent]) -> None:
        """Keep them; those that are known already change nothing."""
        self._ask()
        for event in events:
            self._by_id.setdefault(event.id, event)

    @property
    def kept(self) -> tuple[SealedEvent, ...]:
        """All events."""
        return tuple(self._by_id.values())


@dataclass(slots=True)
class MemoryFeed(_MayBeAway):
    """ports.EventFeed; ``tell`` is how it comes to have something."""

    _told: list[tuple[int, Notice]] = field(default_factory=list)

    def tell(self, event: Event, names: Names = _NAMELESS) -> None:
        """Keep an event as the newest; one that tenants are not told only takes a place."""
        notice = notice_of(event, len(self._told) + 1, names)
        self._told.append((event.account_id if notice else -1, notice or _NOTHING))

    def page(self, account_id: int, after: int, wanted: Collection[NoticeType], limit: int) -> Page:
        """Return what came after a place, oldest first."""
        self._ask()
        later = [one for whose, one in self._told[after:] if whose == account_id and one.type in wanted]
        if len(later) > limit:
            return Page(tuple(later[:limit]), later[limit - 1].place, more=True)
        return Page(tuple(later), len(self._told), more=False)

    def cursor(self, account_id: int, place: int) -> str:
        """Return a place as the account's own programs keep it."""
        return f"{account_id}-{place}."

    def place(self, account_id: int, cursor: str) -> int:
        """Return the place of a cursor; raise BadCursor."""
        whose, _, place = cursor.partition("-")
        if whose != str(account_id) or not place.endswith("."):
            raise BadCursor
        return int(place.removesuffix("."))


@dataclass(slots=True)
class MemoryApiKeys(_MayBeAway):
    """ports.ApiKeys."""

    _grants: dict[str, Grant] = field(default_factory=dict)

    def put(self, text: str, grant: Grant) -> None:
        """Let a key be good."""
        self._grants[text] = grant

    def remove(self, text: str) -> None:
        """Let a key be good for nothing."""
        self._grants.pop(text, None)

    async def grant(self, text: str, now: float) -> Grant | None:  # noqa: ARG002 - nobody asks for its last use
        """Return what the bearer of a key may do, or None."""
        self._ask()
        return self._grants.get(text)


@dataclass(slots=True)
class MemoryWebhooks(_MayBeAway):
    """webhooks.book.WebhookBook."""

    _webhooks: dict[str, Webhook] = field(default_factory=dict)

    def put(self, webhook: Webhook) -> None:
        """Keep a webhook as it stands from now on."""
        self._webhooks[webhook.id] = webhook

    def remove(self, which: str) -> None:
        """Forget a webhook."""
        self._webhooks.pop(which, None)

    def of(self, which: str) -> Webhook:
        """Return a webhook as it stands."""
        return self._webhooks[which]

    def active(self) -> Sequence[Webhook]:
        """Return those that are to be told."""
        self._ask()
        return tuple(one for one in self._webhooks.values() if one.state is WebhookState.ACTIVE)

    def told(self, webhook: Webhook, place: int, now: float) -> Webhook:
        """Keep that it was told everything up to a place."""
        fresh = {"failures": 0, "failing_since": None, "failure": "", "due_at": 0.0}
        return self._change(webhook, place, told_at=now, **fresh)

    def passed(self, webhook: Webhook, place: int) -> Webhook:
        """Keep that nothing up to a place is for it."""
        return self._change(webhook, place)

    def failed(self, webhook: Webhook, why: str, due_at: float, now: float) -> Webhook:
        """Keep that it failed, and when it is to be tried again."""
        since, failures = webhook.failing_since or now, webhook.failures + 1
        return self._change(
            webhook, webhook.place, failures=failures, failing_since=since, failure=why, due_at=due_at
        )

    def disable(self, webhook: Webhook, why: str, now: float) -> None:
        """Give it up."""
        since, failures = webhook.failing_since or now, webhook.failures + 1
        state = WebhookState.DISABLED
        self._change(webhook, webhook.place, state=state, failure=why, failing_since=since, failures=failures)

    def _change(self, webhook: Webhook, place: int, **values: Any) -> Webhook:
        self._ask()
        before = self._webhooks.get(webhook.id)
        if before is not None and place >= before.place:
            self._webhooks[webhook.id] = replace(before, place=place, **values)
        return replace(webhook, place=place, **values)


@dataclass(slots=True)
class MemoryTide:
    """ports.Tide: rises when it is told to."""

    risen: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)  # set while somebody waits

    async def rise(self, account_id: int, beyond: int, patience: float) -> bool:  # noqa: ARG002 - one for all
        """Return True when it was told to rise, False when the seconds are over."""
        self.waiting.set()
        try:
            async with asyncio.timeout(patience):
                await self.risen.wait()
        except TimeoutError:
            return False
        self.risen.clear()
        return True


@dataclass(slots=True)
class MemoryDkimKeyBook(_MayBeAway):
    """DkimKeyBook's twin: the keys of an account's own domains."""

    _keys: dict[tuple[int, str], tuple[StoredKey, ...]] = field(default_factory=dict)

    def put(self, domain: str, key: StoredKey) -> None:
        """Add a key for a domain of the key's account."""
        place = (key.account_id, domain)
        self._keys[place] = (*self._keys.get(place, ()), key)

    async def keys(self, account_id: int, domain: str) -> tuple[StoredKey, ...]:
        """Return the keys of a domain if it is this account's, else none."""
        self._ask()
        return self._keys.get((account_id, domain), ())
