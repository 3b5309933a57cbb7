"""The provider among its tenants, when the relay asks whose mail it has."""

from gateway.app.provider import PROVIDER, WithProvider
from gateway.store.memory import MemoryAccounts


async def test_the_provider_is_known_by_its_number_only() -> None:
    accounts = WithProvider(MemoryAccounts())
    assert await accounts.by_id(0) is PROVIDER
    assert PROVIDER.state.may_send
    assert await accounts.by_id(1) is None
    assert await accounts.by_name("provider") is None
    assert await accounts.authenticate("provider", "") is None
