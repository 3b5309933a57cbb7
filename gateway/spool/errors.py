"""What can go wrong in the spool, by name.

``SpoolFull`` (gateway.model.reply) and ``SpoolAway`` carry the reply that a client may hear. ``LostMove``
(gateway.ports), ``AlreadyKept`` and ``Unreadable`` are for the relay and the pipeline; none of them stops the
spool.
"""

import sqlite3

from gateway.model.reply import PublicError, SpoolFull


class SpoolAway(PublicError):
    """The spool's file cannot be used now: an I/O error, a lock that does not come free, a closed spool."""


class AlreadyKept(Exception):
    """A submission of that id is in the spool; nothing was written."""


class Unreadable(KeyError):
    """A content that cannot be opened any more. Its deliveries are HELD; whoever had them lets go."""


class ForeignShard(Exception):
    """A file that no version of this program known here has written; it is left alone."""


class ShardTaken(Exception):
    """The shard belongs to a living process."""


_KNOWN_KEY = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


def public(error: sqlite3.Error) -> PublicError | AlreadyKept | sqlite3.IntegrityError:
    """Return the named error for what SQLite says; a broken rule of the tables is our own mistake."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return SpoolFull(str(error))
    if code in _KNOWN_KEY:
        return AlreadyKept(str(error))
    return error if isinstance(error, sqlite3.IntegrityError) else SpoolAway(str(error))
