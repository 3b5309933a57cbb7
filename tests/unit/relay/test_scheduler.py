import asyncio
import email
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog

from gateway.model.address import parse_address
from gateway.model.delivery import Delivery, DeliveryState, Notify, Recipient, Sender
from gateway.model.events import EventType, open_event
from gateway.model.facts import Account, AccountState, Bonds, ConsentLevel, OverQuota, Suppression
from gateway.model.policy import Policy
from gateway.model.rate import Rate
from gateway.model.reply import NO_CONSENT, SpoolFull, StoreAway
from gateway.model.splice import Splice
from gateway.model.verdict import ACCOUNT_STATE_HOLD, PASS, Hold, Refuse
from gateway.pipeline.shelf import Shelf
from gateway.ports import HopBroken, HopReply, HopUnreachable, Parcel
from gateway.relay import scheduler as scheduler_module
from gateway.relay.memory import TAKEN, MemoryHop
from gateway.relay.routes import Routes
from gateway.relay.scheduler import Scheduler
from gateway.relay.sending import Means
from gateway.relay.wire import UnfitContent
from gateway.settings.files import Disk
from gateway.spool.memory import MemorySpool
from gateway.store.quota_memory import MemoryQuota

LATER = HopReply(451, "4.7.1", "slow down", "RCPT", "hop.example")
NEVER = HopReply(550, "5.1.1", "who?", "RCPT", "hop.example:2525")
AWAY = HopUnreachable("hop.example: refused")


class PlainKeyring:
    """Seals nothing; the spool has tests of its own for that."""

    def address_hash(self, account_id, identity):
        return identity.encode()[:16]

    def seal(self, account_id, plain, context):
        return plain

    def open(self, account_id, sealed, context):
        return sealed


class WatchedSpool(MemorySpool):
    """Tells when something has changed; ``troubles`` are raised first."""

    def __init__(self, clock) -> None:
        super().__init__(keyring=PlainKeyring(), clock=clock)
        self.changed = asyncio.Event()
        self.troubles: list[Exception] = []
        self.largest_claim = 0
        self.away = 0

    async def accounts_due(self, now):
        if self.away:
            self.away -= 1
            raise StoreAway("away")
        return await super().accounts_due(now)

    async def settle(self, settlements):
        if self.troubles:
            self.changed.set()
            raise self.troubles.pop(0)
        await super().settle(settlements)
        self.changed.set()

    async def claim_due(self, account_id, now, limit, octets):
        self.largest_claim = max(self.largest_claim, limit)
        self.changed.set()
        return await super().claim_due(account_id, now, limit, octets)

    async def next_due(self, now):
        self.changed.set()
        return await super().next_due(now)

    async def release_held(self, account_id, hold_reason):
        self.changed.set()
        return await super().release_held(account_id, hold_reason)

    def state(self, delivery: Delivery) -> Delivery | None:
        return self._deliveries.get((delivery.submission.id, delivery.number))


class FakeAccounts:
    def __init__(self) -> None:
        self.known: dict[int, Account] = {}
        self.troubles: list[Exception] = []

    def account(self, account_id: int) -> Account:
        return Account(
            account_id, f"a{account_id}", AccountState.ACTIVE, "", ConsentLevel.CONFIRMED, (), 0, OverQuota.REFUSE,
            frozenset(), (), None,
        )  # fmt: skip

    async def by_id(self, account_id: int) -> Account | None:
        if self.troubles:
            raise self.troubles.pop(0)
        return self.known.get(account_id, self.account(account_id) if account_id else None)


class FakeSigner:
    def __init__(self) -> None:
        self.prefix = b""
        self.troubles: list[Exception] = []

    async def sign(self, account_id, domain, content):
        if self.troubles:
            raise self.troubles.pop(0)
        return self.prefix


def state_rule(facts):
    return PASS if facts.account.state.may_send else Hold(ACCOUNT_STATE_HOLD)


def quota_rule(facts):
    return Hold("over-quota", facts.quota.wait) if facts.quota.wait else PASS


SHELF = Shelf.of([Policy("account_state", release=state_rule), Policy("quota", release=quota_rule)])


class World:
    def __init__(self, mail, clock, entropy, meter, **relay) -> None:
        self.mail, self.clock, self.meter = mail, clock, meter
        self.spool = WatchedSpool(clock)
        self.accounts, self.signer, self.quota, self.hop = (
            FakeAccounts(),
            FakeSigner(),
            MemoryQuota(),
            MemoryHop(),
        )
        self.shelf = SHELF
        self.settings = mail.settings(**({"connections": 4} | relay))
        self.entropy = entropy
        self.count = 0
        self.asked: list[tuple[int, str]] = []
        self.book_troubles: list[Exception] = []
        self.known_bonds = Bonds()
        self.relay = self.scheduler(self.hop)

    def scheduler(self, hop) -> Scheduler:
        means = Means(
            self.accounts,
            self.quota,
            self.signer,
            hop,
            self.clock,
            self.meter,
            lambda: self.shelf,
            self.bonds,
        )
        return Scheduler(self.spool, means, self.entropy, lambda: self.settings)

    async def bonds(self, account_id, address) -> Bonds:
        self.asked.append((account_id, str(address)))
        if self.book_troubles:
            raise self.book_troubles.pop(0)
        return self.known_bonds

    @asynccontextmanager
    async def running(self):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.relay.run())
            await asyncio.sleep(0)
            try:
                yield
            finally:
                await self.relay.drain(5)

    def parcel(
        self, count=1, *, state=DeliveryState.QUEUED, account_id=7, content=None, recipient=None, **submission
    ) -> Parcel:
        self.count += 1
        made = self.mail.submission(
            self.count, account_id=account_id, received_at=self.clock.now(), **submission
        )
        recipient = recipient or Recipient(parse_address("friend@example.net"))
        deliveries = tuple(
            replace(
                self.mail.delivery(made, number), state=state, recipient=recipient, due_at=self.clock.now()
            )
            for number in range(count)
        )
        return Parcel(made, content if content is not None else self.mail.CONTENT, deliveries)

    async def keep(self, count=1, **what) -> Delivery:
        parcel = self.parcel(count, **what)
        await self.spool.put(parcel)
        self.relay.nudge()
        return parcel.deliveries[0]

    async def offer(self, count=1, **what) -> Delivery:
        parcel = self.parcel(count, state=DeliveryState.ACTIVE, **what)
        await self.spool.put(parcel)
        self.relay.offer(parcel)
        return parcel.deliveries[0]

    async def until(self, true) -> None:
        async with asyncio.timeout(20):
            while not true():
                self.spool.changed.clear()
                await self.spool.changed.wait()

    async def until_empty(self) -> None:
        await self.until(lambda: not self.spool._deliveries)

    def events(self, kind: EventType) -> list:
        opened = [open_event(one, PlainKeyring().open) for one in self.spool._events.values()]
        return [one for one in opened if one.type is kind]


@pytest.fixture
def make(mail, clock, entropy, meter):
    return lambda **relay: World(mail, clock, entropy, meter, **relay)


@pytest.fixture
def world(make):
    return make()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(scheduler_module, "_AWAY_PAUSE", 0.01)
    monkeypatch.setattr("gateway.relay.sending._UNKNOWN_PAUSE", 0.05)


@pytest.mark.parametrize("way", ["offer", "keep"])
async def test_a_delivery_goes_out_and_is_settled(world, way):
    async with world.running():
        delivery = await getattr(world, way)()
        await world.until_empty()
    [copy] = world.hop.copies
    assert (copy.content, copy.delivery.number, copy.sender) == (
        world.mail.CONTENT,
        0,
        delivery.submission.sender,
    )
    [event] = world.events(EventType.DELIVERY)
    assert event.facts == {
        "code": 250, "enhanced": "2.0.0", "bounce_class": "", "command": "end of data", "attempts": 1,
        "host": "memory", "seconds": 0.0,
    }  # fmt: skip
    assert event.data == {"recipient": "friend@example.net", "response": "250 2.0.0 Taken"}
    assert (event.submission_id, event.delivery_number, event.list_id) == (delivery.submission.id, 0, 3)
    assert world.meter.value("messages_delivered_total") == 1
    assert world.meter.observed("delivery_seconds") == [0.0]


async def test_each_copy_is_rendered_and_signed(world):
    world.signer.prefix = b"DKIM-Signature: x\r\n"
    for size in (0, 400_000):
        parcel = world.parcel(state=DeliveryState.ACTIVE, content=world.mail.CONTENT + b"x" * size)
        copy = replace(parcel.deliveries[0], splices=(Splice(0, 0, b"List-Id: <n>\r\n"),))
        parcel = replace(parcel, deliveries=(copy,))
        world.hop.copies.clear()
        async with world.running():
            await world.spool.put(parcel)
            world.relay.offer(parcel)
            await world.until_empty()
        assert world.hop.copies[0].content == world.signer.prefix + b"List-Id: <n>\r\n" + parcel.content
        world.relay = world.scheduler(world.hop)


async def test_4xx_defers_and_tries_again_when_it_is_time(world):
    world.hop.script(LATER, TAKEN)
    async with world.running():
        delivery = await world.offer()
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        found = world.spool.state(delivery)
        assert (found.attempts, found.due_at, found.last_reply) == (
            1,
            world.clock.now() + 60,
            "451 4.7.1 slow down",
        )
        [event] = world.events(EventType.TRANSIENT_FAILURE)
        assert event.facts["bounce_class"] == "PolicyRelated"
        assert world.meter.value("messages_transfail_total") == 1
        world.clock.time += 61
        world.relay.nudge()
        await world.until_empty()
    assert world.events(EventType.DELIVERY)[0].facts["attempts"] == 2


async def test_5xx_fails_and_the_sender_hears_of_it(world):
    world.hop.script(NEVER, TAKEN)
    async with world.running():
        await world.offer(sender=Sender(parse_address("sender@example.com"), ret="FULL"))
        await world.until(lambda: len(world.hop.copies) == 2 and not world.spool._deliveries)
    [event] = world.events(EventType.BOUNCE)
    assert event.facts["bounce_class"] == "InvalidRecipient"
    assert world.meter.value("messages_fail_total", bounce_class="InvalidRecipient") == 1
    report = world.hop.copies[1]
    assert report.sender.address is None
    assert str(report.delivery.recipient.address) == "sender@example.com"
    message = email.message_from_bytes(report.content)
    status = message.get_payload(1).get_payload(1)
    assert status["Remote-MTA"] == "dns; hop.example"
    assert status["Diagnostic-Code"] == "smtp; 550 5.1.1 who?"
    assert world.mail.CONTENT in report.content


async def test_a_report_that_fails_makes_no_report(world):
    world.hop.script(NEVER)
    async with world.running():
        await world.offer()
        await world.until(lambda: len(world.hop.copies) == 2 and not world.spool._deliveries)
    assert len(world.events(EventType.BOUNCE)) == 2


@pytest.mark.parametrize(
    ("notify", "dsn", "reports"), [({"SUCCESS"}, False, 1), ({"SUCCESS"}, True, 0), ({"FAILURE"}, False, 0)]
)
async def test_a_hop_without_dsn_has_us_report_the_relaying(world, notify, dsn, reports):
    world.hop.script(replace(TAKEN, dsn=dsn), TAKEN)
    recipient = Recipient(parse_address("friend@example.net"), frozenset(Notify(one) for one in notify))
    async with world.running():
        await world.offer(recipient=recipient)
        await world.until(lambda: len(world.hop.copies) == 1 + reports and not world.spool._deliveries)
    assert [b"Action: relayed" in copy.content for copy in world.hop.copies[1:]] == [True] * reports


async def test_a_delivery_that_is_too_old_expires(world):
    world.hop.script(LATER, TAKEN)
    async with world.running():
        parcel = world.parcel(state=DeliveryState.ACTIVE)
        world.clock.time += world.settings.relay.max_age
        await world.spool.put(parcel)
        world.relay.offer(parcel)
        await world.until(lambda: len(world.hop.copies) == 2 and not world.spool._deliveries)
    assert len(world.events(EventType.EXPIRATION)) == 1
    assert b"Status: 5.4.7" in world.hop.copies[1].content
    assert world.meter.value("messages_expired_total") == 1


REFUSED = HopReply(550, "5.7.1", "We want none of it", "RCPT", "hop.example")


def entrust(world, notify=frozenset()) -> dict:
    """Words for a letter to postmaster@ that is on its way to the operator."""
    world.accounts.known[0] = world.accounts.account(0)
    to = Recipient(parse_address("ops@operator.example"), frozenset(notify))
    return {"account_id": 0, "recipient": to, "sender": Sender(None), "list_id": None}


@pytest.mark.parametrize("answer", [REFUSED, HopBroken("hop.example: gone")])
async def test_a_letter_that_was_left_with_us_is_held_when_nobody_takes_it(world, answer):
    words = entrust(world)
    world.hop.script(answer, TAKEN)
    async with world.running():
        parcel = world.parcel(**words)
        if answer is not REFUSED:  # transient: it is tried for as long as any mail
            world.clock.time += world.settings.relay.max_age
        await world.spool.put(parcel)
        world.relay.nudge()
        (delivery,) = parcel.deliveries
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.HELD)
        held = world.spool.state(delivery)
        assert held.hold_reason == "undelivered"
        assert await world.spool.content(delivery.submission.id) == parcel.content
        assert world.meter.value("letters_undelivered_total") == 1
        assert world.meter.value("messages_fail_total") == world.meter.value("messages_expired_total") == 0
        (story,) = world.events(EventType.DELAYED)
        assert story.facts == {"policy": "inbound", "reason": "undelivered"}
        await world.spool.release_held(0, "undelivered")
        world.relay.nudge()
        await world.until_empty()
    assert len(world.hop.copies) >= 1


async def test_what_the_house_has_written_itself_is_not_held(world):
    words = entrust(world, [Notify.NEVER])
    world.hop.script(REFUSED)
    async with world.running():
        await world.keep(**words)
        await world.until_empty()
    assert world.meter.value("letters_undelivered_total") == 0


async def test_a_broken_hop_means_once_more(world):
    world.hop.script(HopBroken("hop.example: gone"), TAKEN)
    async with world.running():
        delivery = await world.offer()
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        assert world.spool.state(delivery).attempts == 1
        assert world.spool.state(delivery).last_reply == "451 4.4.2 hop.example: gone"


async def test_while_no_hop_answers_everything_stays_put(make):
    world = make(ready=40, ready_per_account=40)
    world.hop.script(AWAY)
    async with world.running():
        for _ in range(10):
            delivery = await world.keep(100)
        await world.until(lambda: world.events(EventType.TRANSIENT_FAILURE))
        tried = len(world.hop.copies)
        assert tried <= 4
        assert not world.relay.has_room(7, 1, 10)
        assert world.relay._lanes.total <= 40
        assert all(one.attempts == 0 for one in world.spool._deliveries.values())
        assert len(world.spool._deliveries) == 1000
        world.hop.script(TAKEN)
        world.clock.time += 1
        await world.until_empty()
        assert world.spool.state(delivery) is None
    assert world.meter.value("messages_delivered_total") == 1000


async def test_what_waits_too_long_for_a_hop_expires(make):
    world = make(ready=40, ready_per_account=40)
    world.hop.script(HopUnreachable("away", until=world.clock.now() + 30))
    async with world.running():
        await world.keep(90)
        await world.until(lambda: world.events(EventType.TRANSIENT_FAILURE))
        world.clock.time += world.settings.relay.max_age + 1
        young = await world.keep(account_id=8)
        await world.until(lambda: len(world.events(EventType.EXPIRATION)) == 90)
        left = [one for one in world.spool._deliveries.values() if one.submission.list_id]
        assert [one.submission.id for one in left] == [young.submission.id]


async def test_a_suspended_accounts_mail_is_held_and_goes_on(world):
    suspended = replace(world.accounts.account(7), state=AccountState.SUSPENDED)
    world.accounts.known[7] = suspended
    async with world.running():
        delivery = await world.keep(30)
        await world.keep(account_id=8)
        await world.until(
            lambda: all(one.state is DeliveryState.HELD for one in world.spool._deliveries.values())
        )
        assert [copy.delivery.submission.account_id for copy in world.hop.copies] == [8]
        assert world.spool.state(delivery).hold_reason == ACCOUNT_STATE_HOLD
        assert len(world.events(EventType.DELAYED)) == 30
        del world.accounts.known[7]
        await world.until_empty()
    assert len(world.hop.copies) == 31


async def test_an_account_that_is_gone_has_its_mail_failed_without_a_word(world):
    async with world.running():
        await world.keep(account_id=0)
        await world.until_empty()
    [event] = world.events(EventType.ADMIN_BOUNCE)
    assert event.data == {}
    assert world.hop.copies == []


async def test_a_release_rule_may_refuse(world):
    world.shelf = Shelf.of(
        [
            Policy(
                "no",
                release=lambda facts: Refuse(NO_CONSENT, "no") if facts.delivery.submission.list_id else PASS,
            )
        ]
    )
    async with world.running():
        await world.offer()
        await world.until(lambda: world.hop.copies and not world.spool._deliveries)
    [event] = world.events(EventType.ADMIN_BOUNCE)
    assert (event.facts["policy"], event.facts["code"]) == ("no", 550)
    assert b"Action: failed" in world.hop.copies[0].content


def shaped(world, rate: Rate, burst: int) -> None:
    account = world.accounts.account(7)
    world.accounts.known[7] = replace(account, rates=(rate,), burst=burst, over_quota=OverQuota.SHAPE)


def wants_it(facts):
    gone = facts.bonds is not None and facts.bonds.suppression is not None
    return Refuse(NO_CONSENT, "left") if gone else PASS


async def test_who_left_while_a_copy_waited_does_not_get_it(world):
    world.shelf = Shelf.of([Policy("consent", release=wants_it)])
    world.hop.script(LATER, TAKEN)
    async with world.running():
        delivery = await world.offer()
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        assert world.asked == []  # it was judged when it came in
        world.known_bonds = Bonds(suppression=Suppression("left", 1.0))
        world.book_troubles = [StoreAway("away")]  # which costs no attempt
        world.clock.time += 61
        world.relay.nudge()
        await world.until_empty()
    assert set(world.asked) == {(7, "friend@example.net")}
    [event] = world.events(EventType.ADMIN_BOUNCE)
    assert event.facts["attempts"] == 1
    _, report = world.hop.copies
    assert b"Action: failed" in report.content


async def test_a_shaped_account_waits_for_its_tokens_and_nobody_else_does(world):
    shaped(world, Rate(1, 60), 3)
    async with world.running():
        await world.keep(30)
        await world.until(lambda: any(lane.paused for lane in world.relay._lanes._lanes.values()))
        await world.keep(10, account_id=8)
        await world.until(lambda: len(world.hop.copies) == 13)
    accounts = [copy.delivery.submission.account_id for copy in world.hop.copies]
    assert (accounts.count(7), accounts.count(8)) == (3, 10)
    assert world.meter.value("delayed_due_to_message_rate_throttle_total") >= 1
    assert {(one.state, one.attempts) for one in world.spool._deliveries.values()} == {
        (DeliveryState.QUEUED, 0)
    }


async def test_a_shaped_account_goes_on_in_time(world):
    shaped(world, Rate(1000, 1), 1)
    async with world.running():
        await world.keep(3)
        while world.spool._deliveries:
            world.clock.time += 0.001
            await asyncio.sleep(0)
    assert len(world.hop.copies) == 3


async def test_a_token_that_was_not_used_is_given_back(world):
    shaped(world, Rate(1, 60), 1)
    world.hop.script(AWAY, TAKEN)
    async with world.running():
        await world.keep()
        await world.until(lambda: world.events(EventType.TRANSIENT_FAILURE))
        world.clock.time += 0.1
        await world.until_empty()
    assert len(world.hop.copies) == 2


async def test_an_outcome_that_cannot_be_kept_is_not_sent_again(world):
    world.spool.troubles = [SpoolFull("disk")] * 3
    async with world.running():
        await world.offer()
        await world.until_empty()
    assert len(world.hop.copies) == 1


async def test_a_fault_of_ours_is_transient(world):
    world.signer.troubles = [RuntimeError("secret")]
    async with world.running():
        delivery = await world.offer()
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        assert world.spool.state(delivery).last_reply == "451 4.3.0 Local error in processing"


async def test_a_store_that_is_away_costs_no_attempt(world):
    world.accounts.troubles = [StoreAway("away")] * 5
    async with world.running():
        await world.offer()
        await world.until_empty()
    assert world.events(EventType.DELIVERY)[0].facts["attempts"] == 1


async def test_content_that_must_not_be_sent_fails(world):
    world.hop.script(UnfitContent("bare"), TAKEN)
    async with world.running():
        await world.offer()
        await world.until(lambda: len(world.hop.copies) == 2 and not world.spool._deliveries)
    assert world.events(EventType.BOUNCE)[0].facts["enhanced"] == "5.6.0"


async def test_content_that_is_gone_is_let_go(world):
    async with world.running():
        delivery = await world.keep()
        del world.spool._bodies[delivery.submission.id]
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.ACTIVE)
        await world.until(lambda: not world.relay._lanes._lanes)
        world.spool._bodies[delivery.submission.id] = b""
    assert world.hop.copies == []


class SlowHop(MemoryHop):
    """Waits at each copy until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.asked = asyncio.Event()

    async def send(self, copy):
        self.asked.set()
        await self.go.wait()
        return await super().send(copy)


async def test_ten_thousand_do_not_delay_one(make):
    world = make(connections=5)
    async with world.running():
        await world.keep(10_000, account_id=1)
        await world.until(lambda: len(world.hop.copies) > 100)
        before = len(world.hop.copies)
        assert world.relay.has_room(2, 1, 100)
        await world.offer(account_id=2)
        await world.until(lambda: any(copy.delivery.submission.account_id == 2 for copy in world.hop.copies))
        place = [copy.delivery.submission.account_id for copy in world.hop.copies].index(2)
        assert place - before < 20
        await world.keep(account_id=3)
        before = len(world.hop.copies)
        await world.until(lambda: any(copy.delivery.submission.account_id == 3 for copy in world.hop.copies))
        place = [copy.delivery.submission.account_id for copy in world.hop.copies].index(3)
        assert place - before < 1000
        assert world.spool.largest_claim <= 500


async def test_drain_finishes_what_is_on_the_wire_and_gives_the_rest_back(make):
    world = make(connections=2)
    hop = SlowHop()
    world.relay = world.scheduler(hop)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(world.relay.run())
        await asyncio.sleep(0)
        await world.offer(10)
        await hop.asked.wait()
        drain = group.create_task(world.relay.drain(10))
        await asyncio.sleep(0)
        assert not world.relay.has_room(7, 1, 1)
        hop.go.set()
        await drain
        await running
    assert len(hop.copies) == len(world.events(EventType.DELIVERY))
    assert len(hop.copies) <= 2
    assert {one.state for one in world.spool._deliveries.values()} == {DeliveryState.QUEUED}
    assert len(world.spool._deliveries) == 10 - len(hop.copies)


async def test_drain_has_an_end(make):
    world = make()
    world.relay = world.scheduler(SlowHop())
    async with world.running():
        delivery = await world.offer()
        await world.relay._means.hop.asked.wait()
        await world.relay.drain(0.1)
    assert world.spool.state(delivery).state is DeliveryState.QUEUED


async def test_a_reload_changes_the_number_of_senders(make, mail):
    world = make(connections=1)
    async with world.running():
        world.settings = mail.settings(connections=6)
        await world.keep()
        await world.until_empty()
        world.relay.nudge()
        await world.until(lambda: len(world.relay._senders) == 6)
        world.settings = mail.settings(connections=2)
        world.relay.nudge()
        await world.until(lambda: len(world.relay._senders) == 2)


async def test_a_real_hop_that_is_down_and_comes_back(make, hop, clock, entropy, meter):
    world = make(ready=100, ready_per_account=100)
    world.settings = world.mail.settings(world.mail.host(hop), ready=100, connections=4)
    routes = Routes(lambda: world.settings, Disk, clock, entropy, meter)
    world.relay = world.scheduler(routes)
    await hop.stop()
    async with world.running():
        await world.keep(300)
        await world.until(lambda: world.events(EventType.TRANSIENT_FAILURE))
        await hop.start()
        clock.time += 1.0
        await hop.until(lambda: len(hop.taken) == 300)
        await world.until_empty()
    routes.close()
    assert len(hop.taken) == 300


async def test_a_spool_that_is_away_stops_nothing_for_good(world):
    world.spool.away = 2
    async with world.running():
        await world.keep()
        await world.until_empty()
    assert len(world.hop.copies) == 1


async def test_deliveries_that_entered_queued_are_not_taken_over(world):
    parcel = world.parcel()
    world.relay.offer(parcel)
    assert world.relay._lanes.take() is None


async def test_an_old_delivery_in_memory_expires_while_no_hop_answers(make):
    world = make(connections=1)
    world.hop.script(HopUnreachable("away", until=world.clock.now() + 30))
    async with world.running():
        await world.offer(20)
        await world.until(lambda: world.events(EventType.TRANSIENT_FAILURE))
        world.clock.time += world.settings.relay.max_age + 1
        await world.until(lambda: len(world.events(EventType.EXPIRATION)) == 20)
    assert len(world.hop.copies) == 1


async def test_log_lines_hold_no_address(world):
    world.hop.script(LATER, NEVER, HopBroken("gone"), TAKEN)
    with structlog.testing.capture_logs() as lines:
        async with world.running():
            await world.offer(4)
            await world.until(lambda: len(world.hop.copies) == 5)
    told = [line for line in lines if "type" in line]
    assert {line["type"] for line in told} == {"TransientFailure", "Bounce", "Delivery"}
    assert {"submission", "delivery", "account", "code", "enhanced", "host"} <= told[0].keys()
    assert "example.net" not in str(lines)
    assert "example.com" not in str(lines)


async def test_one_refused_recipient_of_several(make, make_hop, clock, entropy, meter):
    hop = await make_hop(says={"RCPT": ["550 5.1.1 who?", "250 ok"], "DATA": ["503 no", "354 go"]})
    world = make(connections=1)
    world.settings = world.mail.settings(world.mail.host(hop), connections=1)
    routes = Routes(lambda: world.settings, Disk, clock, entropy, meter)
    world.relay = world.scheduler(routes)
    async with world.running():
        await world.offer(3)
        await world.until_empty()
    routes.close()
    assert [taken.rcpt for taken in hop.taken[:2]] == ["RCPT TO:<friend@example.net>"] * 2
    assert hop.taken[2].mail.startswith("MAIL FROM:<>")
    assert len(world.events(EventType.DELIVERY)) == 3


async def test_a_refusal_whose_content_is_gone_holds_up_nobody(world):
    world.shelf = Shelf.of([Policy("no", release=lambda _: Refuse(NO_CONSENT, "no"))])
    gone, of_spool = await world.keep(), world.spool.content

    async def content(submission_id):
        if submission_id == gone.submission.id:
            raise KeyError(submission_id)
        return await of_spool(submission_id)

    world.spool.content = content
    async with world.running():
        await world.keep(sender=Sender(None))
        await world.until(lambda: world.events(EventType.ADMIN_BOUNCE))


async def test_the_same_trouble_is_told_once(world):
    world.hop.script(AWAY)
    async with world.running():
        delivery = await world.keep()
        await world.until(lambda: world.events(EventType.TRANSIENT_FAILURE))
        for _ in range(3):
            tried = len(world.hop.copies)
            world.clock.time += 1.5
            await world.until(lambda tried=tried: len(world.hop.copies) > tried)
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
    assert len(world.events(EventType.TRANSIENT_FAILURE)) == 1


async def test_a_clock_that_is_set_back_holds_up_nothing(world):
    world.hop.script(LATER, TAKEN)
    async with world.running():
        delivery = await world.offer()
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        world.clock.time -= 30 * 86_400
        world.relay.nudge()
        await world.until_empty()
    assert len(world.hop.copies) == 2


async def test_what_came_under_a_clock_that_was_ahead_expires_in_its_time(world):
    world.hop.script(LATER)
    async with world.running():
        delivery = await world.offer(sender=Sender(None))
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        world.clock.time -= 30 * 86_400
        world.relay.nudge()
        await world.until(lambda: len(world.hop.copies) == 2)
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        world.clock.time += world.settings.relay.max_age
        world.relay.nudge()
        await world.until_empty()
    assert len(world.events(EventType.EXPIRATION)) == 1


async def test_a_start_under_an_earlier_clock_believes_no_time_too_far_ahead(world):
    delivery = await world.keep(1)
    world.clock.time -= 30 * 86_400
    world.relay = world.scheduler(world.hop)
    async with world.running():
        await world.until_empty()
    assert world.spool.state(delivery) is None


async def test_a_wait_of_the_usual_length_is_kept_when_the_clock_is_set_back_a_little(world):
    world.hop.script(LATER, TAKEN)
    async with world.running():
        delivery = await world.offer()
        await world.until(lambda: world.spool.state(delivery).state is DeliveryState.QUEUED)
        due = world.spool.state(delivery).due_at
        world.clock.time -= 5
        await world.relay._stock.mind_the_clock()
        assert world.spool.state(delivery).due_at == due


async def test_what_is_doomed_while_it_waits_in_memory_is_not_tried(world):
    doomed, other = await world.keep(1), await world.keep(1)
    for one, state in ((doomed, DeliveryState.DOOMED), (other, DeliveryState.ACTIVE)):
        world.spool._keep(replace(world.spool.state(one), state=state))
        world.relay._lanes.add(7, [replace(one, state=DeliveryState.ACTIVE)])
    world.relay._stock.drop_doomed()
    async with world.running():
        await world.until_empty()
    assert [copy.delivery.id for copy in world.hop.copies] == [other.id]
