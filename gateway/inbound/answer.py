"""The one answer to somebody who has left by mail (RFC 3834). Pure.

What it promises: a whole message with CRLF line ends, from the null sender; nothing that the letter or a
tenant has written adds a line or a field to it.
"""

import re
from dataclasses import dataclass

from gateway.inbound.house_mail import HouseMail, written
from gateway.inbound.leaving import Left
from gateway.inbound.letter import Letter
from gateway.mime.headers import date_time, field, one_line, phrase, printable, structured
from gateway.mime.transfer import quoted
from gateway.model.address import Address
from gateway.model.message import Message

_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{3,250}>")
_REFERENCES = 10  # of the letter's, the last ones
_NAME = 100  # characters

_TEXT = """\
You have left the list "{mail_list}" of {sender}.
It will send no more mail to this address. There is nothing else to be done.

A program has written this, once. It reads no replies.
"""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who answers whom."""

    mailbox: Address  # the unsubscribe mailbox
    recipient: Address


def compose(mail: HouseMail, envelope: Envelope, letter: Letter, left: Left) -> bytes:
    """Return the answer."""
    sender, mail_list = (printable(name)[:_NAME] for name in (left.sender, left.mail_list))
    text = _TEXT.format(sender=sender, mail_list=mail_list).replace("\n", "\r\n")
    return b"".join(
        (
            structured("From", f"{phrase('Unsubscribe')} <{written(envelope.mailbox)}>"),
            f"To: <{written(envelope.recipient)}>\r\n".encode(),
            field("Subject", f"Auto: you have left {mail_list}"),  # RFC 3834 section 3.1.5
            one_line("Date", date_time(int(mail.now))),
            one_line("Message-ID", f"<{mail.id}@{mail.hostname}>"),
            *_threading(letter.message),
            b"Auto-Submitted: auto-replied\r\n",  # RFC 3834 section 5
            b"MIME-Version: 1.0\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n",
            b"Content-Language: en\r\n",
            b"\r\n",
            quoted(text.encode()),
        )
    )


def _threading(message: Message) -> tuple[bytes, ...]:
    """RFC 3834 section 3.1.6, RFC 5322 section 3.6.4."""
    asked = _MESSAGE_ID.search(message.value(b"message-id") or b"")
    if asked is None:
        return ()
    identity = asked[0].decode("ascii")
    before = _MESSAGE_ID.findall(message.value(b"references") or b"")[-_REFERENCES:]
    references = " ".join([*(one.decode("ascii") for one in before), identity])
    return (structured("In-Reply-To", identity), structured("References", references))
