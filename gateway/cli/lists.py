"""``consentry list``: the subscription lists of accounts."""

from typing import Annotated

import typer

from gateway.cli import say

app = typer.Typer(help="The subscription lists of accounts.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]
ListId = Annotated[
    str, typer.Argument(metavar="LIST-ID", help="Without brackets, as news.example.com (RFC 2919).")
]


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    list_id: ListId,
    *,
    name: Annotated[str, typer.Option(help="What readers call it; it stands in footers and pages.")] = "",
    default: Annotated[
        bool, typer.Option("--default", help="Messages that name no list go to this one.")
    ] = False,
    json: Json = False,
) -> None:
    """Add a list to an account."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        added = house.registry.add_list(account, list_id, name, default)
    if json:
        say.as_json({"account": account, "list_id": added.list_id, "name": added.name, "default": default})
    else:
        say.line(f"list {added.list_id} added to {account}{', as its default list' if default else ''}")


@app.command("list")
def listing(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """List an account's lists."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        owner = account_of(house, account)
    if json:
        say.as_json(
            [
                {"list_id": one.list_id, "name": one.name, "default": one == owner.default_list}
                for one in owner.lists
            ]
        )
        return
    if not owner.lists:
        say.line(f"{account} has no list yet")
        return
    rows = ([one.list_id, one.name, "yes" if one == owner.default_list else ""] for one in owner.lists)
    say.table(["LIST-ID", "NAME", "DEFAULT"], rows)


@app.command("default")
def set_default(ctx: typer.Context, account: Account, list_id: ListId, json: Json = False) -> None:
    """Let messages that name no list go to this one."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        house.registry.set_default_list(account, list_id)
    if json:
        say.as_json({"account": account, "list_id": list_id, "default": True})
    else:
        say.line(f"{list_id} is the default list of {account}")
