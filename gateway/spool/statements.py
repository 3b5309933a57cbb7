"""Every statement of the spool, written in SQLAlchemy Core and compiled once to text.

What it promises: a text takes its values by position, in the order given here and checked when the module
is loaded; the driver's cursor then runs it without any of SQLAlchemy's work at each message.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Subquery,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

from gateway.model.delivery import DeliveryState
from gateway.spool.tables import ADOPTED, DELIVERY, EVENT, SUBMISSION

_DIALECT = sqlite.dialect()
_QUEUED, _ACTIVE, _HELD = DeliveryState.QUEUED, DeliveryState.ACTIVE, DeliveryState.HELD
_DOOMED = DeliveryState.DOOMED


def _text(statement: ClauseElement, *names: str, columns: Sequence[str] | None = None) -> str:
    """Compile; the values go in by position and must come in the order of ``names``."""
    compiled: Any = statement.compile(dialect=_DIALECT, column_keys=columns)
    order = tuple(compiled.positiontup or ())
    if order != names:
        raise AssertionError(f"{compiled} takes {order}, not {names}")
    return str(compiled)


def _value(name: str) -> Any:
    return bindparam(name)


def _is(state: DeliveryState) -> ColumnElement[bool]:
    """Compare with a literal: with a parameter the planner cannot know that a partial index fits."""
    return DELIVERY.c.state == literal_column(f"'{state.value}'")


_ONE = (DELIVERY.c.submission_id == _value("key_id")) & (DELIVERY.c.number == _value("key_number"))
_NONE_SKIPPED: Any = literal_column("0")  # else the dialect adds a parameter of its own
_EVENT_COLUMNS = [column.name for column in EVENT.c if column.name != "seq"]
_SUBMISSION_COLUMNS = [column.name for column in SUBMISSION.c]
_DELIVERY_COLUMNS = [column.name for column in DELIVERY.c]

# What enters
INSERT_SUBMISSION = _text(SUBMISSION.insert(), *_SUBMISSION_COLUMNS, columns=_SUBMISSION_COLUMNS)
INSERT_DELIVERY = _text(DELIVERY.insert(), *_DELIVERY_COLUMNS, columns=_DELIVERY_COLUMNS)
INSERT_EVENT = _text(EVENT.insert(), *_EVENT_COLUMNS, columns=_EVENT_COLUMNS)

# How a delivery moves; the last value is the state to compare with
MOVE = _text(
    update(DELIVERY)
    .ordered_values(
        (DELIVERY.c.state, _value("becomes")),
        (DELIVERY.c.attempts, DELIVERY.c.attempts + _value("tried")),
        (DELIVERY.c.due_at, func.coalesce(_value("due"), DELIVERY.c.due_at)),
        (DELIVERY.c.last_reply, func.coalesce(_value("reply"), DELIVERY.c.last_reply)),
        (DELIVERY.c.hold_reason, _value("reason")),
    )
    .where(_ONE, DELIVERY.c.state == _value("was")),
    *("becomes", "tried", "due", "reply", "reason", "key_id", "key_number", "was"),
)
CLOSE = _text(delete(DELIVERY).where(_ONE, DELIVERY.c.state == _value("was")), "key_id", "key_number", "was")
STATE = _text(select(DELIVERY.c.state).where(_ONE), "key_id", "key_number")


@lru_cache(maxsize=16)
def drop_bodies(count: int) -> str:
    """Return the statement that drops those of ``count`` submissions that have no delivery left."""
    names = [f"id{number}" for number in range(count)]
    open_ones = exists().where(DELIVERY.c.submission_id == SUBMISSION.c.id)
    chosen = SUBMISSION.c.id.in_([_value(name) for name in names])
    return _text(delete(SUBMISSION).where(chosen, ~open_ones).returning(SUBMISSION.c.size), *names)


# Claims: oldest due first, in the order of the index
_WHOLE = select(*DELIVERY.c, *(column for column in SUBMISSION.c if column.name != "content")).join_from(
    DELIVERY, SUBMISSION, SUBMISSION.c.id == DELIVERY.c.submission_id
)
CLAIMABLE = _text(
    _WHOLE.where(_is(_QUEUED), DELIVERY.c.account_id == _value("account"), DELIVERY.c.due_at <= _value("now"))
    .order_by(DELIVERY.c.due_at, DELIVERY.c.submission_id, DELIVERY.c.number)
    .limit(_value("most"))
    .offset(_NONE_SKIPPED),
    *("account", "now", "most"),
)


def _skip_scan(column: ColumnElement[Any], *conditions: ColumnElement[bool]) -> Subquery:
    """Give a column's distinct values by one index seek each, however many rows there are."""
    first = select(func.min(column).label("value")).where(*conditions)
    steps = first.cte("steps", recursive=True)
    following = select(func.min(column)).where(*conditions, column > steps.c.value)
    steps = steps.union_all(select(following.scalar_subquery()).where(steps.c.value.is_not(None)))
    return select(steps.c.value).where(steps.c.value.is_not(None)).subquery("found")


_WAITING = _skip_scan(DELIVERY.c.account_id, _is(_QUEUED))
ACCOUNTS_DUE = _text(
    select(_WAITING.c.value).where(
        exists().where(
            _is(_QUEUED), DELIVERY.c.account_id == _WAITING.c.value, DELIVERY.c.due_at <= _value("now")
        )
    ),
    "now",
)
_STOPPED = _skip_scan(DELIVERY.c.account_id, _is(_HELD), DELIVERY.c.hold_reason == _value("why"))
HELD_ACCOUNTS = _text(select(_STOPPED.c.value), "why", "why")
NEXT_DUE = _text(
    select(func.min(DELIVERY.c.due_at)).where(_is(_QUEUED), DELIVERY.c.due_at > _value("now")), "now"
)
FAR_KEYS = _text(
    select(DELIVERY.c.submission_id, DELIVERY.c.number).where(
        _is(_QUEUED), DELIVERY.c.due_at > _value("latest")
    ),
    "latest",
)
BEGIN_AGES = _text(
    update(SUBMISSION).where(SUBMISSION.c.received_at > _value("now")).values(received_at=_value("now")),
    *("now", "now"),
)
HELD_KEYS = _text(
    select(DELIVERY.c.submission_id, DELIVERY.c.number)
    .where(_is(_HELD), DELIVERY.c.hold_reason == _value("why"), DELIVERY.c.account_id == _value("account"))
    .limit(_value("most"))
    .offset(_NONE_SKIPPED),
    *("why", "account", "most"),
)
OPEN_KEYS = _text(
    select(DELIVERY.c.number, DELIVERY.c.state).where(DELIVERY.c.submission_id == _value("id")), "id"
)
CONTENT = _text(
    select(SUBMISSION.c.account_id, SUBMISSION.c.content).where(SUBMISSION.c.id == _value("id")), "id"
)

# The outbox
OUTBOX = _text(select(*EVENT.c).order_by(EVENT.c.seq).limit(_value("most")).offset(_NONE_SKIPPED), "most")
FORGET = _text(delete(EVENT).where(EVENT.c.seq == _value("place")), "place")
FORGET_RANGE = _text(
    delete(EVENT).where(EVENT.c.seq >= _value("first"), EVENT.c.seq <= _value("last")), "first", "last"
)

# What stands in the shard
COUNTS = _text(select(DELIVERY.c.state, func.count()).group_by(DELIVERY.c.state))
COUNT_QUEUED = _text(select(func.count()).select_from(DELIVERY).where(_is(_QUEUED)))
COUNT_HELD = _text(select(func.count()).select_from(DELIVERY).where(_is(_HELD)))
OCTETS = _text(select(func.coalesce(func.sum(SUBMISSION.c.size), literal_column("0"))))
DOOMED_KEYS = _text(select(DELIVERY.c.submission_id, DELIVERY.c.number).where(_is(_DOOMED)))
ABANDONED = _text(
    select(DELIVERY.c.submission_id, DELIVERY.c.number, DELIVERY.c.state).where(_is(_ACTIVE) | _is(_DOOMED))
)

# Operators
LISTED = _text(
    _WHOLE.where(
        (_value("account").is_(None)) | (DELIVERY.c.account_id == _value("account")),
        (_value("state").is_(None)) | (DELIVERY.c.state == _value("state")),
    )
    .order_by(DELIVERY.c.submission_id, DELIVERY.c.number)
    .limit(_value("most"))
    .offset(_NONE_SKIPPED),
    *("account", "account", "state", "state", "most"),
)
KEYS_OF_ACCOUNT = _text(
    select(DELIVERY.c.submission_id, DELIVERY.c.number).where(DELIVERY.c.account_id == _value("account")),
    "account",
)
EVENTS_OF_ACCOUNT = _text(
    delete(EVENT).where(
        EVENT.c.seq.in_(
            select(EVENT.c.seq)
            .where(EVENT.c.account_id == _value("account"))
            .limit(_value("most"))
            .offset(_NONE_SKIPPED)
        )
    ),
    *("account", "most"),
)
SILENCE = _text(
    update(EVENT).values(data=literal_column("x''")).where(EVENT.c.seq == _value("place")), "place"
)
SHOWN = _text(_WHOLE.where(DELIVERY.c.submission_id == _value("id")).order_by(DELIVERY.c.number), "id")

# Adoption: the same row twice is the same row
ADOPT_SUBMISSION = _text(
    sqlite.insert(SUBMISSION).on_conflict_do_nothing(), *_SUBMISSION_COLUMNS, columns=_SUBMISSION_COLUMNS
)
ADOPT_DELIVERY = _text(
    sqlite.insert(DELIVERY).on_conflict_do_nothing(), *_DELIVERY_COLUMNS, columns=_DELIVERY_COLUMNS
)
NOTE_ADOPTED = _text(
    sqlite.insert(ADOPTED).on_conflict_do_nothing(),
    "submission_id",
    "shard",
    columns=["submission_id", "shard"],
)
ADOPTED_IDS = _text(select(ADOPTED.c.submission_id, ADOPTED.c.shard))
FORGET_ADOPTED = _text(delete(ADOPTED).where(ADOPTED.c.submission_id == _value("id")), "id")
FIRST_SUBMISSIONS = _text(
    select(*SUBMISSION.c).order_by(SUBMISSION.c.id).limit(_value("most")).offset(_NONE_SKIPPED), "most"
)
DELIVERIES_OF = _text(select(*DELIVERY.c).where(DELIVERY.c.submission_id == _value("id")), "id")
DELETE_SUBMISSION = _text(delete(SUBMISSION).where(SUBMISSION.c.id == _value("id")), "id")
DELETE_DELIVERIES = _text(delete(DELIVERY).where(DELIVERY.c.submission_id == _value("id")), "id")
