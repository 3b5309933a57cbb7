"""``consentry init``: a folder from which a gateway runs."""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.cli.house import Plan
    from gateway.settings.units import Endpoint


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder; it is made where it is missing.")
    ],
    *,
    hostname: Annotated[
        str, typer.Option(help="Our name in SMTP.  [default: this machine's]", show_default=False)
    ] = "",
    smtp: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where tenants hand in mail.")
    ] = "127.0.0.1:2525",
    inbound: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where mail for our own mailboxes comes in.")
    ] = "127.0.0.1:2526",
    web: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the pages are.")] = "127.0.0.1:8080",
    metrics: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where metrics and health are.")
    ] = "127.0.0.1:9095",
    smarthost: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The next hop.", show_default=False)
    ] = "",
    public_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="What links in mail begin with.  [default: http://WEB on loopback, else https://HOSTNAME]",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Write both config files, the secrets, and a self-signed certificate for STARTTLS."""
    from gateway.cli import house  # noqa: PLC0415 - heavy

    name = hostname or house.own_name()
    pages = _endpoint("--web", web)
    plan = house.Plan(
        folder.absolute(),
        name,
        _endpoint("--smtp", smtp),
        _endpoint("--inbound", inbound),
        pages,
        _endpoint("--metrics", metrics),
        _endpoint("--smarthost", smarthost) if smarthost else None,
        public_url or house.default_url(pages, name),
    )
    house.build(plan, datetime.now(UTC))
    _say_what_next(plan)


def _endpoint(option: str, text: str) -> "Endpoint":
    from gateway.settings.units import Endpoint, endpoint  # noqa: PLC0415 - heavy

    try:
        found = endpoint(text)
    except ValueError as error:
        raise typer.BadParameter(f'{text!r} is no address: write "HOST:PORT"', param_hint=option) from error
    assert isinstance(found, Endpoint)
    return found


def _say_what_next(plan: "Plan") -> None:
    command = f"consentry --config {shlex.quote(str(plan.config))}"
    say.line(f"{plan.folder} is ready to run a gateway:")
    say.line()
    say.pairs(
        {
            "  gateway.toml": "the gateway's settings, each key with its reason",
            "  policy.toml": "the rules for mail",
            "  secrets/": "keys; keep a copy elsewhere: without master.key every address is lost",
            "  tls/": f"a self-signed certificate for {plan.hostname}; put a real one in its place",
            "  state/": "the store and the queue",
        }
    )
    if plan.smarthost is None:
        say.line()
        say.warning("no next hop is set: name one in [[relay.smarthost]] of gateway.toml")
    say.line()
    say.line("Next:")
    for step in (
        "account add NAME",
        "domain add NAME example.com --verified",
        "dkim generate example.com --selector s1",
        "list add NAME news.example.com --default",
        "list form NAME news.example.com",
        "run",
    ):
        say.line(f"  {command} {step}")
    say.line()
    say.line("Whoever fills that form in, and says yes to the letter that comes, may be written to.")
