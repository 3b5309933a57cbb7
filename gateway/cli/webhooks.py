"""``consentry webhook``: where accounts are told what happens."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.model.notice import NoticeType
    from gateway.model.webhook import Webhook
    from gateway.settings.schema import WebhooksSection
    from gateway.webhooks.post import Outcome

app = typer.Typer(help="Where accounts are told what happens.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As the listing shows it.")]


@app.command()
def add(
    ctx: typer.Context,
    account: Account,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to POST to; https.")],
    *,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="What to tell, as subscription.unsubscribed; several. Default: all."),
    ] = None,
    json: Json = False,
) -> None:
    """Tell a URL what happens from now on; shows the secret that signs, once."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    wanted = _types(types or [])
    with opened(ctx) as house:
        owner = account_of(house, account)
        made = house.webhooks.add(owner.id, url, wanted, CLOCK.now())
    if json:
        say.as_json(_as_values(made) | {"secret": made.secret_text})
        return
    say.line(f"webhook {made.id} of {account} is told {_what(made)}")
    say.line(f"secret: {made.secret_text}")
    say.aside(f'The secret is not shown again. Try it: "consentry webhook test {made.id}".')


@app.command("list")
def listing(ctx: typer.Context, account: Account, json: Json = False) -> None:
    """List an account's webhooks, and how they fare."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        found = house.webhooks.of_account(account_of(house, account).id)
    if json:
        say.as_json([_as_values(one) for one in found])
        return
    if not found:
        say.line(f"{account} has no webhook yet")
        return
    say.table(
        ["ID", "URL", "TYPES", "LAST WORKED", "STATE"],
        (
            [
                one.id,
                one.url,
                _what(one),
                say.when(one.told_at) if one.told_at else "never",
                _state(one),
            ]
            for one in found
        ),
    )


@app.command()
def remove(ctx: typer.Context, which: Id, json: Json = False) -> None:
    """Tell a webhook nothing more."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        house.webhooks.remove(which)
    if json:
        say.as_json({"id": which, "removed": True})
    else:
        say.line(f"webhook {which} is removed")


@app.command()
def enable(ctx: typer.Context, which: Id, json: Json = False) -> None:
    """Try a webhook again now, from where it was: one that was given up, or one that waits."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        before = house.webhooks.enable(which)
        after = house.webhooks.find(which)
    if json:
        say.as_json(_as_values(after))
    else:
        was = "was given up" if before.state != after.state else f"had failed {before.failures} times"
        say.line(f"webhook {which} {was} and is tried again")


@app.command()
def rotate(ctx: typer.Context, which: Id, json: Json = False) -> None:
    """Give a webhook a new secret, shown once; the old one signs beside it for a day."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        after = house.webhooks.rotate(which, CLOCK.now())
    until = max(one.until for one in after.retired)
    if json:
        say.as_json(_as_values(after) | {"secret": after.secret_text, "old_secret_until": say.iso(until)})
        return
    say.line(f"webhook {which} has a new secret; the old one signs too until {say.when(until)}")
    say.line(f"secret: {after.secret_text}")
    say.aside("The secret is not shown again. Until then a receiver may have either.")


@app.command("test")
def try_out(ctx: typer.Context, which: Id, json: Json = False) -> None:
    """Send a webhook.test now, once, and say what the receiver made of it."""
    import asyncio  # noqa: PLC0415 - heavy

    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.webhooks.post import NotTaken  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        webhook, settings = house.webhooks.find(which), house.settings.webhooks
    outcome = asyncio.run(_attempt(webhook, settings))
    if isinstance(outcome, NotTaken):
        if json:
            say.as_json({"id": which, "taken": False, "why": outcome.why})
            raise typer.Exit(1)
        raise say.Refused(f"webhook {which} has not taken it: {outcome.why}")
    if json:
        say.as_json({"id": which, "taken": True, "why": None})
    else:
        say.line(f"webhook {which} has taken it: HTTP {outcome.status}")


async def _attempt(webhook: "Webhook", settings: "WebhooksSection") -> "Outcome":
    from gateway.cli.opened import CLOCK, ENTROPY  # noqa: PLC0415 - heavy
    from gateway.model.identity import new_id  # noqa: PLC0415 - heavy
    from gateway.model.notice import test_notice  # noqa: PLC0415 - heavy
    from gateway.webhooks.post import Post  # noqa: PLC0415 - heavy

    now = CLOCK.now()
    post = Post(lambda: settings)
    try:
        return await post.attempt(webhook, test_notice(new_id(now, ENTROPY.octets(10)), now, webhook.id), now)
    finally:
        await post.close()


def _types(texts: list[str]) -> "frozenset[NoticeType]":
    from gateway.model.notice import ALL, NoticeType  # noqa: PLC0415 - heavy
    from gateway.settings.reasons import meant  # noqa: PLC0415 - heavy

    known = sorted(ALL)
    for text in texts:
        if text not in known:
            near = meant(text, known) or f"; there are {', '.join(known)}"
            raise typer.BadParameter(f"{text} is no type{near}", param_hint="--type")
    return frozenset(NoticeType(text) for text in texts)


def _what(one: "Webhook") -> str:
    return " ".join(sorted(one.types)) or "everything"


def _state(one: "Webhook") -> str:
    if one.state == "disabled":
        return f"given up: {one.failure}"
    if not one.failures:
        return "well"
    return f"failing since {say.when(one.failing_since or 0)}: {one.failure}; tried {say.when(one.due_at)}"


def _as_values(one: "Webhook") -> dict[str, Any]:
    return {
        "id": one.id,
        "url": one.url,
        "types": sorted(one.types),
        "state": str(one.state),
        "failures": one.failures,
        "failing_since": say.iso(one.failing_since),
        "failure": one.failure or None,
        "due_at": say.iso(one.due_at) if one.failures else None,
        "told_at": say.iso(one.told_at),
        "created_at": say.iso(one.created_at),
    }
