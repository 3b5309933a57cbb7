"""Where the message came from and what it is called: Received, and Date, Message-ID, MIME-Version if missing.

Received follows RFC 5321 section 4.4: it says ``for`` only to a sole recipient, so that nobody hears of
another. Date and Message-ID are RFC 6409 section 8's to add; MIME-Version only where Content-* fields want it
(RFC 2045 section 4). A message without a header section is left as it is: judging refuses it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from gateway.mime.headers import date_time
from gateway.mime.lastplan import LastPlan
from gateway.model.facts import RewriteFacts
from gateway.model.message import Message
from gateway.model.policy import Policy
from gateway.model.splice import Splice
from policies.table import Table

_HELO = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?|\[[0-9A-Za-z.:]{2,60}\])\Z")
_FOLD = "\r\n\t"
_PROTOCOL = re.compile(r"[A-Z0-9]{1,20}\Z")


class Settings(Table):
    """``[trace_headers]``."""

    show_client: bool = True  # whether Received tells where the tenant's mail program is


def _missing(message: Message) -> frozenset[bytes]:
    names = {field.name for field in message.fields}
    missing = {b"date", b"message-id"} - names
    if b"mime-version" not in names and any(name.startswith(b"content-") for name in names):
        missing.add(b"mime-version")
    return frozenset(missing)


def build(settings: Mapping[str, object]) -> Policy:
    """Build the policy from ``[trace_headers]`` of policy.toml."""
    show_client = Settings.model_validate(settings).show_client
    plan = LastPlan(_missing)

    def rewrite(message: Message, facts: RewriteFacts) -> Sequence[Splice]:
        """Put the trace on top."""
        if "no-header" in message.defects:
            return ()
        missing = plan(message)
        lines = [_received(facts, _from(facts.client.helo, facts.client.ip) if show_client else "")]
        if b"date" in missing:
            lines.append(f"Date: {date_time(int(facts.received_at))}\r\n")
        if b"message-id" in missing:
            lines.append(f"Message-ID: <{facts.submission_id}@{facts.hostname}>\r\n")
        if b"mime-version" in missing:
            lines.append("MIME-Version: 1.0\r\n")
        return (Splice(0, 0, "".join(lines).encode("ascii", "replace")),)

    return Policy("trace_headers", rewrite=rewrite)


def _received(facts: RewriteFacts, source: str) -> str:
    protocol = facts.client.protocol if _PROTOCOL.match(facts.client.protocol) else "ESMTP"
    recipient = str(facts.recipient)
    wanted = facts.single_recipient and recipient.isascii()
    return (
        f"Received: {source}by {facts.hostname} with {protocol} id {facts.submission_id}"
        f"{f'{_FOLD}for <{recipient}>' if wanted else ''};{_FOLD}{date_time(int(facts.received_at))}\r\n"
    )


@lru_cache(maxsize=1024)
def _from(name: str, ip: str) -> str:
    """Return RFC 5321's From-domain; what the client said of itself stands there only if it is a name."""
    literal = _literal(ip)
    return f"from {name if _HELO.match(name) else literal} ({literal}){_FOLD}"


def _literal(ip: str) -> str:
    """Write an address literal, RFC 5321 section 4.1.3."""
    try:
        address = ip_address(ip)
    except ValueError:
        return "unknown"  # a socket without an address
    return f"[IPv6:{address}]" if isinstance(address, IPv6Address) else f"[{address}]"
