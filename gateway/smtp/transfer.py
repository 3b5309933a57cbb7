"""DATA and BDAT: the content.

What it promises: whether there is room is asked before the content is taken; what a client has announced is
read to its end even when it is refused, so that content is never mistaken for commands.
"""

import re

from gateway.model import reply
from gateway.model.reply import Reply
from gateway.smtp.content import ChunkReader, DotReader
from gateway.smtp.session import Mailing, Session

_BDAT = re.compile(r"([0-9]{1,20})(?: +(LAST))?\Z", re.IGNORECASE | re.ASCII)  # RFC 3030 section 2
_MAIL_FIRST = reply.BAD_SEQUENCE.fill(hint="MAIL first")


async def data(session: Session, argument: str) -> Reply:
    """Take a content that ends with a dot."""
    if argument:
        return reply.BAD_SYNTAX.fill(syntax="DATA")
    mailing = session.mailing
    if mailing is None:
        return _MAIL_FIRST
    refusal = _not_ready(mailing)
    if refusal is not None:
        return refusal
    no_room = _no_room(session, max(mailing.sender.size, 1), "DATA")
    if no_room is not None:
        session.abandon()
        return no_room
    reader = DotReader(session.limits.message_size, mailing.share.grow_to)
    session.write(reply.START_INPUT.wire())
    await session.read_content(reader.take, session.limits.data)
    return await session.finish(mailing, reader.content(session.context.section.bare_newlines))


def _not_ready(mailing: Mailing) -> Reply | None:
    if mailing.failed:
        return reply.BDAT_FAILED
    if mailing.chunks is not None:  # RFC 3030 section 3
        return reply.BAD_SEQUENCE.fill(hint="no DATA after BDAT")
    return None if mailing.accepted else reply.NO_RECIPIENTS


def _no_room(session: Session, octets: int, step: str) -> Reply | None:
    """Say whether there is room for a content on the disk, and for so many octets in memory."""
    if not session.context.contents.has_room(octets, step):
        return reply.CONTENTS_FULL
    return session.context.intake.check_room()


async def bdat(session: Session, argument: str) -> Reply:
    """Take a chunk of a content."""
    match = _BDAT.match(argument)
    if match is None:
        # How many octets follow cannot be told; what looks like no command will end the session.
        _fail(session.mailing)
        return reply.BAD_SYNTAX.fill(syntax="BDAT octets [LAST]")
    mailing = session.mailing
    size = int(match[1])
    refusal = _refusal(session, mailing, size)
    chunks = mailing.chunks if mailing is not None else None
    if chunks is None:
        share = mailing.share if mailing is not None else session.context.contents.share()
        chunks = ChunkReader(session.limits.message_size, share.grow_to)
    if refusal is not None:
        chunks.discard()
    chunks.expect(size)
    await session.read_content(chunks.take, session.limits.data)
    if refusal is not None or mailing is None:
        return refusal or _MAIL_FIRST
    mailing.chunks = chunks
    return await _chunk_taken(session, mailing, chunks, match)


def _fail(mailing: Mailing | None) -> None:
    """From here on nothing but RSET helps."""
    if mailing is not None:
        mailing.failed = True
        mailing.chunks = None
        mailing.share.give_back()


def _refusal(session: Session, mailing: Mailing | None, size: int) -> Reply | None:
    """Say why a chunk, which has to be read in any case, will not be taken."""
    if mailing is None:
        return _MAIL_FIRST
    if mailing.failed:
        return reply.BDAT_FAILED
    if not mailing.accepted:
        return reply.NO_RECIPIENTS
    if mailing.chunks is not None:
        return None
    refusal = _no_room(session, min(size, session.limits.message_size), "BDAT")
    if refusal is not None:
        _fail(mailing)
    return refusal


async def _chunk_taken(
    session: Session, mailing: Mailing, chunks: ChunkReader, match: re.Match[str]
) -> Reply:
    if chunks.refusal is not None:
        _fail(mailing)
        return chunks.refusal
    if match[2] is None:
        return reply.CHUNK_OK.fill(octets=match[1])
    return await session.finish(mailing, chunks.content(session.context.section.bare_newlines))
