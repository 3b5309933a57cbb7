"""``consentry queue``: what waits, and moving it. ID is a message's, or a delivery's (``ID.NUMBER``)."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say

if TYPE_CHECKING:
    from gateway.spool.operate import Listed, QueueDesk, Wish

app = typer.Typer(help="What waits to be sent, and moving it.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A message, or one delivery of it: ID.NUMBER.")]
Change = Callable[["QueueDesk", str, int | None], Sequence["Wish"]]


@app.command("list")
def listing(
    ctx: typer.Context,
    account: Annotated[
        str, typer.Option(help="Only this account's; provider: our own.", metavar="NAME")
    ] = "",
    state: Annotated[str, typer.Option(help="Only queued, active or held ones.", metavar="STATE")] = "",
    limit: Annotated[int, typer.Option(help="At most this many.", min=1)] = 100,
    json: Json = False,
) -> None:
    """List deliveries that are not settled, oldest first."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_names, number_of  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        owner = number_of(house, account) if account else None
        found = house.queue.listing(account_id=owner, state=_state(state), limit=limit)
        names = account_names(house)
        now = _now()
    if json:
        say.as_json([as_values(one, names) for one in found])
        return
    if not found:
        say.line("the queue is empty" if not (account or state) else "no such delivery waits")
        return
    headings = ["ID", "ACCOUNT", "STATE", "AGE>", "TRIES>", "NEXT TRY", "SIZE>", "RECIPIENT", "LAST REPLY"]
    say.table(headings, [_row(one, names, now) for one in found])
    if len(found) == limit:
        say.aside(f"there may be more than these {limit}: --limit N")


@app.command()
def show(ctx: typer.Context, identity: Id, json: Json = False) -> None:
    """Show deliveries in full."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_names  # noqa: PLC0415 - heavy

    submission, number = split(identity)
    with opened(ctx) as house:
        found = house.queue.show(submission, number)
        names = account_names(house)
        now = _now()
    if not found:
        raise say.Refused(
            f"{identity} is not in the queue; consentry explain {submission} tells what became of it"
        )
    if json:
        say.as_json([as_values(one, names) for one in found])
        return
    for index, one in enumerate(found):
        if index:
            say.line()
        say.pairs(described(one, names, now))


@app.command()
def retry(ctx: typer.Context, identity: Id, json: Json = False) -> None:
    """Try now, whenever the next try was due; held ones too."""
    _change(ctx, identity, lambda queue, *which: queue.retry(*which), "is tried now", json=json)


@app.command()
def hold(ctx: typer.Context, identity: Id, json: Json = False) -> None:
    """Stop deliveries until they are released."""
    _change(ctx, identity, lambda queue, *which: queue.hold(*which), "is held", json=json)


@app.command()
def release(ctx: typer.Context, identity: Id, json: Json = False) -> None:
    """Let held deliveries go on."""
    _change(ctx, identity, lambda queue, *which: queue.release(*which), "goes on", json=json)


@app.command()
def drop(ctx: typer.Context, identity: Id, json: Json = False) -> None:
    """Throw deliveries away; one that is being sent is not tried again after this try."""
    _change(ctx, identity, lambda queue, *which: queue.drop(*which), "is thrown away", json=json)


def split(identity: str) -> tuple[str, int | None]:
    """Return the message's id and the delivery's number; wrong usage where it is none."""
    from gateway.model.identity import split_delivery_id  # noqa: PLC0415 - heavy

    try:
        return split_delivery_id(identity)
    except ValueError as error:
        hint = (
            "an ID has 26 letters and digits, as in the reply to the message; a delivery has .NUMBER after it"
        )
        raise typer.BadParameter(f"{identity!r} is none: {hint}", param_hint="ID") from error


def as_values(one: "Listed", names: dict[int, str]) -> dict[str, Any]:
    """Return a delivery as programs read it."""
    return {
        "id": one.id,
        "account": names.get(one.account_id),
        "state": str(one.state),
        "recipient": one.recipient,
        "attempts": one.attempts,
        "received_at": say.iso(one.received_at),
        "next_try_at": say.iso(one.due_at) if one.state == "queued" else None,
        "size": one.size,
        "last_reply": one.last_reply,
        "hold_reason": one.hold_reason,
        "spoiled": one.spoiled,
        "shard": one.shard,
    }


def described(one: "Listed", names: dict[int, str], now: float) -> dict[str, str]:
    """Return a delivery as people read it, field by field."""
    fields = {
        "delivery": one.id,
        "account": names.get(one.account_id, f"number {one.account_id}, which is gone"),
        "recipient": one.recipient,
        "sender": _sender(one),
        "state": f"{one.state} ({one.hold_reason})" if one.hold_reason else str(one.state),
        "received": f"{say.when(one.received_at)}, {say.ago(one.age)} ago",
        "tries": str(one.attempts),
        "next try": next_try(one, now),
        "size": say.size(one.size),
        "last reply": one.last_reply,
        "unreadable": one.spoiled,
    }
    return {name: value for name, value in fields.items() if value}


def next_try(one: "Listed", now: float) -> str:
    """Say when a delivery is tried again."""
    match str(one.state):
        case "queued" if one.due_at <= now:
            return "now"
        case "queued":
            return f"in {say.ago(one.due_at - now)}"
        case "active":
            return "being sent"
        case "doomed":
            return "being sent, then never"
        case _:
            return "when it is released"


def _sender(one: "Listed") -> str:
    if one.delivery is None:
        return ""
    return str(one.delivery.submission.sender.address or "<>")


def _row(one: "Listed", names: dict[int, str], now: float) -> list[str]:
    state = f"{one.state} ({one.hold_reason})" if one.hold_reason else str(one.state)
    account = names.get(one.account_id, f"#{one.account_id}")
    tail = [next_try(one, now), say.size(one.size), one.recipient, one.last_reply or one.spoiled]
    return [one.id, account, state, say.ago(one.age), str(one.attempts), *tail]


def _state(text: str) -> Any:
    from gateway.model.delivery import SETTLED, DeliveryState  # noqa: PLC0415 - heavy

    known = [state for state in DeliveryState if state not in SETTLED]
    if text and text not in known:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(known)}", param_hint="--state")
    return DeliveryState(text) if text else None


def _now() -> float:
    from gateway.cli.opened import CLOCK  # noqa: PLC0415 - heavy

    return CLOCK.now()


def _change(ctx: typer.Context, identity: str, change: Change, done: str, *, json: bool) -> None:
    """Ask for a move, and say for each delivery what became of it; refused where none was moved."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        wishes = change(house.queue, *split(identity))
    if json:
        say.as_json(
            [{"id": wish.id, "answer": str(wish.answer), "done": wish.answer == "done"} for wish in wishes]
        )
    for wish in wishes:
        if not json and (wish.is_granted or len(wishes) > 1):
            say.line(f"{wish.id} {done if wish.answer == 'done' else wish.answer}")
    if not any(wish.is_granted for wish in wishes):
        raise say.Refused(f"{identity} {wishes[0].answer}; nothing was changed")
