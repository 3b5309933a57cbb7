"""``consentry domain``: the domains that accounts send as."""

from typing import Annotated

import typer

from gateway.cli import say

app = typer.Typer(help="The domains that accounts send as.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help='An account, or "provider".')]
Domain = Annotated[str, typer.Argument(metavar="DOMAIN")]


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    domain: Domain,
    *,
    verified: Annotated[
        bool, typer.Option("--verified", help="The account has proved that it is theirs.")
    ] = False,
    json: Json = False,
) -> None:
    """Register a sending domain for an account."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        added = house.registry.add_domain(account, domain, verified, CLOCK.now())
    if json:
        say.as_json({"account": account, "name": added.name, "verified_at": say.iso(added.verified_at)})
        return
    say.line(f"domain {added.name} added to {account}")
    if not verified:
        say.aside(
            f'It is not verified: mail from it is refused until "consentry domain verify {added.name}".'
        )


@app.command()
def verify(ctx: typer.Context, domain: Domain, json: Json = False) -> None:
    """Record that the account has proved the domain to be its own."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = house.registry.verify_domain(domain, CLOCK.now())
    if json:
        say.as_json({"name": found.name, "verified_at": say.iso(found.verified_at)})
    else:
        say.line(f"domain {found.name} is verified")


@app.command("list")
def listing(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """List an account's domains and their DKIM selectors."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = house.registry.domains(account)
        keys = {one.name: house.dkim_keys.shown(one.name) for one in found}
    if json:
        say.as_json(
            [
                {
                    "name": one.name,
                    "verified_at": say.iso(one.verified_at),
                    "selectors": [key.selector for key in keys[one.name] if key.active],
                }
                for one in found
            ]
        )
        return
    if not found:
        say.line(f"{account} has no domain yet")
        return
    say.table(
        ["DOMAIN", "VERIFIED", "DKIM SELECTORS"],
        (
            [
                one.name,
                say.when(one.verified_at) if one.verified_at else "no",
                " ".join(f"{key.selector} ({key.algorithm})" for key in keys[one.name] if key.active)
                or "none",
            ]
            for one in found
        ),
    )
