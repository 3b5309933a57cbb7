"""The desk for those who leave by mail: List-Unsubscribe's mailto (RFC 2369 section 3.2).

What it promises: whoever holds a token of ours may leave with it, whatever address the letter comes from, and
has left before the client hears 250. A letter without one, and one whose subscription nobody knows any more,
get one and the same refusal while the client is still there: so a person whose program has spoilt the subject
hears of it, from their own mail system, and nobody else does.

At most one answer is sent, when the subscription ends, and only to the subscribed address itself: the
envelope's sender must have the hash that the token holds. A forged sender gets nothing. What RFC 3834 would
have no program answer, and what comes too often, is served in silence.
How it fails: a store that is away is a PublicError (451), and the client comes again. An answer that cannot
be kept is left out: the subscription has ended, which is what was asked for.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from gateway.inbound import answer
from gateway.inbound.desk import Taken
from gateway.inbound.house_mail import Outgoing
from gateway.inbound.leaving import Leaving, Left, LeftBefore, Unknown
from gateway.inbound.letter import Letter
from gateway.inbound.manners import why_silent
from gateway.inbound.token_finder import candidates
from gateway.model import reply
from gateway.model.address import Address
from gateway.model.ledger import SUBSCRIBER, Origin
from gateway.model.message import Message
from gateway.model.rate import parse_rate
from gateway.model.reply import PublicError, Reply
from gateway.model.token import BadToken, Purpose, Token, unseal
from gateway.ports import Clock, Keyring, Meter, Quota
from gateway.settings.schema import InboundSection
from gateway.smtp.context import Peer

log = structlog.get_logger("inbound")


@dataclass(frozen=True, slots=True)
class UnsubscribeWorld:
    """What the desk needs; what a reload swaps comes as a callable."""

    leaving: Leaving
    keys: Callable[[], Mapping[int, bytes]]
    mailbox: Callable[[], Address]
    section: Callable[[], InboundSection]
    keyring: Keyring
    quota: Quota
    outgoing: Outgoing
    clock: Clock
    meter: Meter


class UnsubscribeDesk:
    """Reads what comes to the unsubscribe mailbox."""

    def __init__(self, world: UnsubscribeWorld) -> None:
        self._world = world

    def admit(self) -> Reply | None:
        """Be open at all times."""
        return None

    async def take(self, letter: Letter) -> Taken:
        """End the subscription that the letter's token names."""
        token = find_token(letter.message, self._world.keys())
        if token is None:
            return Taken(reply.NO_TOKEN, "no-token")
        origin = Origin(SUBSCRIBER, "mail", letter.client.ip)
        match await self._world.leaving.leave(token, self._world.clock.now(), origin):
            case Left() as left:
                self._world.meter.count("unsubscribes_total", via="mail")
                log.info(
                    "unsubscribed",
                    account=token.account_id,
                    list=token.list_id,
                    client=letter.client.ip,
                    via="mail",
                )
                answered = await self._answer(letter, token, left)
                self._world.meter.count("inbound_answers_total", result=answered)
                return Taken(reply.LETTER_TAKEN, "left")
            case LeftBefore():
                return Taken(reply.LETTER_TAKEN, "left-before")
            case Unknown():
                return Taken(reply.NO_TOKEN, "unknown")

    async def _answer(self, letter: Letter, token: Token, left: Left) -> str:
        """Answer if that is proper; return a slug for the counter."""
        world, sender = self._world, letter.sender.address
        silent = why_silent(letter.message, sender)
        if silent or sender is None:
            return silent
        if not self._is_subscriber(sender, token):
            return "other-address"
        if not self._has_allowance(letter):
            return "rate"
        mail = world.outgoing.begin()
        envelope = answer.Envelope(world.mailbox(), sender)
        try:
            await world.outgoing.keep(mail, sender, answer.compose(mail, envelope, letter, left))
        except PublicError as error:
            log.warning("no answer", id=letter.id, why=str(error))
            return "away"
        return "sent"

    def _is_subscriber(self, sender: Address, token: Token) -> bool:
        try:
            known = self._world.keyring.address_hash(token.account_id, sender.identity)
        except (KeyError, ValueError, PublicError):
            return False
        return hmac.compare_digest(known, token.address_hash)

    def _has_allowance(self, letter: Letter) -> bool:
        """Take a token of the source's rate, and one of everybody's."""
        section, quota, now = self._world.section(), self._world.quota, self._world.clock.now()
        source = b"inbound-answers:" + Peer.of(letter.client.ip, letter.client.port).source
        own, all_of_them = (parse_rate(section.answers_per_source),), (parse_rate(section.answers),)
        if quota.reserve(source, own, own[0].amount, now).wait:
            return False
        return not quota.reserve(b"inbound-answers", all_of_them, all_of_them[0].amount, now).wait


def find_token(message: Message, keys: Mapping[int, bytes]) -> Token | None:
    """Return the first genuine token of a letter, None where it has none."""
    for candidate in candidates(message):
        try:
            return unseal(candidate, keys, Purpose.UNSUBSCRIBE)
        except BadToken:
            continue
    return None
