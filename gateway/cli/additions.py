"""``consentry additions``: accounts whose additions by the API look as if nobody had asked for them."""

from typing import Annotated

import typer

from gateway.cli import say

app = typer.Typer(help="The watch over single additions by the API.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]


@app.command()
def show(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """Say whether an account's additions are held, and why."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy
    from gateway.store.additions import Additions  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        held = Additions(house.store, house.keyring).held(account_of(house, account).id)
    if json:
        say.as_json(
            {
                "account": account,
                "held": held is not None,
                "since": say.iso(held.since) if held else None,
                "signs": list(held.signs) if held else [],
                "additions": held.additions if held else 0,
            }
        )
    elif held is None:
        say.line(f"additions of {account} are taken as they come")
    else:
        say.line(f"additions of {account} look like a list since {say.when(held.since)}")
        say.line(f"signs: {', '.join(held.signs)}, in {held.additions} additions of an hour")


@app.command()
def clear(ctx: typer.Context, account: Account) -> None:
    """Take an account's additions as they come again; the watch begins anew."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, actor  # noqa: PLC0415 - heavy
    from gateway.store.additions import Additions  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        additions = Additions(house.store, house.keyring)
        before = additions.clear(account_of(house, account).id, actor(), CLOCK.now())
    if before is None:
        say.line(f"additions of {account} were not held")
    else:
        say.line(f"additions of {account} are taken as they come again")
