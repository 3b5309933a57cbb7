"""What there is to tell of a subscription to its own reader: looked up by what a link names."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select

from gateway.model.address import Address, parse_address
from gateway.model.facts import Basis, SubscriptionState
from gateway.store.brands import StoredBrand, brand_of
from gateway.store.database import Store
from gateway.store.keys import StoreKeyring
from gateway.store.schema import ACCOUNT, DOMAIN, MAIL_LIST, SUBSCRIPTION
from gateway.store.subscription_rows import Bond, open_details
from gateway.web.leaving import Brand, Reader, Story


@dataclass(frozen=True, slots=True)
class Found:
    """A subscription's row with its account and list, and what stands beside it."""

    row: Row[Any]
    address: Address
    source: str
    domains: tuple[str, ...]
    brand: StoredBrand

    @property
    def story(self) -> Story:
        """What a page may tell."""
        row, brand = self.row, self.brand
        return Story(
            account=row.account_name,
            mail_list=row.list_name or row.list_identifier,
            list_id=row.list_identifier,
            domains=self.domains,
            address=self.address.masked,
            state=SubscriptionState(row.state),
            changed_at=row.changed_at,
            paused_until=row.paused_until,
            basis=Basis(row.basis),
            source=self.source,
            since=row.created_at,
            brand=Brand(brand.colour, brand.logo_name, brand.width, brand.height),
        )


class Stories:
    """Blocks; fails with StoreAway."""

    def __init__(self, store: Store, keyring: StoreKeyring) -> None:
        self._store = store
        self._keyring = keyring

    def find(self, reader: Reader) -> Found | None:
        """Return a subscription; None where it, its list, its account or its account's key is gone."""
        bond = Bond(reader.account_id, reader.list_id, reader.address_hash)
        with self._store.read() as connection:
            row = connection.execute(_subscription(bond)).one_or_none()
            if row is None:
                return None
            verified = tuple(connection.execute(_domains(reader.account_id)).scalars())
            brand = brand_of(connection, reader.account_id)
        try:
            plain = self._keyring.open(reader.account_id, row.sealed, bond.context)
        except KeyError:
            return None
        address, source = open_details(plain)
        return Found(row, parse_address(address), source, verified, brand)


def _subscription(bond: Bond) -> Select[Any]:
    return (
        select(
            SUBSCRIPTION,
            ACCOUNT.c.name.label("account_name"),
            MAIL_LIST.c.name.label("list_name"),
            MAIL_LIST.c.list_id.label("list_identifier"),
        )
        .join(ACCOUNT, ACCOUNT.c.id == SUBSCRIPTION.c.account_id)
        .join(MAIL_LIST, MAIL_LIST.c.id == SUBSCRIPTION.c.list_id)
        .where(bond.here)
    )


def _domains(account_id: int) -> Select[Any]:
    """Those that are verified to be the account's."""
    return (
        select(DOMAIN.c.name)
        .where(DOMAIN.c.account_id == account_id, DOMAIN.c.verified_at.is_not(None))
        .order_by(DOMAIN.c.name)
    )
