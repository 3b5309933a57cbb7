"""What a regulator or a mailbox provider asks for: what one person agreed to on one list, and all since.

``collect`` reads and checks; ``as_values`` is the JSON; gateway.cli.proof_page is the page that people read.
What it promises: everything that the ledger has of the person on that list and nobody else's, each entry with
what its hash is made of; it says itself when the chain is broken, and never leaves the file half written.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli import say
from gateway.cli.opened import Opened
from gateway.model.address import Address
from gateway.model.facts import Account, MailList
from gateway.model.ledger import Entry
from gateway.store.audit import Audit, Auditor
from gateway.store.subscriptions import Shown


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with all that can be said of it. ``text``: what was shown, "" where nothing was kept."""

    entry: Entry
    previous: bytes
    details: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Proof:
    """All that is known of one address on one list. ``now``: what the store says today, None for nothing."""

    account: Account
    mail_list: MailList
    address: Address
    made_at: float
    lines: tuple[Line, ...]
    now: Shown | None
    audit: Audit


def collect(house: Opened, account: Account, mail_list: MailList, address: Address, at: float) -> Proof:
    """Read what there is, and check the whole ledger."""
    auditor = Auditor(house.store, house.keyring)
    subject = house.keyring.address_hash(account.id, address.identity)
    lines = tuple(
        line_of(auditor, entry)
        for entry in auditor.entries_of(account.id, subject)
        if entry.list_id in {0, mail_list.id}
    )
    shown = house.subscriptions.show(account.id, address)
    now = next((one for one in shown if one.list_id == mail_list.id), None)
    return Proof(account, mail_list, address, at, lines, now, auditor.check(account.id))


def line_of(auditor: Auditor, entry: Entry) -> Line:
    """Return an entry with what is sealed in it; what cannot be opened is left out, and the check says so."""
    try:
        details = auditor.details(entry)
    except ValueError:
        details = {}
    try:
        digest = bytes.fromhex(str(details.get("text", "")))
        text = auditor.text(entry.account_id, digest) if digest else ""
    except (KeyError, ValueError):
        text = ""
    return Line(entry, auditor.hash_before(entry), details, text)


def as_values(proof: Proof) -> dict[str, Any]:
    """Return the proof as programs read it. Times are RFC 3339, in UTC; octets are hexadecimal."""
    now, audit = proof.now, proof.audit
    return {
        "address": str(proof.address),
        "account": proof.account.name,
        "domains": sorted(proof.account.domains),
        "list": {"id": proof.mail_list.list_id, "name": proof.mail_list.name},
        "made_at": say.iso(proof.made_at),
        "now": now
        and {
            "state": str(now.state),
            "basis": str(now.basis),
            "address": now.address,
            "source": now.source,
            "created_at": say.iso(now.created_at),
            "changed_at": say.iso(now.changed_at),
        },
        "entries": [_line_values(line) for line in proof.lines],
        "ledger": {
            "entries": audit.count,
            "head": audit.head.hex(),
            "erased": audit.emptied,
            "wrong": audit.wrong and {"number": audit.wrong.number, "why": audit.wrong.why},
        },
    }


def entry_values(entry: Entry, details: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as programs read it."""
    return {"number": entry.number, "at": say.iso(entry.at), "act": entry.act} | details


def _line_values(line: Line) -> dict[str, Any]:
    entry = line.entry
    chain = {
        "account": entry.account_id,
        "number": entry.number,
        "at": entry.at,
        "list": entry.list_id,
        "act": entry.act,
        "subject": entry.subject.hex(),
        "sealed": entry.sealed.hex(),
        "digest": entry.digest.hex(),
        "previous": line.previous.hex(),
        "hash": entry.hash.hex(),
    }
    details = {name: value for name, value in line.details.items() if name != "text"}
    return entry_values(entry, details) | {"text": line.text, "chain": chain}


def write(path: Path, content: str) -> None:
    """Write a file that only its owner can read, in one piece; raise Refused where there is one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise say.Refused(f"{path} is there already; nothing was changed") from None
    except OSError as error:
        raise say.Refused(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise say.Refused(f"cannot write {path}: {error.strerror}") from error
        raise
