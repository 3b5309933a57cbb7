"""The letters that the gateway itself writes to a reader.

What it promises: a whole message with CRLF line ends, plain text in the reader's language, from the
provider's own address; it names no list in its header, says that a program wrote it (RFC 3834 section 5),
and nothing that an account is called can add a field or a line to it.
"""

import hashlib
import quopri
from dataclasses import dataclass

from gateway.mime.headers import date_time, field, printable, structured
from gateway.model.address import Address, ascii_domain, parse_address
from gateway.web.languages import Language
from gateway.web.leaving import Story

_LONGEST_NAME = 90  # characters


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Asks whether it was them who want to leave."""

    story: Story
    language: Language
    url: str
    sender: str  # the provider's own address
    now: float


def compose(letter: Confirmation, to: Address) -> bytes:
    """Return the whole message."""
    names = _names(letter.story)
    subject = letter.language.say("Please confirm: unsubscribe from %(list)s", **names)
    sender = parse_address(letter.sender)
    domain = ascii_domain(sender.domain)
    body = quopri.encodestring("\n".join(_lines(letter, names)).encode())
    return b"".join(
        (
            f"From: <{sender.local}@{domain}>\r\n".encode(),
            # A local part beyond ASCII stands as it is: such a letter needs SMTPUTF8 anyway (RFC 6532).
            f"To: <{to.local}@{ascii_domain(to.domain)}>\r\n".encode(),
            field("Subject", subject),
            structured("Date", date_time(int(letter.now))),
            structured("Message-ID", f"<{_digest(letter)}@{domain}>"),
            b"Auto-Submitted: auto-generated\r\n",  # RFC 3834 section 5
            structured("Content-Language", letter.language.tag),
            b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            body.replace(b"\n", b"\r\n"),
        )
    )


def _lines(letter: Confirmation, names: dict[str, str]) -> list[str]:
    say = letter.language.say
    return [
        say("Hello,"),
        "",
        say(
            "somebody, probably you, asked to take this address off the list %(list)s of %(account)s.",
            **names,
        ),
        say("To confirm, open this page and press its button:"),
        "",
        letter.url,
        "",
        say("If it was not you, do nothing: nothing has changed."),
        "",
    ]


def _names(story: Story) -> dict[str, str]:
    """The names, on one line: they are the account's own words."""
    return {
        "list": printable(story.mail_list)[:_LONGEST_NAME],
        "account": printable(story.account)[:_LONGEST_NAME],
    }


def _digest(letter: Confirmation) -> str:
    """Return a name that follows from the letter: a copy that is sent twice is seen to be one."""
    return hashlib.sha256(f"{letter.url} {letter.now}".encode()).hexdigest()[:32]
