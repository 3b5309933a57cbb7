"""``consentry apikey``: the keys by which programs of accounts use the API."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.store.api_keys import ShownApiKey

app = typer.Typer(help="The keys by which programs of accounts use the API.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]


class Scope(StrEnum):
    """What a key may be for."""

    EVENTS_READ = "events:read"
    LISTS_READ = "lists:read"
    LISTS_WRITE = "lists:write"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    NEWSLETTERS_READ = "newsletters:read"


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    *,
    name: Annotated[str, typer.Option(help="What it is for; shown in listings.")] = "",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do; several are allowed. Default: events:read.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key and show it, once."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy
    from gateway.model import api_key  # noqa: PLC0415 - heavy

    scopes = frozenset(api_key.Scope(one) for one in scope or [Scope.EVENTS_READ])
    with opened(ctx) as house:
        owner = account_of(house, account)
        key = house.api_keys.add(owner.id, name, scopes, CLOCK.now())
    if json:
        say.as_json({"id": key.id, "account": account, "key": str(key), "scopes": sorted(scopes)})
        return
    say.line(f"API key {key.id} of {account} may {', '.join(sorted(scopes))}")
    say.line(f"key: {key}")
    say.aside("The key is not kept and not shown again.")


@app.command("list")
def listing(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """List an account's keys, revoked ones too."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = house.api_keys.of_account(account_of(house, account).id)
    if json:
        say.as_json([_as_values(one) for one in found])
        return
    if not found:
        say.line(f"{account} has no API key yet")
        return
    say.table(
        ["ID", "NAME", "SCOPES", "MADE", "LAST USED", "STATE"],
        (
            [
                one.id,
                one.name,
                " ".join(one.scopes),
                say.when(one.created_at),
                say.when(one.used_at) if one.used_at else "never",
                f"revoked {say.when(one.revoked_at)}" if one.revoked_at else "good",
            ]
            for one in found
        ),
    )


@app.command()
def revoke(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As the listing shows it.")],
    json: Json = False,
) -> None:
    """Let a key be good for nothing, within a second."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        before = house.api_keys.revoke(key_id, CLOCK.now())
        after = next(one for one in house.api_keys.of_account(before.account_id) if one.id == key_id)
    if json:
        say.as_json(_as_values(after))
    elif before.revoked_at:
        say.line(f"API key {key_id} was revoked already")
    else:
        say.line(f"API key {key_id} is revoked")


def _as_values(one: "ShownApiKey") -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "scopes": list(one.scopes),
        "created_at": say.iso(one.created_at),
        "used_at": say.iso(one.used_at),
        "revoked_at": say.iso(one.revoked_at),
    }
