"""``consentry account cancel|restore|terms``: how an account ends, and what it accepts before."""

from typing import Annotated

import typer

from gateway.cli import say
from gateway.cli.accounts import Json, Name, as_values


def cancel(
    ctx: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, for the record; the tenant is told.")],
    grace: Annotated[
        str,
        typer.Option(help='How long it can be restored, as "30 days"; "0": not at all.', metavar="DURATION"),
    ] = "",
    json: Json = False,
) -> None:
    """Stop an account at once, and erase all of it when the grace period is over."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, actor  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        account_of(house, name)
        seconds = _seconds(grace) if grace else house.settings.accounts.grace
        account = house.endings.cancel(name, reason, actor(), seconds, CLOCK.now())
        values = as_values(house, account)
    if json:
        say.as_json(values)
        return
    say.line(f"account {name} is cancelled: {reason}")
    say.line("It sends nothing, and nobody logs in; the links in the mail that it has sent work on.")
    if seconds:
        say.line(f"Until {say.when(account.erase_at or 0.0)} it can be restored: account restore {name}")
        say.line("Then everything of it is erased.")
    else:
        say.line('Everything of it is erased now, by the running gateway: "consentry account erased".')


def restore(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Put a cancelled account back as it was; what is queued goes on."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, actor  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        account_of(house, name)
        account = house.endings.restore(name, actor(), CLOCK.now())
        values = as_values(house, account)
    if json:
        say.as_json(values)
    else:
        say.line(f"account {name} is restored: it is {account.state}")


def terms(
    ctx: typer.Context,
    name: Name,
    accept: Annotated[
        str, typer.Option(help="Record that the account has accepted this version.", metavar="VERSION")
    ] = "",
    json: Json = False,
) -> None:
    """Show or record which version of the provider's terms an account has accepted."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, actor  # noqa: PLC0415 - heavy

    current, required = _in_force(ctx)
    with opened(ctx) as house:
        account = account_of(house, name)
        if accept:
            _check_version(accept, current)
            account = house.endings.accept_terms(name, accept, actor(), CLOCK.now())
    accepted = bool(account.terms) and account.terms == current
    if json:
        say.as_json(
            {
                "accepted": account.terms or None,
                "accepted_at": say.iso(account.terms_accepted_at),
                "current": current or None,
                "required": required,
            }
        )
        return
    when = f", on {say.when(account.terms_accepted_at)}" if account.terms_accepted_at else ""
    say.pairs(
        {
            "accepted": f"{account.terms}{when}" if account.terms else "none",
            "in force": current or "none: [terms] version of policy.toml says so",
            "sends": "yes" if accepted or not required else f"not before it accepts {current}",
        }
    )


def _check_version(version: str, current: str) -> None:
    if not current:
        raise say.Refused("no terms are in force: set [terms] version in policy.toml")
    if version != current:
        raise say.Refused(f"the terms in force are {current}, not {version}")


def _in_force(ctx: typer.Context) -> tuple[str, bool]:
    """Return the version of [terms] in policy.toml, and whether it is required."""
    from gateway.cli.configured import config_file, read  # noqa: PLC0415 - heavy

    table = read(config_file(ctx)).loaded.policy.get("terms", {})
    return str(table.get("version", "")), bool(table.get("required", False))


def _seconds(text: str) -> float:
    from gateway.settings.units import duration  # noqa: PLC0415 - heavy

    try:
        return float(str(duration(text)))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--grace") from error
