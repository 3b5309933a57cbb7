"""An account's lists, as its own programs make, change and delete them; sync.

What it promises: a List-Id lies in a domain that the account has proved to be its own (RFC 2919 section 2),
which an operator need not keep to. A list is deleted while nothing has happened with it: afterwards links
that lead out of it are in mailboxes, and they never expire. No answer depends on what other accounts have.
It fails with StoreAway; what is refused is a value.
"""

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from gateway.model.facts import Account, MailList
from gateway.model.list_trouble import ListRefused, ListTrouble
from gateway.store import dialect
from gateway.store.account_rows import bump_revision, read_account
from gateway.store.database import Store
from gateway.store.refusals import BadName
from gateway.store.registry import check_list_id, check_words
from gateway.store.schema import ACCOUNT, EVENT, IMPORT_CASE, LEDGER, MAIL_LIST, SIGNUP, SUBSCRIPTION

log = structlog.get_logger(__name__)

_UNKNOWN = ListRefused(ListTrouble.UNKNOWN)
_OF_A_LIST = (EVENT, SIGNUP, IMPORT_CASE, SUBSCRIPTION, LEDGER)  # the quickest to ask first


class StoreLists:
    """The lists of all accounts, each for itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, account_id: int, after: int, limit: int) -> Sequence[MailList]:
        """Return lists in the order of their making, behind a number."""
        query = select(MAIL_LIST).where(MAIL_LIST.c.account_id == account_id, MAIL_LIST.c.id > after)
        with self._store.read() as connection:
            return [_list(row) for row in connection.execute(query.order_by(MAIL_LIST.c.id).limit(limit))]

    def find(self, account_id: int, list_id: str) -> MailList | ListRefused:
        """Return the list of a List-Id."""
        with self._store.read() as connection:
            return _find(connection, account_id, list_id) or _UNKNOWN

    def create(
        self, account_id: int, list_id: str, words: Mapping[str, str], most: int
    ) -> MailList | ListRefused:
        """Make a list; ``most``: of an account."""
        with self._store.write() as connection:
            refused = _why_not(connection, account_id, list_id, words, most)
            if refused is not None:
                return refused
            values = {"account_id": account_id, "list_id": list_id, "folded": list_id.casefold(), "name": ""}
            row = dialect.insert(connection, MAIL_LIST).values({**values, **words})
            made = connection.execute(row.on_conflict_do_nothing().returning(MAIL_LIST)).one_or_none()
            if made is None:
                return ListRefused(ListTrouble.THERE)
            bump_revision(connection)
            return _list(made)

    def change(self, account_id: int, list_id: str, words: Mapping[str, str]) -> MailList | ListRefused:
        """Say other things of a list; what is not named stays."""
        if wrong := _wrong_words(words):
            return wrong
        with self._store.write() as connection:
            found = _find(connection, account_id, list_id)
            if found is None:
                return _UNKNOWN
            if words:
                connection.execute(update(MAIL_LIST).where(MAIL_LIST.c.id == found.id).values(**words))
                bump_revision(connection)
            return _find(connection, account_id, list_id) or _UNKNOWN

    def delete(self, account_id: int, list_id: str) -> ListRefused | None:
        """Delete a list with which nothing has happened; None: it is gone."""
        with self._store.write() as connection:
            found = _find(connection, account_id, list_id)
            if found is None:
                return _UNKNOWN
            if _is_used(connection, found):
                return ListRefused(ListTrouble.IN_USE)
            connection.execute(MAIL_LIST.delete().where(MAIL_LIST.c.id == found.id))
            bump_revision(connection)
        log.info("list deleted", account=account_id, list=found.id)
        return None


def _why_not(
    connection: Connection, account_id: int, list_id: str, words: Mapping[str, str], most: int
) -> ListRefused | None:
    known = read_account(connection, ACCOUNT.c.id == account_id)
    if known is None:
        return _UNKNOWN
    try:
        check_list_id(list_id)
    except BadName as error:
        return ListRefused(ListTrouble.WORDS, str(error))
    if wrong := _wrong_words(words):
        return wrong
    if known.account.list_named(list_id):
        return ListRefused(ListTrouble.THERE)
    if not _is_theirs(list_id, known.account):
        return ListRefused(ListTrouble.FOREIGN)
    count = select(func.count()).select_from(MAIL_LIST).where(MAIL_LIST.c.account_id == account_id)
    full = connection.execute(count).scalar_one() >= most
    return ListRefused(ListTrouble.FULL) if full else None


def _is_theirs(list_id: str, account: Account) -> bool:
    folded = list_id.casefold()
    return any(folded.endswith(f".{domain}") for domain in account.domains)


def _wrong_words(words: Mapping[str, str]) -> ListRefused | None:
    for key, text in words.items():
        try:
            check_words(key, text)
        except BadName as error:
            return ListRefused(ListTrouble.WORDS, str(error))
    return None


def _is_used(connection: Connection, found: MailList) -> bool:
    default = select(ACCOUNT.c.id).where(ACCOUNT.c.default_list_id == found.id)
    traces = [
        select(table.c.account_id).where(table.c.account_id == found.account_id, table.c.list_id == found.id)
        for table in _OF_A_LIST
    ]
    return any(connection.execute(query.limit(1)).first() for query in (default, *traces))


def _find(connection: Connection, account_id: int, list_id: str) -> MailList | None:
    here: tuple[ColumnElement[bool], ...] = (
        MAIL_LIST.c.account_id == account_id,
        MAIL_LIST.c.folded == list_id.casefold(),
    )
    row = connection.execute(select(MAIL_LIST).where(*here)).one_or_none()
    return None if row is None else _list(row)


def _list(row: Row[tuple[object, ...]]) -> MailList:
    return MailList(row.id, row.account_id, row.list_id, row.name, row.description, row.frequency)
