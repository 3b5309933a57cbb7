"""MAIL and RCPT: who sends, and to whom."""

from gateway.model import reply
from gateway.model.delivery import Sender
from gateway.model.reply import Reply
from gateway.smtp.parameters import parse_mail, parse_rcpt
from gateway.smtp.session import Mailing, Session


async def mail(session: Session, argument: str) -> Reply:
    """Begin a transaction."""
    refusal = _out_of_place(session) or await session.admit()
    if refusal is not None:
        return refusal
    sender = parse_mail(argument, session.limits.message_size)
    if isinstance(sender, Reply):
        return sender
    # RFC 1870 section 6.1: what was announced finds no room now. Without SIZE, DATA asks.
    if sender.size and not session.context.contents.has_room(sender.size, "MAIL"):
        return reply.CONTENTS_FULL
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


async def _begin(session: Session, sender: Sender) -> Reply:
    transaction = await session.open(sender)
    if isinstance(transaction, Reply):
        return transaction
    session.mailing = Mailing(transaction, sender, session.context.contents.share())
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
