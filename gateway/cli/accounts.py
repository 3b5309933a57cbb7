"""``consentry account``: the tenants."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.cli.opened import Opened
    from gateway.model.facts import Account
    from gateway.model.rate import Rate

app = typer.Typer(help="The tenants.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account; it is the SMTP user too.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


class Consent(StrEnum):
    """The weakest basis that is enough."""

    CONFIRMED = "confirmed"
    ASSERTED = "asserted"


class OverQuota(StrEnum):
    """What becomes of mail above the rates."""

    REFUSE = "refuse"
    SHAPE = "shape"


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    consent: Annotated[
        Consent,
        typer.Option(help="What is enough to be written to: double opt-in, or the tenant's statement too."),
    ] = Consent.CONFIRMED,
    rate: Annotated[
        list[str] | None,
        typer.Option(help='Recipients, as "100/s" or "10,000/h"; several must all be kept.', metavar="RATE"),
    ] = None,
    burst: Annotated[int, typer.Option(help="Recipients at once; 0: one period's.", min=0)] = 0,
    over_quota: Annotated[
        OverQuota, typer.Option(help="Answer 451 above the rates, or take the mail and send it later.")
    ] = OverQuota.REFUSE,
    json: Json = False,
) -> None:
    """Add an account. Without --password-stdin the password is asked for, or made and shown once."""
    from gateway.cli import passwords  # noqa: PLC0415 - heavy
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.model import facts  # noqa: PLC0415 - heavy

    rates = _rates(rate or [])
    given = passwords.from_stdin() if password_stdin else passwords.asked_for()
    password = given or passwords.generated()
    with opened(ctx) as house:
        account = house.registry.add_account(
            name,
            password,
            facts.ConsentLevel(consent),
            rates,
            burst,
            facts.OverQuota(over_quota),
            CLOCK.now(),
        )
        values = as_values(house, account)
    if json:
        say.as_json(values if given else {**values, "password": password})
        return
    say.line(f"account {name} added")
    if not given:
        say.line(f"password: {password}")
        say.aside("The password is not kept and not shown again.")


@app.command()
def show(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Show an account with its domains and lists."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        account = account_of(house, name)
        values = as_values(house, account)
    if json:
        say.as_json(values)
        return
    say.pairs(
        {
            "account": account.name,
            "state": _state(account),
            "consent": str(account.consent),
            "rates": _rates_text(account),
            "terms": account.terms or "none accepted",
            "domains": "\n".join(_domain_text(one) for one in values["domains"]) or "none",
            "lists": "\n".join(_list_text(one) for one in values["lists"]) or "none",
        }
    )


@app.command("list")
def listing(ctx: typer.Context, json: Json = False) -> None:
    """List all accounts."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        accounts = house.registry.accounts()
        values = [as_values(house, account) for account in accounts] if json else []
    if json:
        say.as_json(values)
        return
    if not accounts:
        say.line('there is no account yet: "consentry account add NAME"')
        return
    say.table(
        ["NAME", "STATE", "CONSENT", "RATES", "DOMAINS", "LISTS"],
        (
            [
                account.name,
                _state(account),
                str(account.consent),
                _rates_text(account),
                " ".join(sorted(account.domains)) or "none verified",
                " ".join(one.list_id for one in account.lists) or "none",
            ]
            for account in accounts
        ),
    )


@app.command()
def brand(
    ctx: typer.Context,
    name: Name,
    *,
    colour: Annotated[
        str | None, typer.Option(help='The colour of buttons and links, as "#0c5a55".', metavar="COLOUR")
    ] = None,
    logo: Annotated[
        Path | None,
        typer.Option(help="A PNG, JPEG or WebP of 64 KiB and 2000 pixels at most.", metavar="FILE"),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Look as everybody does.")] = False,
    json: Json = False,
) -> None:
    """Show or set how an account's pages look: its colour, as far as it can be read, and its logo."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy
    from gateway.model.picture import BadPicture  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        account_of(house, name)
        try:
            octets = None if logo is None else logo.read_bytes()
            if clear:
                house.brands.clear(name)
            else:
                house.brands.set(name, colour, octets)
        except (BadPicture, OSError) as error:
            raise say.Refused(f"{logo}: {error}") from error
        found = house.brands.show(name)
    values = {
        "colour": found.colour or None,
        "logo": found.media_type or None,
        "width": found.width,
        "height": found.height,
    }
    if json:
        say.as_json(values)
        return
    size = f"{found.media_type}, {found.width} by {found.height} pixels"
    say.pairs({"colour": found.colour or "none", "logo": size if found.media_type else "none"})


@app.command()
def suspend(
    ctx: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; the tenant hears it in the reply to MAIL.")],
    json: Json = False,
) -> None:
    """Stop an account's mail within a second; what is queued is held, not lost."""
    _set_state(ctx, name, "suspended", reason, json=json)


@app.command()
def reinstate(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Let an account send again; what was held goes on."""
    _set_state(ctx, name, "active", "", json=json)


def as_values(house: "Opened", account: "Account") -> dict[str, Any]:
    """Return an account as programs read it."""
    return {
        "id": account.id,
        "name": account.name,
        "state": str(account.state),
        "state_reason": account.state_reason,
        "consent": str(account.consent),
        "rates": [str(rate) for rate in account.rates],
        "burst": account.burst,
        "over_quota": str(account.over_quota),
        "domains": [
            {"name": domain.name, "verified_at": say.iso(domain.verified_at)}
            for domain in house.registry.domains(account.name)
        ],
        "lists": [
            {"list_id": one.list_id, "name": one.name, "default": one == account.default_list}
            for one in account.lists
        ],
        "terms": account.terms or None,
        "terms_accepted_at": say.iso(account.terms_accepted_at),
        "erase_at": say.iso(account.erase_at),
    }


def _rates(texts: list[str]) -> "tuple[Rate, ...]":
    from gateway.model.rate import BadRate, parse_rate  # noqa: PLC0415 - heavy

    try:
        return tuple(parse_rate(text) for text in texts)
    except BadRate as error:
        raise typer.BadParameter(str(error), param_hint="--rate") from error


def _set_state(ctx: typer.Context, name: str, state: str, reason: str, *, json: bool) -> None:
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, actor  # noqa: PLC0415 - heavy
    from gateway.model.facts import AccountState  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        before = account_of(house, name)
        account = house.registry.set_state(name, AccountState(state), reason, actor(), CLOCK.now())
        values = as_values(house, account)
    if json:
        say.as_json(values)
    elif before.state == account.state and state == "active":
        say.line(f"account {name} was active already")
    else:
        say.line(f"account {name} is {_state(account)}")


def _state(account: "Account") -> str:
    until = f", erased from {say.when(account.erase_at)} on" if account.erase_at is not None else ""
    return f"{account.state}{f': {account.state_reason}' if account.state_reason else ''}{until}"


def _rates_text(account: "Account") -> str:
    if not account.rates:
        return "no limit"
    text = ", ".join(str(rate) for rate in account.rates)
    burst = f", burst {account.burst:,}" if account.burst else ""
    return f"{text}{burst}, then {account.over_quota}"


def _domain_text(domain: dict[str, Any]) -> str:
    return f"{domain['name']}{'' if domain['verified_at'] else ' (not verified)'}"


def _list_text(one: dict[str, Any]) -> str:
    name = f" ({one['name']})" if one["name"] else ""
    return f"{one['list_id']}{name}{', the default' if one['default'] else ''}"
