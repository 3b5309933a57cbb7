"""``consentry ledger``: what happened to an account's subscriptions, checked and proved."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.cli.opened import Opened
    from gateway.cli.proof import Proof
    from gateway.model.address import Address
    from gateway.model.facts import Account as Owner
    from gateway.model.ledger import Entry
    from gateway.store.audit import Audit, Auditor, Noted

app = typer.Typer(
    help="The consent ledger: who agreed to what, and all since, in a chain of hashes.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]


@app.command()
def verify(
    ctx: typer.Context,
    account: Account,
    *,
    head: Annotated[
        str,
        typer.Option(help="A head noted earlier, which must be in the chain.", metavar="NUMBER:HASH"),
    ] = "",
    as_json: Json = False,
) -> None:
    """Check an account's whole ledger; exit code 1, and the first wrong entry, where it is not whole."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    noted = _noted(head) if head else None
    with opened(ctx) as house:
        owner = account_of(house, account)
        found = _auditor(house, owner).check(owner.id, noted)
    if as_json:
        wrong = found.wrong and {"entry": found.wrong.number, "why": found.wrong.why}
        values = {"entries": found.count, "head": head_of(found), "erased": found.emptied, "wrong": wrong}
        say.as_json({"account": account} | values)
    if found.wrong:
        where = f"entry {found.wrong.number}: " if found.wrong.number else ""
        raise say.Refused(
            f"the ledger of {account} is not whole; {where}{found.wrong.why}. "
            f"{found.count:,} entries before it are as they were written"
        )
    if not as_json:
        say.pairs(
            {"entries": f"{found.count:,}", "erased": f"{found.emptied:,}", "head": head_of(found)}
            | ({"noted": f"{head} is in it"} if head else {})
        )


@app.command()
def show(
    ctx: typer.Context,
    account: Account,
    address: Annotated[str, typer.Argument(metavar="[ADDRESS]", help="Only what this address did.")] = "",
    *,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.", metavar="N")] = 20,
    as_json: Json = False,
) -> None:
    """Show the last entries, oldest first, with what is sealed in them."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    wanted = _address(address) if address else None
    with opened(ctx) as house:
        owner = account_of(house, account)
        auditor = _auditor(house, owner)
        entries = auditor.latest(owner.id, last)
        if wanted is not None:
            subject = house.keyring.address_hash(owner.id, wanted.identity)
            entries = auditor.entries_of(owner.id, subject)[-last:]
        lists = {0: "all lists"} | {one.id: one.list_id for one in owner.lists}
        shown = [(entry, _details(auditor, entry)) for entry in entries]
    if as_json:
        from gateway.cli.proof import entry_values  # noqa: PLC0415 - heavy

        say.as_json([{"list_id": lists.get(one.list_id)} | entry_values(one, said) for one, said in shown])
        return
    if not shown:
        say.line(f"the ledger of {account} has no entry{' of that address' if address else ''}")
        return
    rows = (
        [
            str(one.number),
            say.when(one.at),
            one.act,
            lists.get(one.list_id, "-"),
        ]
        + [str(said.get(name, "")) for name in ("address", "actor", "source", "ip")]
        for one, said in shown
    )
    say.table(["ENTRY>", "TIME", "ACT", "LIST", "ADDRESS", "ACTOR", "SOURCE", "FROM"], rows)


@app.command()
def proof(
    ctx: typer.Context,
    account: Account,
    list_id: Annotated[str, typer.Argument(metavar="LIST-ID")],
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    *,
    out: Annotated[Path, typer.Option(help="A new file that ends with .html or .json.", metavar="FILE")],
) -> None:
    """Write what a regulator asks for: who agreed to what, when and how, and everything since."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, list_of  # noqa: PLC0415 - heavy
    from gateway.cli.proof import collect, write  # noqa: PLC0415 - heavy

    if out.suffix not in {".html", ".json"}:
        raise typer.BadParameter("name a file that ends with .html or .json", param_hint="--out")
    wanted = _address(address)
    with opened(ctx) as house:
        owner = account_of(house, account)
        _auditor(house, owner)
        found = collect(house, owner, list_of(owner, list_id), wanted, CLOCK.now())
    write(out, _written(found, out.suffix))
    count = len(found.lines)
    entries = "1 entry" if count == 1 else f"{count:,} entries"
    say.line(f"{out}: {entries} of {address} on {list_id}; the ledger's head {head_of(found.audit)}")
    if found.audit.wrong:
        raise say.Refused("the ledger is not whole, and the file says so: see consentry ledger verify")


def head_of(audit: "Audit") -> str:
    """Return the head as people note it."""
    return f"{audit.count}:{audit.head.hex()}"


def _written(found: "Proof", suffix: str) -> str:
    if suffix == ".json":
        from gateway.cli.proof import as_values  # noqa: PLC0415 - heavy

        return json.dumps(as_values(found), indent=2, ensure_ascii=False) + "\n"
    from gateway.cli.proof_page import render  # noqa: PLC0415 - heavy

    return render(found)


def _noted(head: str) -> "Noted":
    from gateway.store.audit import Noted  # noqa: PLC0415 - heavy

    number, colon, digits = head.rpartition(":")
    try:
        digest, place = bytes.fromhex(digits), int(number) if colon else 0
    except ValueError:
        digest, place = b"", 0
    if len(digest) != 32 or place < 0:
        raise typer.BadParameter("give a head as verify prints it, or its hash alone", param_hint="--head")
    return Noted(digest, place)


def _auditor(house: "Opened", owner: "Owner") -> "Auditor":
    """Return what reads ledgers, when there is a key to read this one with; raise Refused."""
    from gateway.store.audit import Auditor  # noqa: PLC0415 - heavy

    try:
        house.keyring.of(owner.id)
    except KeyError:
        raise say.Refused(f"the key of {owner.name} is destroyed: nobody can read its ledger") from None
    return Auditor(house.store, house.keyring)


def _details(auditor: "Auditor", entry: "Entry") -> dict[str, Any]:
    try:
        return auditor.details(entry)
    except ValueError:
        return {"source": "cannot be opened; see consentry ledger verify"}


def _address(text: str) -> "Address":
    from gateway.model.address import MalformedAddress, parse_address  # noqa: PLC0415 - heavy

    try:
        return parse_address(text)
    except MalformedAddress as error:
        raise say.Refused(f"{text}: {error}") from error
