"""One delivery's way out: judge once more, render, sign, hand over, and say what came of it.

What it promises: ``attempt`` gives a result as data for everything that the next hop, the rules or a missing
account can do; a token of the quota that was reserved and not used is given back. A port that is away raises
its PublicError: the delivery was not tried. Whatever else is raised is a fault of ours.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway.mime.splice import apply
from gateway.model.address import Address
from gateway.model.delivery import Delivery
from gateway.model.facts import Account, Bonds, DeliveryFacts, OverQuota, QuotaFact
from gateway.model.reply import Reply
from gateway.model.values import dataclass
from gateway.model.verdict import Hold, Pass, Refuse
from gateway.pipeline.accept import quota_key
from gateway.pipeline.judge import judge_release
from gateway.pipeline.shelf import Shelf
from gateway.ports import (
    Accounts,
    Clock,
    Copy,
    HopBroken,
    HopReply,
    HopUnreachable,
    Meter,
    NextHop,
    Quota,
    Settlement,
    Signer,
)
from gateway.relay.bodies import Bodies
from gateway.relay.lanes import Item
from gateway.relay.record import LOCAL_ERROR, UNFIT, Record, broken, unreachable
from gateway.relay.wire import UnfitContent

_LARGE = 262_144  # octets; more than this is rendered in a thread
_UNKNOWN_PAUSE = 1.0  # seconds, where an unreachable hop does not say until when
_JUST_JUDGED = 30.0  # seconds after it came in for which a copy's consent is not asked for again

BondsOf = Callable[[int, Address], Awaitable[Bonds]]
"""(account id, address) to what the consent book knows; raises PublicError where it cannot say."""


@dataclass(frozen=True, slots=True)
class Done:
    """The delivery has moved."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Wait:
    """The account's lane waits; the delivery was not tried."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Away:
    """No next hop can be talked to before ``until``."""

    settlement: Settlement
    until: float


@dataclass(frozen=True, slots=True)
class LetGo:
    """The delivery is no longer ours."""


Result = Done | Wait | Away | LetGo


@dataclass(frozen=True, slots=True)
class Means:
    """What sending takes; what a reload swaps comes as a callable."""

    accounts: Accounts
    quota: Quota
    signer: Signer
    hop: NextHop
    clock: Clock
    meter: Meter
    shelf: Callable[[], Shelf]
    bonds: BondsOf


class Sending:
    """Tries deliveries, one call each."""

    def __init__(self, means: Means, bodies: Bodies, record: Record) -> None:
        self._means = means
        self._bodies = bodies
        self._record = record

    async def attempt(self, item: Item) -> Result:
        """Try one delivery."""
        delivery = item.delivery
        account = await self._means.accounts.by_id(delivery.submission.account_id)
        if account is None:
            return Done(self._record.orphaned(delivery))
        now = self._means.clock.now()
        bonds = await self._bonds(delivery, now)
        fact = self._reserve(account, delivery)
        judgement = judge_release(self._means.shelf(), DeliveryFacts(account, delivery, fact, bonds, now))
        if isinstance(judgement.verdict, Pass):
            result: Result | None = None
            try:
                result = await self._send(item)
                return result
            finally:
                if not isinstance(result, Done):
                    self._give_back(account, delivery, fact)
        self._give_back(account, delivery, fact)
        match judgement.verdict:
            case Hold(wait=None) as hold:
                return Done(self._record.held(delivery, hold, judgement.policy))
            case Hold(wait=wait):
                self._means.meter.count("delayed_due_to_message_rate_throttle_total")
                return Wait(wait or 0.0)
            case Refuse(reply=reply):
                return await self._refused(item, reply, judgement.policy)

    async def _bonds(self, delivery: Delivery, now: float) -> Bonds | None:
        """Ask whether the recipient of a copy that has waited still wants it: none that just came in."""
        submission = delivery.submission
        if submission.list_id is None or (
            delivery.attempts == 0 and now - submission.received_at < _JUST_JUDGED
        ):
            return None
        return await self._means.bonds(submission.account_id, delivery.recipient.address)

    async def _refused(self, item: Item, reply: Reply, policy: str) -> Result:
        try:
            content = await self._content(item)
        except KeyError:
            return LetGo()  # as in _send
        return Done(self._record.refused(item.delivery, reply, policy, content))

    async def _send(self, item: Item) -> Result:
        delivery = item.delivery
        try:
            content = await self._content(item)
        except KeyError:
            # The spool has no such content: it was settled, dropped or put away by someone else.
            return LetGo()
        try:
            reply = await self._means.hop.send(await self._render(delivery, content))
        except HopBroken as error:
            reply = broken(str(error))
        except UnfitContent:
            reply = UNFIT
        except HopUnreachable as error:
            return self._away(delivery, error, content)
        return Done(self._record.of_reply(delivery, reply, content))

    def _away(self, delivery: Delivery, error: HopUnreachable, content: bytes) -> Away:
        settlement = self._record.of_reply(delivery, unreachable(str(error)), content)
        until = error.until or self._means.clock.now() + _UNKNOWN_PAUSE
        if settlement.due_at:
            # Nothing was tried that could count against this one; it goes first when the hop is back.
            settlement = replace(settlement, due_at=until, counts_attempt=False)
            if settlement.reply == delivery.last_reply:
                # The story has it already: hops that are down for days would fill it.
                settlement = replace(settlement, events=())
        return Away(settlement, until)

    async def failed_here(self, item: Item) -> Settlement:
        """Record an attempt that a fault of ours has ended: transient, whatever it was."""
        return self._record.of_reply(item.delivery, LOCAL_ERROR, await self._content(item))

    async def expire(self, item: Item, why: HopReply) -> Settlement:
        """Record that a delivery has waited for too long."""
        return self._record.expired(item.delivery, why, await self._content(item))

    async def _content(self, item: Item) -> bytes:
        if item.body is not None:
            return item.body.content
        return await self._bodies.get(item.delivery.submission.id)

    async def _render(self, delivery: Delivery, content: bytes) -> Copy:
        submission = delivery.submission
        if delivery.splices:
            if len(content) > _LARGE:
                content = await asyncio.to_thread(apply, content, delivery.splices)
            else:
                content = apply(content, delivery.splices)
        signatures = await self._means.signer.sign(submission.account_id, submission.signing_domain, content)
        return Copy(submission.sender, delivery, signatures + content if signatures else content)

    def _reserve(self, account: Account, delivery: Delivery) -> QuotaFact:
        if not _is_shaped(account, delivery):
            return QuotaFact()
        now = self._means.clock.now()
        return self._means.quota.reserve(quota_key(account.id), account.rates, account.burst, now)

    def _give_back(self, account: Account, delivery: Delivery, fact: QuotaFact) -> None:
        if _is_shaped(account, delivery) and not fact.wait:
            self._means.quota.give_back(quota_key(account.id), account.rates)


def _is_shaped(account: Account, delivery: Delivery) -> bool:
    """Whether the account's rate is kept at release; our own reports cost it nothing."""
    shaped = account.over_quota is OverQuota.SHAPE and bool(account.rates)
    return shaped and delivery.submission.list_id is not None
