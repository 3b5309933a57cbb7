"""The demonstration's tenant: a gateway's folder, and in it an account with all that it needs to send."""

import asyncio
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli import house
from gateway.cli.demonstration import story
from gateway.cli.demonstration.dialogue import Login
from gateway.cli.opened import CLOCK, Opened, opened_at
from gateway.cli.passwords import generated
from gateway.cli.people import operator_says
from gateway.model.address import parse_address
from gateway.model.facts import Basis, ConsentLevel, OverQuota
from gateway.model.rate import Rate
from gateway.settings.units import Endpoint
from gateway.signing.keys import Algorithm, generate

_HERE = "127.0.0.1"
_SELECTOR = "demo"


@dataclass(frozen=True, slots=True)
class Tenant:
    """Where the gateway lies, how the tenant logs in, and where strangers' mail comes in."""

    config: Path
    login: Login
    inbound: Endpoint


async def settle_in(folder: Path, hop_port: int) -> Tenant:
    """Set up a gateway that relays to the next hop, and the tenant; raise Refused."""
    smtp, inbound, web, metrics = _free_ports(4)
    pages = Endpoint(_HERE, web)
    plan = house.Plan(
        folder,
        "gateway.example",
        Endpoint(_HERE, smtp),
        Endpoint(_HERE, inbound),
        pages,
        Endpoint(_HERE, metrics),
        Endpoint(_HERE, hop_port),
        house.default_url(pages, "gateway.example"),
    )
    password = generated()
    await asyncio.to_thread(_set_up, plan, password)
    return Tenant(plan.config, Login(_HERE, smtp, story.ACCOUNT, password), plan.inbound)


def _set_up(plan: house.Plan, password: str) -> None:
    house.build(plan, datetime.now(UTC))
    with opened_at(plan.config) as opened:
        _register(opened, password)


def _register(opened: Opened, password: str) -> None:
    now = CLOCK.now()
    registry = opened.registry
    account = registry.add_account(
        story.ACCOUNT, password, ConsentLevel.ASSERTED, (Rate(100, 1),), 0, OverQuota.REFUSE, now
    )
    registry.add_domain(story.ACCOUNT, story.DOMAIN, verified=True, now=now)
    key = generate(Algorithm.RSA)
    opened.dkim_keys.add(story.DOMAIN, _SELECTOR, str(key.algorithm), key.private_der, key.record, now)
    bread = registry.add_list(story.ACCOUNT, story.LIST_ID, story.LIST_NAME, default=True)
    for address in story.SUBSCRIBED:
        origin = operator_says("the demonstration's guest book")
        opened.subscriptions.add(account.id, bread.id, parse_address(address), Basis.ASSERTED, origin, now)


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody has now: all are taken at once, so that no two are the same."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HERE, 0))
        return [one.getsockname()[1] for one in sockets]
