"""How accounts' pages look: a colour and a logo, as operators set them and pages show them; sync.

Fails with StoreAway, NoSuchAccount, and BadName for a colour that is none; BadPicture is
gateway.model.picture's.
"""

import hashlib
import re
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from gateway.model.picture import look_at
from gateway.store import dialect
from gateway.store.database import Store
from gateway.store.refusals import BadName, NoSuchAccount
from gateway.store.schema import ACCOUNT, BRAND

_COLOUR = re.compile(r"#[0-9a-f]{6}\Z")
_NAME_LENGTH = 32


@dataclass(frozen=True, slots=True)
class StoredBrand:
    """A brand without the picture's octets. "" and 0 where there is none."""

    colour: str = ""
    logo_name: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0


class Brands:
    """The brands of all accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, account_name: str, colour: str | None, logo: bytes | None) -> StoredBrand:
        """Set a colour, a logo, or both; None leaves what is there. Raise what the module says."""
        changes: dict[str, object] = {}
        if colour is not None:
            changes["colour"] = _checked(colour)
        if logo is not None:
            picture = look_at(logo)
            changes |= {
                "logo_name": hashlib.sha256(logo).hexdigest()[:_NAME_LENGTH],
                "media_type": picture.media_type,
                "width": picture.width,
                "height": picture.height,
                "logo": logo,
            }
        if not changes:
            return self.show(account_name)
        empty = {"colour": "", "logo_name": "", "media_type": "", "width": 0, "height": 0, "logo": b""}
        with self._store.write() as connection:
            account_id = _account_id(connection, account_name)
            row = dialect.insert(connection, BRAND).values(account_id=account_id, **(empty | changes))
            connection.execute(row.on_conflict_do_update(index_elements=[BRAND.c.account_id], set_=changes))
            return brand_of(connection, account_id)

    def show(self, account_name: str) -> StoredBrand:
        """Return an account's brand."""
        with self._store.read() as connection:
            return brand_of(connection, _account_id(connection, account_name))

    def clear(self, account_name: str) -> None:
        """Let an account's pages look as all do."""
        with self._store.write() as connection:
            account_id = _account_id(connection, account_name)
            connection.execute(delete(BRAND).where(BRAND.c.account_id == account_id))

    def logo(self, name: str) -> tuple[str, bytes] | None:
        """Return a logo's media type and octets by its name, or None."""
        if not name:
            return None
        query = select(BRAND.c.media_type, BRAND.c.logo).where(BRAND.c.logo_name == name).limit(1)
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.media_type, row.logo)


def brand_of(connection: Connection, account_id: int) -> StoredBrand:
    """Return an account's brand; an empty one where nothing was set."""
    columns = (
        BRAND.c.colour,
        BRAND.c.logo_name,
        BRAND.c.media_type,
        BRAND.c.width,
        BRAND.c.height,
    )
    row = connection.execute(select(*columns).where(BRAND.c.account_id == account_id)).one_or_none()
    return StoredBrand() if row is None else StoredBrand(*row)


def _checked(colour: str) -> str:
    lower = colour.lower()
    if not _COLOUR.match(lower):
        raise BadName(f'{colour!r} is no colour: write it as "#0c5a55"')
    return lower


def _account_id(connection: Connection, name: str) -> int:
    found = connection.execute(select(ACCOUNT.c.id).where(ACCOUNT.c.name == name)).scalar_one_or_none()
    if found is None:
        raise NoSuchAccount(f"there is no account {name}")
    return int(found)
