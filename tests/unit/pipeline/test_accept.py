"""The sequence from MAIL to 250, with everything of the world in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

import policies
from gateway.model import reply
from gateway.model.address import parse_address
from gateway.model.delivery import DeliveryState, Notify, Recipient, Sender, Submission
from gateway.model.events import Event, EventType
from gateway.model.facts import (
    Account,
    AccountState,
    Basis,
    Bonds,
    Client,
    ConsentLevel,
    MailList,
    OverQuota,
    Subscription,
    SubscriptionState,
)
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.rate import Rate
from gateway.model.reply import Reply, SpoolFull
from gateway.model.verdict import PASS, Hold
from gateway.model.way_out import MISSING, Evidence, Finding, Rewriting, WayOut
from gateway.observe.memory import MemoryMeter
from gateway.pipeline.accept import Intake, Transaction, World
from gateway.pipeline.gather import Gatherer
from gateway.pipeline.links import Links
from gateway.pipeline.shelf import Shelf
from gateway.ports import Parcel
from gateway.store.quota_memory import MemoryQuota

NEWS, OFFERS = MailList(1, 7, "news.acme.example", "News"), MailList(2, 7, "offers.acme.example", "Offers")
ACCOUNT = Account(
    id=7, name="acme", state=AccountState.ACTIVE, state_reason="", consent=ConsentLevel.CONFIRMED,
    rates=(Rate(2, 1),), burst=2, over_quota=OverQuota.REFUSE, domains=frozenset({"acme.example"}),
    lists=(NEWS, OFFERS), default_list=NEWS,
)  # fmt: skip
CLIENT = Client("192.0.2.1", 1234, "client.example", "ESMTPSA", authenticated=True)
SENDER = Sender(parse_address("news@acme.example"))
CONTENT = b"From: news@acme.example\r\nSubject: x\r\n\r\nhello\r\n"
SHELF = Shelf.of([build({}) for build in policies.SHELF.values()])


def yes(mail_list: MailList) -> Subscription:
    return Subscription(mail_list.id, SubscriptionState.CONFIRMED, Basis.DOUBLE_OPT_IN, 0.0)


BOOK = {
    "ann@example.net": Bonds((yes(NEWS),)),
    "bob@example.net": Bonds((yes(NEWS), yes(OFFERS))),
    "cid@example.net": Bonds((yes(NEWS),)),
}


@dataclass
class Fakes:
    """The whole world: accounts, book, keyring, spool, dispatch, clock, entropy."""

    account: Account | None = ACCOUNT
    shelf: Shelf = SHELF
    quota: MemoryQuota = field(default_factory=MemoryQuota)
    meter: MemoryMeter = field(default_factory=MemoryMeter)
    parcels: list[Parcel] = field(default_factory=list)
    offered: list[Parcel] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    finding: Finding = MISSING
    nudges: int = 0
    full_after: int = 1000  # parcels
    room: bool = True
    full: bool = False
    number: int = 0

    def describe(self, _message: Message, ours: str) -> Rewriting:
        assert ours.endswith("/u/")
        return Rewriting("added", self.finding)

    async def by_id(self, account_id: int) -> Account | None:
        return self.account

    async def bonds(self, keys: Sequence[tuple[int, bytes]]) -> Sequence[Bonds]:
        return [BOOK.get(name.decode(), Bonds()) for _, name in keys]

    def address_hash(self, account_id: int, identity: str) -> bytes:
        return identity.encode().ljust(16)[:16] if len(identity) > 16 else identity.encode()

    async def put(self, parcel: Parcel) -> None:
        await asyncio.sleep(0)
        if self.full or len(self.parcels) >= self.full_after:
            raise SpoolFull("disk")
        self.parcels.append(parcel)

    def record(self, events: Sequence[Event]) -> None:
        self.events += events

    def check_room(self) -> None:
        if self.full:
            raise SpoolFull("disk")

    def has_room(self, account_id: int, copies: int, octets: int) -> bool:
        return self.room

    def offer(self, parcel: Parcel) -> None:
        assert parcel in self.parcels, "offered before it was kept"
        self.offered.append(parcel)

    def nudge(self) -> None:
        self.nudges += 1

    def now(self) -> float:
        return 1_800_000_000.0

    def octets(self, count: int) -> bytes:
        self.number += 1
        return self.number.to_bytes(count, "big")

    def report(
        self, submission: Submission, content: bytes, refused: Sequence[tuple[Recipient, Reply]]
    ) -> Parcel:
        words = "; ".join(f"{one.address} {why}" for one, why in refused)
        return Parcel(replace(submission, id="REPORT", list_id=None), words.encode(), ())


@asynccontextmanager
async def opened(fakes: Fakes) -> AsyncIterator[Intake]:
    gatherer = Gatherer(fakes)
    links = Links("https://x.example", "unsubscribe@x.example", 1, b"k" * 32)
    world = World(
        accounts=fakes, gatherer=gatherer, keyring=fakes, quota=fakes.quota, spool=fakes, dispatch=fakes,
        clock=fakes, entropy=fakes, meter=fakes.meter, shelf=lambda: fakes.shelf, links=lambda: links,
        hostname=lambda: "x.example", report_refusals=fakes.report, describe_rewrite=fakes.describe,
    )  # type: ignore[arg-type]  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(gatherer.run())
        try:
            yield Intake(world)
        finally:
            running.cancel()


async def started(intake: Intake) -> Transaction:
    transaction = await intake.begin(CLIENT, 7, SENDER)
    assert isinstance(transaction, Transaction)
    return transaction


async def rcpt(intake: Intake, transaction: Transaction, name: str) -> Reply:
    return await intake.recipient(transaction, Recipient(parse_address(f"{name}@example.net")))


async def test_a_message_is_kept_then_offered_then_answered() -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        transaction = await started(intake)
        assert await rcpt(intake, transaction, "ann") == reply.RECIPIENT_OK
        assert await rcpt(intake, transaction, "stranger") == reply.NO_CONSENT
        answer = await intake.finish(transaction, CONTENT)
    (parcel,) = fakes.parcels
    assert answer == reply.QUEUED.fill(id=parcel.submission.id)
    assert fakes.offered == [parcel]
    assert parcel.content == CONTENT
    assert parcel.submission.signing_domain == "acme.example"
    (delivery,) = parcel.deliveries
    assert delivery.state is DeliveryState.ACTIVE
    assert delivery.id == f"{parcel.submission.id}.0"
    assert any(b"List-Unsubscribe: <https://x.example/u/" in splice.new for splice in delivery.splices)
    assert [event.type for event in parcel.events] == [EventType.RECEPTION]
    assert [event.type for event in fakes.events] == [EventType.CONSENT_DENIED]
    assert fakes.events[0].data == {"recipient": "stranger@example.net", "response": str(reply.NO_CONSENT)}
    assert fakes.events[0].submission_id == parcel.submission.id
    assert "example.net" not in str(fakes.events[0].facts)
    assert fakes.meter.value("messages_received_total") == 1
    assert fakes.meter.value("policy_refusals_total", policy="consent", reason="no-opt-in") == 1


async def test_a_way_out_that_is_taken_away_is_recorded_once_with_the_evidence() -> None:
    evidence = Evidence(
        "display-none", "body > p", "display:none", '<a href="https://x/?to=ann@example.net">'
    )
    fakes = Fakes(finding=Finding(WayOut.HIDDEN, evidence))
    header = b"List-Unsubscribe: <https://acme.example/u>\r\nList-Unsubscribe-Post: One\r\n"
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        await rcpt(intake, transaction, "bob")
        await intake.finish(transaction, header + CONTENT)
    (parcel,) = fakes.parcels
    reception, tampering = parcel.events
    assert reception.facts["way_out"] == "hidden"
    assert reception.data["list-unsubscribe"] == "<https://acme.example/u>"
    assert reception.data["list-unsubscribe-post"] == "One"
    assert (tampering.type, tampering.account_id, tampering.list_id) == (EventType.TAMPERING, 7, 1)
    assert tampering.submission_id == parcel.submission.id
    assert tampering.facts == {"verdict": "hidden", "rule": "display-none"}
    assert tampering.data == {
        "selector": "body > p",
        "declaration": "display:none",
        "excerpt": '<a href="https://x/?to=ann@example.net">',
    }
    assert fakes.meter.value("tampering_total", verdict="hidden", rule="display-none") == 1


async def test_the_host_of_a_way_out_of_the_senders_own_is_recorded() -> None:
    fakes = Fakes(finding=Finding(WayOut.SENDER, Evidence("words"), "shop.example"))
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        await intake.finish(transaction, CONTENT)
    ((reception,),) = [parcel.events for parcel in fakes.parcels]
    assert reception.facts["way_out_host"] == "shop.example"


async def test_without_room_in_memory_it_waits_in_the_spool() -> None:
    fakes = Fakes(room=False)
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        await intake.finish(transaction, CONTENT)
    assert fakes.parcels[0].deliveries[0].state is DeliveryState.QUEUED
    assert (fakes.offered, fakes.nudges) == ([], 1)


async def test_who_fails_only_after_the_content_is_reported_to_the_sender() -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        await rcpt(intake, transaction, "bob")
        answer = await intake.finish(transaction, b"X-Consentry-List: offers.acme.example\r\n" + CONTENT)
        assert answer.code == 250
        # ann's token was given back; bob's was used.
        assert await rcpt(intake, await started(intake), "cid") == reply.RECIPIENT_OK
    message, report = sorted(fakes.parcels, key=lambda parcel: parcel.submission.list_id is None)
    assert [str(one.recipient.address) for one in message.deliveries] == ["bob@example.net"]
    assert report.content == b"ann@example.net 550 5.7.1 No opt-in of this recipient is on record"
    assert fakes.nudges == 1


async def test_nothing_is_kept_for_nobody_when_there_is_room_for_one_of_two() -> None:
    """Its copies would be ACTIVE in the spool, offered to no one, and sent beside the client's repetition."""
    fakes = Fakes(full_after=1)
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        await rcpt(intake, transaction, "bob")
        with pytest.raises(SpoolFull):
            await intake.finish(transaction, b"X-Consentry-List: offers.acme.example\r\n" + CONTENT)
    assert [parcel.submission.list_id for parcel in fakes.parcels] == [None]
    assert fakes.offered == []


async def test_when_all_fail_the_content_is_refused_and_says_why() -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        answer = await intake.finish(transaction, b"List-Id: <offers.acme.example>\r\n" + CONTENT)
    assert str(answer) == (
        "550 5.7.1 No recipient may get this message; the first: No opt-in of this recipient is on record"
    )
    assert fakes.parcels == []


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"Subject: x\r\n\r\n", reply.BAD_FROM),
        (b"From: a@evil.example\r\n\r\n", reply.SENDER_NOT_YOURS.fill(domain="evil.example")),
        (
            b"From: a@acme.example\r\nList-Id: <other.example>\r\n\r\n",
            reply.UNKNOWN_LIST.fill(list="other.example"),
        ),
        (b"", reply.NO_HEADERS),
    ],
)
async def test_a_refused_content_gives_everything_back(content: bytes, answer: Reply) -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        for _ in range(3):  # more often than the quota has tokens
            transaction = await started(intake)
            assert await rcpt(intake, transaction, "ann") == reply.RECIPIENT_OK
            assert await rcpt(intake, transaction, "bob") == reply.RECIPIENT_OK
            assert await intake.finish(transaction, content) == answer
    assert fakes.parcels == []


async def test_over_the_quota_hears_the_wait_and_nothing_is_taken() -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        transaction = await started(intake)
        assert (await rcpt(intake, transaction, "ann")).is_positive
        assert (await rcpt(intake, transaction, "bob")).is_positive
        answer = await rcpt(intake, transaction, "cid")
        assert str(answer) == "451 4.7.1 Over the quota of 2/s, try again in 1 seconds"
        assert len(transaction.recipients) == 2
        intake.abandon(transaction)
        intake.abandon(transaction)  # once is enough, twice does no harm
        transaction = await started(intake)
        assert (await rcpt(intake, transaction, "ann")).is_positive
        assert (await rcpt(intake, transaction, "bob")).is_positive
        assert (await rcpt(intake, transaction, "cid")).is_transient


async def test_a_shaped_account_is_taken_at_any_rate() -> None:
    fakes = Fakes(account=replace(ACCOUNT, over_quota=OverQuota.SHAPE))
    async with opened(fakes) as intake:
        transaction = await started(intake)
        for _ in range(9):
            assert (await rcpt(intake, transaction, "ann")).is_positive


async def test_a_full_spool_says_so_before_the_content_and_loses_nothing_after_it() -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        assert intake.check_room() is None
        for _ in range(3):
            transaction = await started(intake)
            assert (await rcpt(intake, transaction, "ann")).is_positive
            fakes.full = True
            assert intake.check_room() is reply.SPOOL_FULL
            with pytest.raises(SpoolFull):
                await intake.finish(transaction, CONTENT)
            fakes.full = False
    assert fakes.offered == []


async def test_account_is_asked_at_each_mail() -> None:
    fakes = Fakes(account=None)
    async with opened(fakes) as intake:
        assert await intake.begin(CLIENT, 7, SENDER) is reply.ACCOUNT_CANCELLED
        fakes.account = replace(ACCOUNT, state=AccountState.SUSPENDED, state_reason="spam")
        answer = await intake.begin(CLIENT, 7, SENDER)
        assert str(answer) == "550 5.7.1 Account suspended: spam"
        assert fakes.events[-1].facts["step"] == "MAIL"


async def test_without_a_policy_for_it_a_message_without_a_list_is_refused_all_the_same() -> None:
    fakes = Fakes(shelf=Shelf.of([]), account=replace(ACCOUNT, default_list=None))
    async with opened(fakes) as intake:
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        assert await intake.finish(transaction, b"no header at all") is reply.NO_LIST
        fakes.account = ACCOUNT
        transaction = await started(intake)
        await rcpt(intake, transaction, "ann")
        assert (await intake.finish(transaction, b"From: nobody\r\n\r\n")).code == 250
    assert fakes.parcels[0].submission.signing_domain == ""


async def test_a_hold_at_intake_is_a_transient_no() -> None:
    shelf = Shelf.of(
        [Policy("later", recipient=lambda _: Hold("later")), Policy("ok", sender=lambda _: PASS)]
    )
    async with opened(Fakes(shelf=shelf)) as intake:
        assert await rcpt(intake, await started(intake), "ann") is reply.LOCAL_ERROR


async def test_an_address_that_needs_smtputf8_wants_it_said_at_mail() -> None:
    async with opened(Fakes()) as intake:
        transaction = await started(intake)
        umlaut = Recipient(parse_address("jörg@example.net"))
        assert await intake.recipient(transaction, umlaut) is reply.NEEDS_SMTPUTF8


async def test_a_mailbox_that_is_named_twice_gets_one_copy_for_one_token() -> None:
    fakes = Fakes()  # two tokens
    never, success = frozenset({Notify.NEVER}), frozenset({Notify.SUCCESS})
    named = (("Ann@example.net", never), ("ann@EXAMPLE.net", success), ("ann@example.net", never))
    async with opened(fakes) as intake:
        transaction = await started(intake)
        for address, notify in named:
            one = Recipient(parse_address(address), notify, "rfc822;ann")
            assert await intake.recipient(transaction, one) == reply.RECIPIENT_OK
        assert await rcpt(intake, transaction, "bob") == reply.RECIPIENT_OK
        assert await rcpt(intake, transaction, "bob") == reply.RECIPIENT_OK
        assert (await rcpt(intake, transaction, "cid")).code == 451
        answer = await intake.finish(transaction, CONTENT)
    assert answer.code == 250
    ann, bob = fakes.parcels[0].deliveries
    assert (str(ann.recipient.address), ann.recipient.notify) == ("Ann@example.net", success)
    assert (str(bob.recipient.address), bob.number) == ("bob@example.net", 1)


async def test_who_was_refused_is_judged_again_when_named_again() -> None:
    fakes = Fakes()
    async with opened(fakes) as intake:
        transaction = await started(intake)
        for _ in range(2):
            assert await rcpt(intake, transaction, "stranger") == reply.NO_CONSENT
        await rcpt(intake, transaction, "ann")
        intake.abandon(transaction)
        again = await started(intake)
        for name in ("ann", "ann", "bob"):
            assert await rcpt(intake, again, name) == reply.RECIPIENT_OK
