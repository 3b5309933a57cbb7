"""``consentry explain``: what happened to a message, step by step, and why.

The steps come from the store, and from the queue where they have not got to the store yet; what still waits
is told as it stands. Addresses are shown: whoever has the master key may read them.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from gateway.cli import queue, say

if TYPE_CHECKING:
    from gateway.cli.opened import Opened
    from gateway.model.events import Event
    from gateway.spool.operate import Listed


def explain(ctx: typer.Context, identity: queue.Id, json: queue.Json = False) -> None:
    """Tell what happened to a message, step by step, and why."""
    from gateway.cli.opened import opened  # noqa: PLC0415 - heavy
    from gateway.cli.people import account_names  # noqa: PLC0415 - heavy

    submission, number = queue.split(identity)
    with opened(ctx) as house:
        # The queue is asked first: what is settled between the two looks is then in the events.
        waiting = house.queue.show(submission, number)
        happened = [
            one
            for one in events(house, submission)
            if number is None or one.delivery_number in {None, number}
        ]
        names = account_names(house)
        kept = house.settings.store.keep_events
    if not happened and not waiting:
        raise say.Refused(f"nothing is known of {identity}; what happened is kept for {say.ago(kept)}")
    if json:
        say.as_json(_as_values(submission, happened, waiting, names))
        return
    _tell(submission, happened, waiting, names)


def events(house: "Opened", submission: str) -> list["Event"]:
    """Return all that is known to have happened, oldest first, each event once."""
    from gateway.cli.outboxes import unsent  # noqa: PLC0415 - heavy
    from gateway.store.events import EventHistory  # noqa: PLC0415 - heavy

    known = {event.id: event for event in unsent(house.spool_folder, submission, house.keyring)}
    known |= {event.id: event for event in EventHistory(house.store, house.keyring).history(submission)}
    return sorted(known.values(), key=lambda event: (event.at, event.id))


def _as_values(
    submission: str, happened: Sequence["Event"], waiting: Sequence["Listed"], names: dict[int, str]
) -> dict[str, Any]:
    return {
        "id": submission,
        "account": names.get(_account(happened, waiting)),
        "events": [
            {
                "id": event.id,
                "type": str(event.type),
                "at": say.iso(event.at),
                "delivery": event.delivery_number,
                "facts": dict(event.facts),
                "data": dict(event.data),
            }
            for event in happened
        ],
        "queue": [queue.as_values(one, names) for one in waiting],
    }


def _account(happened: Sequence["Event"], waiting: Sequence["Listed"]) -> int:
    return happened[0].account_id if happened else waiting[0].account_id


def _tell(
    submission: str, happened: Sequence["Event"], waiting: Sequence["Listed"], names: dict[int, str]
) -> None:
    from gateway.cli.happenings import told  # noqa: PLC0415 - heavy
    from gateway.cli.opened import CLOCK  # noqa: PLC0415 - heavy

    number = _account(happened, waiting)
    say.line(f"Message {submission} of {names.get(number, f'account {number}, which is gone')}")
    say.line()
    say.table(["TIME", "DELIVERY>", "WHAT HAPPENED"], _rows((event, told(event)) for event in happened))
    for one in waiting:
        say.line()
        say.pairs(queue.described(one, names, CLOCK.now()))
    if not waiting:
        say.line()
        say.line("Nothing of it is in the queue.")


def _rows(steps: Iterable[tuple["Event", Sequence[str]]]) -> list[list[str]]:
    """Return a row for each step; the reasons stand below it."""
    rows = []
    for event, (first, *more) in steps:
        delivery = "" if event.delivery_number is None else str(event.delivery_number)
        rows.append([say.when(event.at), delivery, first])
        rows.extend(["", "", f"  {reason}"] for reason in more)
    return rows
