r"""Delivery status notifications: what became of a message, told to its sender (RFC 3461, 3464, 6522). Pure.

What it promises: ``compose`` gives a whole message with CRLF line ends; nothing that a remote host, a client
or a recipient has written can add a line or a field to it, because every such text is made printable ASCII
first. Addresses outside ASCII are written in RFC 6533's ``\x{..}`` form; only a To: field that names such a
sender is UTF-8 (that report needs SMTPUTF8 anyway). A report goes out with the null sender, so it never has a
report of its own (RFC 3461 section 6.2); ``is_wanted`` is asked before one is made.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

from gateway.model.address import Address, ascii_domain
from gateway.model.delivery import Delivery, DeliveryState, Notify, Recipient, Sender, Submission
from gateway.ports import Parcel

_FULL_LIMIT = 1 << 20  # octets of content that RET=FULL gives back; above this, its header section
_TEXT_LIMIT = 600  # characters of a remote text
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_LONGEST_LINE = 998  # octets, RFC 5322 section 2.1.1


class Kind(StrEnum):
    """What a report tells."""

    FAILED = "failed"
    EXPIRED = "expired"
    RELAYED = "relayed"  # RFC 3461 section 5.2.2: handed to a host that makes no reports


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """One recipient and what became of its copy (with Kind.RELAYED it did not fail, it went on)."""

    recipient: Recipient
    status: str  # an enhanced code, RFC 3463
    diagnostic: str = ""  # the SMTP reply, code first; "" when there was none
    remote_mta: str = ""  # the host that gave it; "": we did


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one DSN says."""

    id: str  # the DSN's own submission id: its Message-ID and its boundary are made of it
    kind: Kind
    hostname: str
    now: float  # seconds since the epoch
    submission: Submission  # of what is reported
    content: bytes  # as it was handed in
    recipients: tuple[FailedRecipient, ...]


def is_wanted(submission: Submission, recipient: Recipient, kind: Kind) -> bool:
    """Whether the sender is to hear of this recipient (RFC 3461 sections 4.1 and 5.2)."""
    if submission.sender.address is None or Notify.NEVER in recipient.notify:
        return False
    if kind is Kind.RELAYED:
        return Notify.SUCCESS in recipient.notify
    return not recipient.notify or Notify.FAILURE in recipient.notify


def parcel(report: Report) -> Parcel:
    """Return the report as mail of ours, due now; the sender must not be the null one."""
    to = report.submission.sender.address
    if to is None:
        raise ValueError("nobody is told of mail from the null sender")
    content = compose(report)
    sender = Sender(None, len(content), body_8bit=not content.isascii(), smtputf8=to.needs_smtputf8)
    submission = Submission(
        id=report.id,
        account_id=report.submission.account_id,
        received_at=report.now,
        sender=sender,
        size=len(content),
        list_id=None,
        signing_domain="",
    )
    # RFC 3461 section 6.2: a report never asks for a report.
    recipient = Recipient(to, frozenset({Notify.NEVER}))
    return Parcel(
        submission,
        content,
        (Delivery(submission, 0, recipient, (), DeliveryState.QUEUED, due_at=report.now),),
    )


def compose(report: Report) -> bytes:
    """Return the whole DSN, CRLF line ends."""
    boundary = f"=_{report.id}"
    kind, returned = _returned_part(report)
    parts = (
        b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + _explanation(report),
        b"Content-Type: message/delivery-status\r\n\r\n" + _status(report),
        kind + returned,
    )
    out = [_head(report, boundary, "8bit" if not returned.isascii() else "7bit")]
    for part in parts:
        out.append(f"\r\n--{boundary}\r\n".encode("ascii"))
        out.append(part)
    out.append(f"\r\n--{boundary}--\r\n".encode("ascii"))
    return b"".join(out)


_SUBJECTS = {
    Kind.FAILED: "Undelivered mail returned to sender",
    Kind.EXPIRED: "Undelivered mail returned to sender: given up",
    Kind.RELAYED: "Your mail was passed on",
}
_STORIES = {
    Kind.FAILED: "Your message could not be delivered to the recipients below. It will not be tried again.",
    Kind.EXPIRED: "Your message could not be delivered to the recipients below in the time allowed.\r\n"
    "It will not be tried again.",
    Kind.RELAYED: "Your message was passed on, for the recipients below, to a mail system that does not\r\n"
    "report deliveries. This is the last word you will hear of it unless it fails.",
}
_ACTIONS = {Kind.FAILED: "failed", Kind.EXPIRED: "failed", Kind.RELAYED: "relayed"}  # RFC 3464 section 2.3.3


def _head(report: Report, boundary: str, encoding: str) -> bytes:
    host = printable(report.hostname)
    to = report.submission.sender.address
    lines = (
        f"From: Mail Delivery System <MAILER-DAEMON@{host}>",
        f"To: <{_header_address(to)}>" if to else "To: undisclosed-recipients:;",
        f"Subject: {_SUBJECTS[report.kind]}",
        f"Date: {_date(report.now)}",
        f"Message-ID: <{report.id}@{host}>",
        "Auto-Submitted: auto-replied",  # RFC 3834 section 5
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',  # RFC 6522
        f"Content-Transfer-Encoding: {encoding}",
        "",
        "This is a delivery status notification in MIME form.",
        "",
    )
    return "\r\n".join(lines).encode()


def _explanation(report: Report) -> bytes:
    lines = [f"This is the mail system at {printable(report.hostname)}.", "", _STORIES[report.kind], ""]
    for one in report.recipients:
        lines.append(f"<{_plain_address(one.recipient.address)}>")
        said = f"{printable(one.remote_mta)} said: " if one.remote_mta else ""
        lines.append(
            f"    {said}{printable(one.diagnostic)}" if one.diagnostic else f"    status {one.status}"
        )
        lines.append("")
    return "\r\n".join(lines).encode("ascii")


def _status(report: Report) -> bytes:
    """RFC 3464 section 2: fields of the message, an empty line, fields of each recipient."""
    fields: list[str] = []
    if report.submission.sender.envid:
        # RFC 3464 section 2.2.1
        fields.append(f"Original-Envelope-Id: {decode_xtext(report.submission.sender.envid)}")
    fields.append(f"Reporting-MTA: dns; {printable(report.hostname)}")
    fields.append(f"Arrival-Date: {_date(report.submission.received_at)}")
    for one in report.recipients:
        fields.append("")
        fields.extend(_recipient_fields(report, one))
    return "\r\n".join([*fields, ""]).encode("ascii")


def _recipient_fields(report: Report, one: FailedRecipient) -> list[str]:
    fields: list[str] = []
    kind, separator, original = one.recipient.orcpt.partition(";")
    if separator:
        fields.append(f"Original-Recipient: {printable(kind)};{decode_xtext(original)}")
    address_type = "utf-8" if one.recipient.address.needs_smtputf8 else "rfc822"
    fields.append(f"Final-Recipient: {address_type};{_plain_address(one.recipient.address)}")
    fields.append(f"Action: {_ACTIONS[report.kind]}")
    fields.append(f"Status: {printable(one.status)}")
    if one.remote_mta:
        fields.append(f"Remote-MTA: dns; {printable(one.remote_mta)}")
    if one.diagnostic:
        fields.append(f"Diagnostic-Code: smtp; {printable(one.diagnostic)}")
    fields.append(f"Last-Attempt-Date: {_date(report.now)}")
    return fields


def _returned_part(report: Report) -> tuple[bytes, bytes]:
    """Return the part's own header section and what is given back of the message."""
    wants_all = report.submission.sender.ret == "FULL" and report.kind is not Kind.RELAYED
    # RFC 3461 section 4.3: RET is about failures; a success gives back the header section only.
    if wants_all and len(report.content) <= _FULL_LIMIT:
        eight = b"" if report.content.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
        return b"Content-Type: message/rfc822\r\n" + eight + b"\r\n", report.content
    headers = _header_section(report.content)
    return b"Content-Type: text/rfc822-headers\r\n\r\n", headers


def _header_section(content: bytes) -> bytes:
    """Return the header section in 7bit (RFC 6522 section 4), its lines cut where they are too long."""
    end = content.find(b"\r\n\r\n")
    section = content[: end + 2] if end >= 0 else content[:_FULL_LIMIT]
    lines = section.split(b"\r\n")
    return b"\r\n".join(_UNPRINTABLE_OCTET.sub(b"?", line[:_LONGEST_LINE]) for line in lines)


_UNPRINTABLE_OCTET = re.compile(rb"[^\x09\x20-\x7e]")


def decode_xtext(text: str) -> str:
    """Return what xtext stands for (RFC 3461 section 4), made printable: ``+0D+0A`` adds no line."""
    return printable(_XTEXT.sub(lambda match: chr(int(match[1], 16)), text))


def printable(text: str) -> str:
    """Return the text as printable ASCII on one line, cut."""
    return _UNPRINTABLE.sub("?", text[:_TEXT_LIMIT])


def _plain_address(address: Address) -> str:
    """RFC 6533 section 3: utf-8-addr-xtext, and A-labels."""
    local = "".join(char if " " <= char <= "~" else f"\\x{{{ord(char):X}}}" for char in address.local)
    return f"{local}@{ascii_domain(address.domain)}"


def _header_address(address: Address) -> str:
    return f"{address.local}@{ascii_domain(address.domain)}"


def _date(when: float) -> str:
    return format_datetime(datetime.fromtimestamp(when, UTC))
