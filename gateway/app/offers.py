"""Lists as the pages of joining show them: from the store, with their accounts' domains and looks."""

from typing import Any

from sqlalchemy import ColumnElement, Row, select

from gateway.model.facts import AccountState
from gateway.store.brands import brand_of
from gateway.store.database import Store
from gateway.store.schema import ACCOUNT, DOMAIN, MAIL_LIST
from gateway.web.joining import Offer
from gateway.web.leaving import Brand


class Offers:
    """Blocks; fails with StoreAway."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def named(self, account: str, list_id: str) -> Offer | None:
        """Return a list that one can join, by its names, or None."""
        found = self._find(ACCOUNT.c.name == account, MAIL_LIST.c.folded == list_id.casefold())
        return found if found and found.is_open else None

    def of(self, account_id: int, list_id: int) -> Offer | None:
        """Return a list by its numbers, or None; one that is closed too: who says no must be heard."""
        return self._find(ACCOUNT.c.id == account_id, MAIL_LIST.c.id == list_id)

    def _find(self, *which: ColumnElement[bool]) -> Offer | None:
        query = (
            select(MAIL_LIST, ACCOUNT.c.name.label("account_name"), ACCOUNT.c.state)
            .join(ACCOUNT, ACCOUNT.c.id == MAIL_LIST.c.account_id)
            .where(*which)
        )
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            domains = connection.execute(
                select(DOMAIN.c.name).where(
                    DOMAIN.c.account_id == row.account_id, DOMAIN.c.verified_at.is_not(None)
                )
            )
            brand = brand_of(connection, row.account_id)
            face = Brand(brand.colour, brand.logo_name, brand.width, brand.height)
            return _as_offer(row, tuple(domains.scalars()), face)


def _as_offer(row: Row[Any], domains: tuple[str, ...], brand: Brand) -> Offer:
    return Offer(
        row.account_id,
        row.id,
        row.account_name,
        row.name or row.list_id,
        row.list_id,
        row.description,
        row.frequency,
        domains,
        brand,
        AccountState(row.state).may_send,
    )
