"""The provider among its tenants: whose mail the house's own is, when the relay asks."""

from gateway.model.facts import Account, AccountState, ConsentLevel, OverQuota
from gateway.ports import Accounts
from gateway.store.schema import PROVIDER_ID

PROVIDER = Account(
    id=PROVIDER_ID,
    name="provider",
    state=AccountState.ACTIVE,
    state_reason="",
    consent=ConsentLevel.CONFIRMED,
    rates=(),
    burst=0,
    over_quota=OverQuota.REFUSE,
    domains=frozenset(),
    lists=(),
    default_list=None,
)


class WithProvider:
    """ports.Accounts for the relay: nobody logs in as the provider, and its mail is relayed all the same."""

    def __init__(self, tenants: Accounts) -> None:
        self._tenants = tenants

    async def authenticate(self, name: str, password: str) -> Account | None:
        """Return the tenant when name and password are right."""
        return await self._tenants.authenticate(name, password)

    async def by_id(self, account_id: int) -> Account | None:
        """Return the account, or None when it is gone."""
        return PROVIDER if account_id == PROVIDER_ID else await self._tenants.by_id(account_id)

    async def by_name(self, name: str) -> Account | None:
        """Return the tenant of that name, or None."""
        return await self._tenants.by_name(name)
