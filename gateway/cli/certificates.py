"""``consentry account erased`` and ``account certificate``: what was erased, and the proof of it."""

import json as texts
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.store.erasures import Shown

app = typer.Typer(help="Certificates of deletion.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Id = Annotated[str, typer.Argument(metavar="ID", help='An erasure, as "account erased" lists it.')]


def erased(ctx: typer.Context, json: Json = False) -> None:
    """List what was erased, and what is being erased."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = house.erasures.listing()
    if json:
        say.as_json([_values(one) for one in found])
        return
    if not found:
        say.line("nothing was erased yet")
        return
    headings = ["ID", "WHAT", "BEGUN", "STATE", "ROWS>", "COPIES>"]
    say.table(headings, [_row(one) for one in found])


@app.command()
def show(
    ctx: typer.Context,
    which: Id,
    out: Annotated[Path | None, typer.Option(help="Write it to a file.", metavar="FILE")] = None,
) -> None:
    """Show a certificate, or write it to a file."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = house.erasures.show(which.upper())
    if not found.certificate:
        raise say.Refused(f"erasure {which} is not done: its phase is {found.phase}")
    if out is None:
        say.line(found.certificate)
        return
    _write(out, found.certificate + "\n")
    say.line(f"written to {out}")


@app.command()
def key(ctx: typer.Context) -> None:
    """Show the public key that certificates are checked with: publish it where people find it."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        say.line(house.notary.public_key())


@app.command()
def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate.")],
    public_key: Annotated[
        str,
        typer.Option(
            "--key", help="The provider's public key; without it this gateway's own.", metavar="BASE64"
        ),
    ] = "",
    name: Annotated[
        str, typer.Option(help="Check too that it is about the account of this name.", metavar="NAME")
    ] = "",
) -> None:
    """Check a certificate: that the provider signed it, and that nothing was changed since."""
    from gateway.store.certificates import BadCertificate, check  # noqa: PLC0415 - heavy

    try:
        document = check(file.read_bytes(), public_key or _own_key(ctx))
        _check_name(document, name)
    except OSError as error:
        raise say.Refused(f"{file} cannot be read: {error.strerror}") from error
    except BadCertificate as error:
        raise say.Refused(f"{file} proves nothing: {error}") from error
    say.line(f"{file} is genuine: erasure {document['erasure']}, finished {document['finished_at']}")
    for table, count in document["erased"].items():
        say.line(f"  {table}: {count:,}")


def _check_name(document: dict[str, Any], name: str) -> None:
    from gateway.store.certificates import BadCertificate, digest  # noqa: PLC0415 - heavy

    account = document.get("account")
    if not name:
        return
    if not isinstance(account, dict) or digest(account["code"], name) != account["name_digest"]:
        raise BadCertificate(f"it is not about an account {name}")


def _own_key(ctx: typer.Context) -> str:
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        return house.notary.public_key()


def _values(one: "Shown") -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": str(one.kind),
        "account": one.account_id,
        "phase": str(one.phase),
        "asked_at": say.iso(one.asked_at),
        "finished_at": say.iso(one.finished_at),
        "counts": dict(one.counts),
        "certificate": texts.loads(one.certificate) if one.certificate else None,
    }


def _row(one: "Shown") -> list[str]:
    what = str(one.kind) if one.account_id is None else f"{one.kind} at account #{one.account_id}"
    if one.kind == "account":
        what = f"account #{one.account_id}"
    rows = sum(count for name, count in one.counts.items() if ":" not in name)
    state = f"done {say.when(one.finished_at)}" if one.finished_at else f"working: {one.phase}"
    return [one.id, what, say.when(one.asked_at), state, f"{rows:,}", f"{one.counts['queue: copies']:,}"]


def _write(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise say.Refused(f"there is a file {path} already") from error
    except OSError as error:
        raise say.Refused(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
