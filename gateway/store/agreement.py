"""The rules of spelling that a store's hashes were made under, and that whoever opens it must agree to.

Under other rules the same person has another hash: who had left would not be known any more. So the rules are
recorded in the store, and ``agree`` refuses others for as long as the store knows anybody by a hash. It fails
with OtherRules and StoreAway.
"""

from sqlalchemy import Connection, select

from gateway.model.spelling import Rules, number_of, rules_of
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.refusals import OtherRules
from gateway.store.schema import METADATA, REVISION, SPELLING

_HASHES = ("address_hash", "person", "subject")  # the columns by which people are found


def agree(store: Store, rules: Rules) -> None:
    """Record the rules, where nobody is known by a hash yet; raise OtherRules where others were kept."""
    with store.read() as connection:
        if _recorded(connection) == rules:
            return
    with store.write() as connection:
        recorded = _recorded(connection)
        if recorded != rules and _knows_anybody(connection):
            raise OtherRules(
                f"[addresses] rules is {_words(rules)}, the store finds its people by {_words(recorded)}: "
                "whoever has left would be written to again. Put it back as it was"
            )
        row = dialect.insert(connection, REVISION).values(name=SPELLING, value=number_of(rules))
        connection.execute(
            row.on_conflict_do_update(index_elements=[REVISION.c.name], set_={"value": number_of(rules)})
        )


def _recorded(connection: Connection) -> Rules:
    query = select(REVISION.c.value).where(REVISION.c.name == SPELLING)
    return rules_of(connection.execute(query).scalar_one_or_none() or 0)


def _knows_anybody(connection: Connection) -> bool:
    for table in METADATA.sorted_tables:
        for name in _HASHES:
            if name in table.c and connection.execute(select(table.c[name]).limit(1)).first() is not None:
                return True
    return False


def _words(rules: Rules) -> str:
    return f"[{', '.join(sorted(rules))}]"
