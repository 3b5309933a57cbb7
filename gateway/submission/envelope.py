"""MAIL and RCPT: who sends, and to whom."""

from gateway.model import reply
from gateway.model.delivery import Sender
from gateway.model.reply import Reply
from gateway.submission.parameters import parse_mail, parse_rcpt
from gateway.submission.session import Mailing, Session, Standing


async def mail(session: Session, argument: str) -> Reply:
    """Begin a transaction."""
    refusal = _out_of_place(session) or await _belongs_to_nobody(session)
    if refusal is not None:
        return refusal
    sender = parse_mail(argument, session.limits.message_size)
    if isinstance(sender, Reply):
        return sender
    return await _begin(session, sender)


def _out_of_place(session: Session) -> Reply | None:
    if not session.session.host_name:
        return reply.BAD_SEQUENCE.fill(hint="EHLO first")
    if session.mailing is not None:
        return reply.BAD_SEQUENCE.fill(hint="a transaction is open; finish it or send RSET")
    most = session.limits.messages_per_connection
    if most and session.tally.mailings >= most:  # RFC 9422 section 4.1
        return reply.TOO_MANY_MESSAGES.fill(limit=most)
    return None


async def _belongs_to_nobody(session: Session) -> Reply | None:
    """Find the account of a trusted network; the Reply is the refusal where there is none."""
    if session.standing is not None:
        return None
    address = session.visit.peer.address
    for trusted in session.context.section.trusted:
        if address in trusted.network:
            account = await session.context.accounts.by_name(trusted.account)
            if account is not None:
                return session.enter_account(Standing(account, proven=False))
    return reply.AUTH_REQUIRED if session.offers_auth or not session.offers_starttls else reply.TLS_FIRST


async def _begin(session: Session, sender: Sender) -> Reply:
    assert session.standing is not None
    client = session.client(sender)
    transaction = await session.context.intake.begin(client, session.standing.account.id, sender)
    if isinstance(transaction, Reply):
        return transaction
    session.mailing = Mailing(transaction, sender)
    session.tally.mailings += 1
    return reply.SENDER_OK


async def rcpt(session: Session, argument: str) -> Reply:
    """Add a recipient."""
    mailing = session.mailing
    if mailing is None:
        return reply.BAD_SEQUENCE.fill(hint="MAIL first")
    if mailing.chunks is not None:
        return reply.BAD_SEQUENCE.fill(hint="no RCPT after BDAT")
    if mailing.accepted >= session.limits.recipients:
        return reply.TOO_MANY_RECIPIENTS.fill(limit=session.limits.recipients)
    recipient = parse_rcpt(argument, mailing.sender, session.context.hostname)
    if isinstance(recipient, Reply):
        return recipient
    answer = await session.context.intake.recipient(mailing.transaction, recipient)
    if answer.is_positive:
        mailing.accepted += 1
    return answer
