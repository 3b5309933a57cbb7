"""Places in a listing as programs of an account keep them: encrypted by the account's own key.

What it promises: a cursor opens for its own account and its own listing and for nothing else, and tells
nothing: not how many there are, and not what comes before it.
"""

import base64

from gateway.ports import BadCursor
from gateway.store.keys import StoreKeyring


class StoreCursors:
    """Makes and reads them."""

    def __init__(self, keyring: StoreKeyring) -> None:
        self._keyring = keyring

    def seal(self, account_id: int, listing: str, place: bytes) -> str:
        """Return a place of a listing as text."""
        veiled = self._keyring.of(account_id).veil(place, _context(listing))
        return base64.urlsafe_b64encode(veiled).rstrip(b"=").decode("ascii")

    def open(self, account_id: int, listing: str, cursor: str) -> bytes:
        """Return the place of a cursor; raise BadCursor where it is none of this listing."""
        try:
            veiled = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            return self._keyring.of(account_id).unveil(veiled, _context(listing))
        except ValueError as error:
            raise BadCursor from error


def _context(listing: str) -> bytes:
    return b"cursor:" + listing.encode()
