"""A letter of the house about a list: text and HTML that say the same, and the fields before them.

What it promises: the list's own name in List-Id, and a List-Unsubscribe whose one click says no. It is the
provider's own mail, from the provider's own address: no name that an account or a reader has chosen stands
before that address, adds a field or a line. The same letter made again is the same octets.
"""

from dataclasses import dataclass

from gateway.mime.headers import date_time, field, one_line, phrase, structured
from gateway.mime.transfer import quoted
from gateway.model.address import Address, ascii_domain, parse_address
from gateway.web.languages import SOURCE, Language

LONGEST_NAME = 90  # characters
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class ListLetter:
    """All that the fields say. ``digest`` names the letter: a copy that is sent twice is seen to be one."""

    sender: str  # the provider's own address
    to: Address
    subject: str
    mail_list: str
    list_identifier: str
    url: str  # of the page, and of the one click
    language: Language
    digest: str
    now: float


def whole(letter: ListLetter, text: str, html: str) -> bytes:
    """Return the whole message."""
    sender = parse_address(letter.sender)
    domain = ascii_domain(sender.domain)
    boundary = f'multipart/alternative; boundary="{letter.digest}"'
    header = (
        f"From: <{sender.local}@{domain}>\r\n".encode(),
        # A local part beyond ASCII stands as it is: such a letter needs SMTPUTF8 anyway (RFC 6532).
        f"To: <{letter.to.local}@{ascii_domain(letter.to.domain)}>\r\n".encode(),
        field("Subject", letter.subject),
        structured("Date", date_time(int(letter.now))),
        structured("Message-ID", f"<{letter.digest}@{domain}>"),
        structured("List-Id", f"{phrase(letter.mail_list)} <{letter.list_identifier}>".lstrip()),
        # RFC 8058 section 3.1: one click answers no.
        one_line("List-Unsubscribe", f"<{letter.url}>"),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"Auto-Submitted: auto-generated\r\n",  # RFC 3834 section 5
        structured("Content-Language", letter.language.tag),
        f"MIME-Version: 1.0\r\nContent-Type: {boundary}\r\n\r\n".encode(),
    )
    return b"".join(header) + _alternatives(letter.digest, text, html)


def in_language(url: str, language: Language) -> str:
    """Return the address of a page, to be shown in a language."""
    return url if language.tag == SOURCE else f"{url}?lang={language.tag}"


def _alternatives(boundary: str, text: str, html: str) -> bytes:
    """Return the two parts, the better one last (RFC 2046 section 5.1.4)."""
    parts = (
        f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
        + quoted(content.replace("\n", "\r\n").encode())
        + b"\r\n"
        for kind, content in (("plain", text), ("html", html))
    )
    return b"".join(parts) + f"--{boundary}--\r\n".encode()
