"""``consentry person``: what is known of one person at all accounts, and its erasure.

For the operator who answers a request of GDPR articles 15 and 17 (docs/howto/answer-a-person.md).
"""

import sqlite3
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import say
from gateway.cli.queue import as_values as copy_values

if TYPE_CHECKING:
    from gateway.app.ending import Means
    from gateway.cli.opened import Opened
    from gateway.model.events import Event
    from gateway.store.person import Person
    from gateway.store.person_file import Known

app = typer.Typer(help="One person at all accounts: what is known, and its erasure.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Who = Annotated[str, typer.Argument(metavar="ADDRESS", help="Their address.")]
_PATIENCE = 15.0  # seconds for copies that are on the wire


@app.command()
def show(ctx: typer.Context, address: Who, json: Json = False) -> None:
    """Show all that is known of a person: lists, states, letters, queued mail, events that name them."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_names  # noqa: PLC0415 - heavy
    from gateway.store.account_eraser import Pace  # noqa: PLC0415 - heavy
    from gateway.store.person_eraser import PersonEraser  # noqa: PLC0415 - heavy
    from gateway.store.person_file import PersonFile  # noqa: PLC0415 - heavy

    with opened(ctx) as house:
        person = _person(house, address)
        file = PersonFile(house.store, house.keyring)
        names = account_names(house)
        events = PersonEraser(house.store, house.keyring, Pace()).events_of(person)
        copies = [copy_values(one, names) for one in house.queue.listing_of(person.is_them)]
        found: dict[str, Any] = {
            "address": str(person.address),
            "asked_at": say.iso(CLOCK.now()),
            "accounts": [_known(one) for one in file.everywhere(person)],
            "queue": copies,
            "events": [_event(one, names) for one in events],
            "do_not_mail": file.do_not_mail(person),
            "no_invitations_since": say.iso(file.wants_no_invitations(person)),
        }
    if json:
        say.as_json(found)
    else:
        _tell(found)


@app.command()
def erase(
    ctx: typer.Context,
    address: Who,
    *,
    account: Annotated[str, typer.Option(help="Only at this account.", metavar="NAME")] = "",
    keep_do_not_mail: Annotated[
        bool,
        typer.Option("--keep-do-not-mail", help="Keep a hash of them: no tenant brings them back."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Erase a person: subscriptions, letters, queued copies, what events say of them. It cannot be undone."""
    from gateway.cli.opened import CLOCK, opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_of  # noqa: PLC0415 - heavy

    if not yes:
        typer.confirm(f"Erase {address} at {account or 'all accounts'}? It cannot be undone", abort=True)
    with opened(ctx) as house:
        person = _person(house, address)
        where = account_of(house, account).id if account else None
        kept = "erased at their own wish" if keep_do_not_mail else ""
        job, code = house.erasures.ask_for_person(person.identity, where, kept, CLOCK.now())
        if not json:
            say.line(f"erasure {job.id}; the code for the person themselves, kept nowhere: {code}")
        done = _run(_means(house), job.id)
        counts = dict(house.erasures.show(job.id).counts)
    if json:
        say.as_json({"erasure": job.id, "code": code, "done": done, "counts": counts})
        return
    say.pairs({name: f"{count:,}" for name, count in counts.items()})
    if not done:
        say.line("A copy is on the wire still: the running gateway goes on with it.")
    say.line(_STAYS[0] if keep_do_not_mail else _STAYS[1])


_STAYS = (
    "What stays: a keyed hash, out of which no address can be read; no tenant's statement brings them back.",
    "What stays: nothing. A tenant may add them again; --keep-do-not-mail prevents that.",
)


def _run(means: "Means", which: str) -> bool:
    import asyncio  # noqa: PLC0415 - heavy

    from gateway.app.ending import erase_now  # noqa: PLC0415 - heavy
    from gateway.spool.errors import ForeignShard  # noqa: PLC0415 - heavy

    try:
        return asyncio.run(erase_now(means, which, _PATIENCE))
    except (sqlite3.Error, ForeignShard) as error:
        raise say.Refused(
            f"erasure {which} has begun and waits; the queue cannot be read: {error}"
        ) from error


def _means(house: "Opened") -> "Means":
    from gateway.app.ending import Means  # noqa: PLC0415 - heavy
    from gateway.cli.opened import CLOCK, ENTROPY  # noqa: PLC0415 - heavy

    return Means(
        store=house.store,
        keyring=house.keyring,
        state=house.settings.gateway.state_dir,
        settings=lambda: house.settings.accounts,
        rules=house.settings.addresses.spelling,
        forget=(),
        clock=CLOCK,
        octets=ENTROPY.octets,
    )


def _person(house: "Opened", address: str) -> "Person":
    from gateway.model.address import MalformedAddress, parse_address  # noqa: PLC0415 - heavy
    from gateway.store.person import Person  # noqa: PLC0415 - heavy

    try:
        return Person(parse_address(address.strip()), house.settings.addresses.spelling)
    except MalformedAddress as error:
        raise typer.BadParameter(str(error), param_hint="ADDRESS") from error


def _known(one: "Known") -> dict[str, Any]:
    return {
        "account": one.account,
        "subscriptions": [
            {
                "list": shown.list_name,
                "state": str(shown.state),
                "basis": str(shown.basis),
                "address": shown.address,
                "source": shown.source,
                "since": say.iso(shown.created_at),
                "state_since": say.iso(shown.changed_at),
            }
            for shown in one.subscriptions
        ],
        **{table: [_clear(row) for row in rows] for table, rows in one.rows.items()},
    }


def _clear(row: Any) -> dict[str, Any]:
    """Return a row with its times as programs read them."""
    return {name: say.iso(value) if isinstance(value, float) else value for name, value in row.items()}


def _event(event: "Event", names: dict[int, str]) -> dict[str, Any]:
    return {
        "at": say.iso(event.at),
        "type": str(event.type),
        "account": names.get(event.account_id),
        "message": event.submission_id or None,
        **event.facts,
        **event.data,
    }


def _tell(found: dict[str, Any]) -> None:
    if not any(value for name, value in found.items() if name not in {"address", "asked_at"}):
        say.line(f"nothing is known of {found['address']}")
        return
    for account in found["accounts"]:
        _tell_account(account)
    for one in found["queue"]:
        say.line(f"in the queue: {one['id']} of account {one['account']}, {one['state']}")
    for one in found["events"]:
        say.line(f"{one.pop('at')} {one.pop('type')}: {_words(one)}")
    if found["do_not_mail"]:
        say.line(f"on the provider's own list of hashes: {found['do_not_mail']['reason']}")
    if found["no_invitations_since"]:
        say.line(f"wants no invitations, from anybody, since {found['no_invitations_since']}")


def _tell_account(account: dict[str, Any]) -> None:
    say.line(f"at account {account.pop('account')}:")
    for one in account.pop("subscriptions"):
        basis = f"{one['basis']}, {one['source']}" if one["source"] else one["basis"]
        say.line(f"  list {one['list']}: {one['state']} since {one['state_since']} ({basis})")
    for table, rows in account.items():
        for row in rows:
            say.line(f"  {table}: {_words(row)}")


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in {None, ""})
