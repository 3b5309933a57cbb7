"""The links of one recipient's copy: out, to the place where spam is reported, and to why it came."""

from dataclasses import dataclass
from urllib.parse import quote

from gateway.model.identity import octets
from gateway.model.token import Purpose, Token, seal


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links; ``key`` signs them, ``key_id`` says which it was, so that old links work for ever."""

    public_url: str
    mailbox: str
    key_id: int
    key: bytes

    @property
    def unsubscribe_prefix(self) -> str:
        """How the URL of every way out begins, whoever's it is."""
        return f"{self.public_url}/u/"

    def unsubscribe(self, account_id: int, list_id: int, address_hash: bytes, submission_id: str) -> str:
        """Return the URL of the page, which is the URL of the one-click POST too (RFC 8058)."""
        token = Token(Purpose.UNSUBSCRIBE, account_id, list_id, address_hash, octets(submission_id))
        return self.unsubscribe_prefix + seal(token, self.key_id, self.key)

    def report(self, account_id: int, list_id: int, address_hash: bytes, submission_id: str) -> str:
        """Return the URL of the page where this mail can be reported."""
        token = Token(Purpose.REPORT, account_id, list_id, address_hash, octets(submission_id))
        return f"{self.public_url}/r/{seal(token, self.key_id, self.key)}"

    def why(self, account_id: int, list_id: int, address_hash: bytes, submission_id: str) -> str:
        """Return the URL of the page that says why this mail came."""
        token = Token(Purpose.WHY, account_id, list_id, address_hash, octets(submission_id))
        return f"{self.public_url}/w/{seal(token, self.key_id, self.key)}"

    def mailto(self, unsubscribe_url: str) -> str:
        """Return the mailto form (RFC 2369 section 3.2); the subject holds the same token."""
        token = unsubscribe_url.rpartition("/")[2]
        return f"mailto:{quote(self.mailbox, safe='@.-_+')}?subject={token}"
