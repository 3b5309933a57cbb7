"""Events that are still in the queue's shards, on their way to the store: at most a second old, mostly."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gateway.model.events import Event, open_event
from gateway.ports import Keyring
from gateway.spool.queries import outbox
from gateway.spool.shard import connect_reader, shards

_LOOKED_AT = 50_000  # events of each shard; there are more only while the store is away


def unsent(folder: Path, submission: str, keyring: Keyring) -> Iterator[Event]:
    """Yield a submission's events that the store does not have yet; raise sqlite3.Error, ForeignShard."""
    for _, path in shards(folder):
        with closing(connect_reader(path)) as connection:
            found = [
                event for _, event in outbox(connection, _LOOKED_AT) if event.submission_id == submission
            ]
        yield from (open_event(event, keyring.open) for event in found)
