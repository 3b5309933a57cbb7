"""Accounts and lists by name, for commands that show or take one; who is at the terminal."""

import getpass

from gateway.cli.opened import Opened
from gateway.cli.say import Refused
from gateway.model.facts import Account, MailList
from gateway.model.ledger import Origin


def account_names(house: Opened) -> dict[int, str]:
    """Return the names of all accounts by their numbers; 0 is the provider itself."""
    return {0: "provider"} | {account.id: account.name for account in house.registry.accounts()}


def number_of(house: Opened, name: str) -> int:
    """Return the number of that account, or of the provider itself; raise Refused."""
    return 0 if name == "provider" else account_of(house, name).id


def account_of(house: Opened, name: str) -> Account:
    """Return the account of that name; raise Refused, with the one that may be meant."""
    from gateway.settings.reasons import meant  # noqa: PLC0415 - heavy

    account = house.registry.account(name)
    if account is None:
        near = meant(name, (one.name for one in house.registry.accounts()))
        raise Refused(f"there is no account {name}{near}")
    return account


def list_of(account: Account, list_id: str) -> MailList:
    """Return the account's list of that List-Id; raise Refused, with those that there are."""
    found = account.list_named(list_id)
    if found is None:
        there = ", ".join(one.list_id for one in account.lists) or "none yet"
        raise Refused(f"account {account.name} has no list {list_id}; its lists: {there}")
    return found


def operator_says(source: str) -> Origin:
    """Return where an act at the terminal comes from, for the consent ledger."""
    return Origin(f"operator {_name()}".strip(), source)


def actor() -> str:
    """Return who is at the terminal, for the record."""
    return f"{_name()} (command line)" if _name() else "command line"


def _name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
