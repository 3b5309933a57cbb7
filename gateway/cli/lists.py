"""``consentry list``: the subscription lists of accounts."""

from html import escape
from typing import Annotated
from urllib.parse import quote

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


@app.command("set")
def describe(
    ctx: typer.Context,
    account: Account,
    list_id: ListId,
    *,
    name: Annotated[str | None, typer.Option(help="What readers call it.")] = None,
    description: Annotated[
        str | None, typer.Option(help="What one subscribes to; its form and letter say it.")
    ] = None,
    frequency: Annotated[str | None, typer.Option(help='How often it comes, such as "weekly".')] = None,
    language: Annotated[
        str | None, typer.Option(help='Of its footer, such as "de"; "": the one of policy.toml.')
    ] = None,
    json: Json = False,
) -> None:
    """Say what a list is about, how often it comes, and in which language."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    given = {"name": name, "description": description, "frequency": frequency, "language": language}
    words = {key: text for key, text in given.items() if text is not None}
    with opened(ctx) as house:
        now = house.registry.describe_list(account, list_id, words)
    said = {key: getattr(now, key) for key in given}
    if json:
        say.as_json({"account": account, "list_id": now.list_id, **said})
    else:
        say.pairs({"list": now.list_id, **said})


@app.command()
def form(ctx: typer.Context, account: Account, list_id: ListId) -> None:
    """Print the form by which people join a list: plain HTML for any page."""
    from gateway.cli.configured import config_file, read  # noqa: PLC0415 - heavy
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of, list_of  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = list_of(account_of(house, account), list_id)
    place = f"{account}/{quote(found.list_id, safe='')}"
    url = f"{read(config_file(ctx)).settings.web.public_url}/subscribe/{place}"
    say.line(_FORM.format(url=escape(url)).strip())


_FORM = """
<form method="post" action="{url}">
  <label>E-mail <input type="email" name="email" required autocomplete="email"></label>
  <div style="position:absolute;left:-100vw" aria-hidden="true">
    <label>Website <input name="website" tabindex="-1" autocomplete="off"></label>
  </div>
  <button>Subscribe</button>
</form>
"""


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
