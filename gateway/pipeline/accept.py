"""The sequence from MAIL to 250: readable from top to bottom.

The SMTP side speaks to ``Intake`` only. Refusals are Replies; a port that cannot serve raises a PublicError,
which carries its reply. After ``finish`` has answered 250 the message is durable.
"""

from collections.abc import Callable, Sequence
from dataclasses import field, replace

from gateway.mime.headers import BadFrom, list_named, parse_from
from gateway.mime.scan import scan
from gateway.model import reply
from gateway.model.address import MalformedAddress, ascii_domain
from gateway.model.delivery import Delivery, DeliveryState, Recipient, Sender, Submission
from gateway.model.events import Event, EventType
from gateway.model.facts import (
    Account,
    Client,
    MailList,
    MessageFacts,
    OverQuota,
    QuotaFact,
    RecipientFacts,
    RewriteFacts,
    SenderFacts,
)
from gateway.model.identity import new_id
from gateway.model.message import Message
from gateway.model.reply import PublicError, Reply
from gateway.model.values import dataclass
from gateway.model.verdict import Hold, Refuse
from gateway.model.way_out import Finding, Rewriting
from gateway.pipeline.gather import Gatherer
from gateway.pipeline.judge import Judgement, judge_message, judge_recipient, judge_sender
from gateway.pipeline.links import Links
from gateway.pipeline.rewrite import rewrite
from gateway.pipeline.shelf import Shelf
from gateway.ports import Accounts, Clock, Dispatch, Entropy, Keyring, Meter, Parcel, Quota, Spool

Refused = tuple[Recipient, Reply]
ReportRefusals = Callable[[Submission, bytes, Sequence[Refused]], Parcel | None]
"""Makes the DSN that tells a sender which recipients were refused after the content; None: nobody to tell."""
DescribeRewrite = Callable[[Message, str], Rewriting]
"""Says what rewriting does to a message, for counters and records; the text is how our links begin."""

_LONGEST_HEADER = 2000  # characters of the sender's List-Unsubscribe that are kept in the record


@dataclass(frozen=True, slots=True)
class Accepted:
    """A recipient that passed at RCPT; ``tokens`` of the quota are reserved for it."""

    recipient: Recipient
    facts: RecipientFacts
    address_hash: bytes
    tokens: int


@dataclass(slots=True)
class Transaction:
    """One MAIL to end of data. It keeps the shelf it began with, whatever is reloaded meanwhile.

    ``id`` becomes the submission's, so that what was refused on the way stands in the same story.
    """

    id: str
    client: Client
    account: Account
    sender: Sender
    shelf: Shelf
    recipients: list[Accepted] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)  # in ``recipients``, by the hash of the address


@dataclass(frozen=True, slots=True)
class Judged:
    """A transaction with its content: who gets it, and who does not after all."""

    transaction: Transaction
    message: Message
    mail_list: MailList
    kept: Sequence[Accepted]
    refused: Sequence[Refused]


@dataclass(frozen=True, slots=True)
class World:
    """Everything that an intake needs of the world; what a reload swaps comes as a callable."""

    accounts: Accounts
    gatherer: Gatherer
    keyring: Keyring
    quota: Quota
    spool: Spool
    dispatch: Dispatch
    clock: Clock
    entropy: Entropy
    meter: Meter
    shelf: Callable[[], Shelf]
    links: Callable[[], Links]
    hostname: Callable[[], str]
    report_refusals: ReportRefusals
    describe_rewrite: DescribeRewrite


def quota_key(account_id: int) -> bytes:
    """Return the key under which an account's quota is counted, at intake and at release."""
    return b"account:%d" % account_id


class Intake:
    """What a submission session may ask; one for each worker, shared by all its sessions."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def begin(self, client: Client, account_id: int, sender: Sender) -> Transaction | Reply:
        """Judge the sender at MAIL. A Reply is the refusal."""
        account = await self._world.accounts.by_id(account_id)
        if account is None:
            return reply.ACCOUNT_CANCELLED
        shelf = self._world.shelf()
        identity = new_id(self._world.clock.now(), self._world.entropy.octets(10))
        transaction = Transaction(identity, client, account, sender, shelf)
        judgement = judge_sender(shelf, SenderFacts(account, sender))
        if (refusal := _refusal(judgement)) is not None:
            self._record_rejection(transaction, "MAIL", judgement, refusal)
            return refusal
        return transaction

    async def recipient(self, transaction: Transaction, recipient: Recipient) -> Reply:
        """Judge one RCPT; on a positive reply it is part of the transaction.

        One mailbox gets one copy, however often and in whatever spelling it is named: what has passed is not
        judged again, costs no token, and only adds what it wants to be told.
        """
        world, account = self._world, transaction.account
        if recipient.address.needs_smtputf8 and not transaction.sender.smtputf8:
            return reply.NEEDS_SMTPUTF8
        address_hash = world.keyring.address_hash(account.id, recipient.address.identity)
        place = transaction.places.get(address_hash)
        if place is not None:
            known = transaction.recipients[place]
            transaction.recipients[place] = replace(known, recipient=known.recipient.joined(recipient))
            return reply.RECIPIENT_OK
        bonds = await world.gatherer.bonds(account.id, address_hash)
        tokens, quota = self._reserve(account)
        facts = RecipientFacts(account, recipient.address, bonds, quota, now=world.clock.now())
        judgement = judge_recipient(transaction.shelf, facts)
        if (refusal := _refusal(judgement)) is not None:
            self._give_back(account, tokens)
            self._record_rejection(transaction, "RCPT", judgement, refusal, recipient)
            return refusal
        transaction.places[address_hash] = len(transaction.recipients)
        transaction.recipients.append(Accepted(recipient, facts, address_hash, tokens))
        return reply.RECIPIENT_OK

    def check_room(self) -> Reply | None:
        """Say before the content is read whether there is room to keep it; a Reply is the refusal."""
        try:
            self._world.spool.check_room()
        except PublicError as error:
            return error.reply
        return None

    def abandon(self, transaction: Transaction) -> None:
        """Give back what the transaction has reserved: RSET, a lost connection, a refused content."""
        self._give_back(transaction.account, sum(one.tokens for one in transaction.recipients))
        transaction.recipients.clear()
        transaction.places.clear()

    async def finish(self, transaction: Transaction, content: bytes) -> Reply:
        """Judge, rewrite and keep the content (CRLF line ends only); 250 means that it is on the disk."""
        try:
            return await self._finish(transaction, content)
        except BaseException:
            self.abandon(transaction)
            raise

    async def _finish(self, transaction: Transaction, content: bytes) -> Reply:
        message = scan(content)
        facts = self._message_facts(transaction, message)
        judgement = judge_message(transaction.shelf, message, facts)
        refusal = _refusal(judgement)
        if refusal is None and facts.mail_list is None:
            # No shelf may let a message through that no list answers for.
            refusal = reply.NO_LIST
        if refusal is not None or facts.mail_list is None:
            self.abandon(transaction)
            self._record_rejection(transaction, "DATA", judgement, refusal or reply.NO_LIST)
            return refusal or reply.NO_LIST
        judged = self._sort_recipients(transaction, message, facts.mail_list)
        if not judged.kept:
            return reply.ALL_REFUSED.fill(why=judged.refused[0][1].text)
        return await self._keep(judged)

    def _message_facts(self, transaction: Transaction, message: Message) -> MessageFacts:
        account, named = transaction.account, list_named(message)
        mail_list = account.list_named(named) if named else account.default_list
        prefix = self._world.links().unsubscribe_prefix
        return MessageFacts(account, transaction.sender, named, mail_list, prefix)

    def _sort_recipients(self, transaction: Transaction, message: Message, mail_list: MailList) -> Judged:
        """Run the recipient rules again, now that the list is known."""
        kept: list[Accepted] = []
        refused: list[Refused] = []
        for one in transaction.recipients:
            known = one.facts
            facts = replace(known, mail_list=mail_list)
            judgement = judge_recipient(transaction.shelf, facts)
            refusal = _refusal(judgement)
            if refusal is None:
                kept.append(one)
                continue
            refused.append((one.recipient, refusal))
            self._give_back(transaction.account, one.tokens)
            self._record_rejection(transaction, "DATA", judgement, refusal, one.recipient)
        # What is given back above must not be given back again, should keeping fail.
        transaction.recipients[:] = kept
        return Judged(transaction, message, mail_list, kept, refused)

    async def _keep(self, judged: Judged) -> Reply:
        world, submission = self._world, self._submission(judged)
        straight = world.dispatch.has_room(submission.account_id, len(judged.kept), submission.size)
        parcel = Parcel(
            submission,
            judged.message.raw,
            self._copies(judged, submission, DeliveryState.ACTIVE if straight else DeliveryState.QUEUED),
            self._records(judged, submission),
        )
        report = None
        if judged.refused:
            report = world.report_refusals(submission, judged.message.raw, judged.refused)
        # Both before the 250, and the parcel last: were it kept and the report not, its copies would be
        # ACTIVE and in nobody's hands. A client that hears no 250 repeats it all.
        if report is not None:
            await world.spool.put(report)
        await world.spool.put(parcel)
        if straight:
            world.dispatch.offer(parcel)
        if report is not None or not straight:
            world.dispatch.nudge()
        world.meter.count("messages_received_total")
        return reply.QUEUED.fill(id=submission.id)

    def _submission(self, judged: Judged) -> Submission:
        now = self._world.clock.now()
        return Submission(
            id=judged.transaction.id,
            account_id=judged.transaction.account.id,
            received_at=now,
            sender=judged.transaction.sender,
            size=len(judged.message.raw),
            list_id=judged.mail_list.id,
            signing_domain=_from_domain(judged.message),
        )

    def _copies(self, judged: Judged, submission: Submission, state: DeliveryState) -> tuple[Delivery, ...]:
        links, hostname, transaction = self._world.links(), self._world.hostname(), judged.transaction
        copies: list[Delivery] = []
        for number, one in enumerate(judged.kept):
            names = (submission.account_id, judged.mail_list.id, one.address_hash, submission.id)
            unsubscribe_url = links.unsubscribe(*names)
            facts = RewriteFacts(
                account=transaction.account,
                mail_list=judged.mail_list,
                submission_id=submission.id,
                recipient=one.recipient.address,
                client=transaction.client,
                hostname=hostname,
                received_at=submission.received_at,
                unsubscribe_url=unsubscribe_url,
                unsubscribe_mailto=links.mailto(unsubscribe_url),
                abuse_url=links.report(*names),
                why_url=links.why(*names),
                single_recipient=len(transaction.recipients) == 1,
            )
            splices = rewrite(transaction.shelf, judged.message, facts)
            copies.append(
                Delivery(submission, number, one.recipient, splices, state, due_at=submission.received_at)
            )
        return tuple(copies)

    def _records(self, judged: Judged, submission: Submission) -> tuple[Event, ...]:
        """Return what the account's books say of an accepted message."""
        rewriting = self._world.describe_rewrite(judged.message, self._world.links().unsubscribe_prefix)
        self._world.meter.count("content_modified_total", result=rewriting.outcome)
        reception = self._reception(judged, submission, rewriting)
        if not rewriting.finding.verdict.is_tampering:
            return (reception,)
        return (reception, self._tampering(submission, rewriting.finding))

    def _reception(self, judged: Judged, submission: Submission, rewriting: Rewriting) -> Event:
        sender, client = submission.sender.address, judged.transaction.client
        return self._event(
            EventType.RECEPTION,
            submission.account_id,
            submission_id=submission.id,
            list_id=submission.list_id,
            facts={
                "octets": submission.size,
                "recipients": len(judged.kept),
                "refused": len(judged.refused),
                "protocol": client.protocol,
                "footer": rewriting.outcome,
                "way_out": str(rewriting.finding.verdict),
                "defects": " ".join(judged.message.defects),
            }
            | ({"way_out_host": rewriting.finding.host} if rewriting.finding.host else {}),
            data={"sender": str(sender) if sender else "<>", "client": client.ip}
            | _own_header(judged.message),
        )

    def _tampering(self, submission: Submission, finding: Finding) -> Event:
        """Return the record of a way out that was taken away; enforcement counts them."""
        verdict, evidence = str(finding.verdict), finding.evidence
        self._world.meter.count("tampering_total", verdict=verdict, rule=evidence.rule)
        return self._event(
            EventType.TAMPERING,
            submission.account_id,
            submission_id=submission.id,
            list_id=submission.list_id,
            facts={"verdict": verdict, "rule": evidence.rule},
            # The sender's own words: they may hold an address.
            data={
                "selector": evidence.selector,
                "declaration": evidence.declaration,
                "excerpt": evidence.excerpt,
            },
        )

    def _reserve(self, account: Account) -> tuple[int, QuotaFact]:
        if not account.rates or account.over_quota is OverQuota.SHAPE:
            return 0, QuotaFact()
        fact = self._world.quota.reserve(
            quota_key(account.id), account.rates, account.burst, self._world.clock.now()
        )
        return (0 if fact.wait else 1), fact

    def _give_back(self, account: Account, tokens: int) -> None:
        if tokens:
            self._world.quota.give_back(quota_key(account.id), account.rates, tokens)

    def _record_rejection(
        self,
        transaction: Transaction,
        step: str,
        judgement: Judgement,
        refusal: Reply,
        recipient: Recipient | None = None,
    ) -> None:
        reason = judgement.verdict.reason if isinstance(judgement.verdict, Refuse | Hold) else "no-list"
        self._world.meter.count("policy_refusals_total", policy=judgement.policy, reason=reason)
        kind = EventType.CONSENT_DENIED if judgement.policy == "consent" else EventType.REJECTION
        event = self._event(
            kind,
            transaction.account.id,
            submission_id=transaction.id,
            facts={"step": step, "policy": judgement.policy, "reason": reason, "code": refusal.code},
            data={"response": str(refusal)} | ({"recipient": str(recipient.address)} if recipient else {}),
        )
        self._world.spool.record([event])

    def _event(self, kind: EventType, account_id: int, **what: object) -> Event:
        now = self._world.clock.now()
        return Event(new_id(now, self._world.entropy.octets(10)), kind, now, account_id, **what)  # type: ignore[arg-type]


def _from_domain(message: Message) -> str:
    """Return the domain whose key signs: the rules have checked From: already, if the shelf has them."""
    try:
        return ascii_domain(parse_from(message).domain)
    except (BadFrom, MalformedAddress):
        return ""


def _own_header(message: Message) -> dict[str, str]:
    """Return the sender's own List-Unsubscribe fields, which rewriting may replace."""
    found = {}
    for name in ("list-unsubscribe", "list-unsubscribe-post"):
        value = message.value(name.encode())
        if value is not None:
            found[name] = value.decode("utf-8", "replace")[:_LONGEST_HEADER]
    return found


def _refusal(judgement: Judgement) -> Reply | None:
    """Return what the client hears, None where it may go on. A Hold at intake is a transient no."""
    match judgement.verdict:
        case Refuse(reply=refusal):
            return refusal
        case Hold():
            return reply.LOCAL_ERROR
        case _:
            return None
