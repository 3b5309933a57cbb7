"""``consentry subscriber``: who is on which list, and why they may be written to."""

import gc
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.model.address import Address
    from gateway.store.loading import Loaded
    from gateway.store.subscriptions import Shown

app = typer.Typer(help="Who is on which list, and why they may be written to.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]
ListId = Annotated[str, typer.Argument(metavar="LIST-ID")]
Source = Annotated[
    str, typer.Option(help="The evidence: where and when they said yes. It is kept.", metavar="TEXT")
]


class Basis(StrEnum):
    """Why they may be written to."""

    ASSERTED = "asserted"
    ACCOUNT = "account"
    DOUBLE_OPT_IN = "double-opt-in"


class LoadedBasis(StrEnum):
    """What many at once may have: a double opt-in is one person's own act."""

    ASSERTED = "asserted"
    ACCOUNT = "account"


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    list_id: ListId,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    *,
    basis: Annotated[Basis, typer.Option(help="Why they may be written to.")],
    source: Source,
    json: Json = False,
) -> None:
    """Put one address on a list."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, list_of, operator_says  # noqa: PLC0415 - heavy
    from gateway.model import facts  # noqa: PLC0415 - heavy
    from gateway.store.bond import LEFT  # noqa: PLC0415 - heavy

    wanted = _address(address)
    _check_source(source)
    with opened(ctx) as house:
        owner = account_of(house, account)
        to = list_of(owner, list_id)
        for shown in house.subscriptions.show(owner.id, wanted):
            # The store lets a double opt-in bring people back; at a terminal nobody confirms for another.
            if shown.list_id == to.id and shown.state in LEFT:
                since = say.when(shown.changed_at)
                raise say.Refused(f"{address} is {shown.state} since {since}: only they can come back")
        change = house.subscriptions.add(
            owner.id, to.id, wanted, facts.Basis(basis), operator_says(source), CLOCK.now()
        )
    if json:
        say.as_json({"account": account, "list_id": to.list_id, "address": address, "change": str(change)})
    else:
        said = {"added": "added to", "changed": "changed on", "unchanged": "is already on"}
        say.line(f"{address} {said[str(change)]} {to.list_id}")


@app.command()
def show(
    ctx: typer.Context,
    account: Account,
    which: Annotated[list[str], typer.Argument(metavar="[LIST-ID] ADDRESS")],
    json: Json = False,
) -> None:
    """Show an address: its subscriptions, their basis and evidence."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, list_of  # noqa: PLC0415 - heavy

    if len(which) > 2:
        raise typer.BadParameter("give ACCOUNT [LIST-ID] ADDRESS", param_hint="ADDRESS")
    *list_ids, address = which
    wanted = _address(address)
    with opened(ctx) as house:
        owner = account_of(house, account)
        only = {list_of(owner, list_id).id for list_id in list_ids}
        found = [one for one in house.subscriptions.show(owner.id, wanted) if not only or one.list_id in only]
    if json:
        say.as_json([_as_values(one) for one in found])
        return
    if not found:
        raise say.Refused(f"{address} is not on {list_ids[0] if list_ids else 'any list'} of {account}")
    for index, one in enumerate(found):
        if index:
            say.line()
        say.pairs(
            {
                "address": one.address,
                "list": one.list_name,
                "state": f"{one.state} since {say.when(one.changed_at)}",
                "basis": str(one.basis),
                "source": one.source,
                "first seen": say.when(one.created_at),
            }
        )


@app.command()
def load(
    ctx: typer.Context,
    account: Account,
    list_id: ListId,
    file: Annotated[str, typer.Argument(metavar="FILE", help='An address a line; "-": standard input.')],
    *,
    basis: Annotated[LoadedBasis, typer.Option(help="Why they may be written to.")],
    source: Source,
    json: Json = False,
) -> None:
    """Put many addresses on a list; a bad line is named and left out."""
    from gateway.cli.address_file import addresses  # noqa: PLC0415 - heavy
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, list_of, operator_says  # noqa: PLC0415 - heavy
    from gateway.model import facts  # noqa: PLC0415 - heavy

    _check_source(source)
    with opened(ctx) as house:
        owner = account_of(house, account)
        to = list_of(owner, list_id)
        gc.disable()  # rows are values without circles; looking for some is a sixth of the time
        with addresses(file) as lines:
            origin, why = operator_says(source), facts.Basis(basis)
            loaded = house.subscriptions.load(owner.id, to.id, lines, why, origin, CLOCK.now())
    _tell(loaded, to.list_id, json=json)
    if loaded.refused_count:
        raise typer.Exit(1)


def _tell(loaded: "Loaded", list_id: str, *, json: bool) -> None:
    if json:
        say.as_json(
            {
                "list_id": list_id,
                "added": loaded.added,
                "changed": loaded.changed,
                "unchanged": loaded.unchanged,
                "refused_count": loaded.refused_count,
                "refused": [{"line": number, "reason": reason} for number, reason in loaded.refused],
            }
        )
        return
    for number, reason in loaded.refused:
        say.aside(f"line {number}: {reason}")
    if loaded.refused_count > len(loaded.refused):
        say.aside(f"and {loaded.refused_count - len(loaded.refused):,} more lines")
    counts = [f"{loaded.added:,} added to {list_id}"]
    counts += [f"{loaded.changed:,} changed"] * bool(loaded.changed)
    counts += [f"{loaded.unchanged:,} on it already"] * bool(loaded.unchanged)
    counts += [f"{loaded.refused_count:,} refused"] * bool(loaded.refused_count)
    say.line(", ".join(counts))


def _address(text: str) -> "Address":
    from gateway.model.address import MalformedAddress, parse_address  # noqa: PLC0415 - heavy

    try:
        return parse_address(text)
    except MalformedAddress as error:
        raise say.Refused(f"{text}: {error}") from error


def _check_source(source: str) -> None:
    """Consent without evidence proves nothing."""
    if not source.strip() or "\0" in source:
        raise typer.BadParameter("say where and when they said yes", param_hint="--source")


def _as_values(one: "Shown") -> dict[str, Any]:
    return {
        "address": one.address,
        "list_id": one.list_name,
        "state": str(one.state),
        "basis": str(one.basis),
        "source": one.source,
        "created_at": say.iso(one.created_at),
        "changed_at": say.iso(one.changed_at),
    }
