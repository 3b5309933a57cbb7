"""Who comes in: links are opened here, and those who try made-up ones are slowed down.

What it promises: a token that is malformed, forged or meant for another page gets one answer, a 404, which
is also the answer for what is gone; a network that brings too many of them hears 429 with Retry-After,
counted. A genuine link is opened before anything is counted: the few addresses from which a large mailbox
provider presses the buttons of millions are never limited.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.model.ledger import SUBSCRIBER, Origin
from gateway.model.rate import parse_rate
from gateway.model.token import BadToken, Purpose, Token, unseal
from gateway.ports import Clock, Meter, Quota
from gateway.settings.schema import WebSection
from gateway.web.client import client_address, network_of

log = structlog.get_logger(__name__)

TokenKeys = Callable[[], Mapping[int, bytes]]


def gone() -> HTTPException:
    """The one answer for every link that leads nowhere."""
    return HTTPException(HTTPStatus.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Door:
    """Opens links. ``keys``, ``settings``: asked each time, so a reload shows."""

    keys: TokenKeys
    quota: Quota
    clock: Clock
    meter: Meter
    settings: Callable[[], WebSection]

    def open(self, text: str, purpose: Purpose, request: Request) -> Token:
        """Return what a link names; raise HTTPException."""
        try:
            return unseal(text, self.keys(), purpose)
        except BadToken:
            raise self.turned_away(request) from None

    def turned_away(self, request: Request) -> HTTPException:
        """Return the answer to who brings a link that leads nowhere: 404, or 429 when there were many."""
        rate = parse_rate(self.settings().bad_links)
        network = network_of(self.client(request))
        wait = self.quota.reserve(b"bad link:" + network.encode(), [rate], 0, self.clock.now()).wait
        if not wait:
            self.meter.count("bad_links_total", result="unknown")
            return gone()
        self.meter.count("bad_links_total", result="limited")
        return HTTPException(HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(ceil(wait))})

    def origin(self, request: Request, way: str) -> Origin:
        """Return who asks, for the consent ledger; never for a log."""
        return Origin(SUBSCRIBER, way, self.client(request), request.headers.get("user-agent", ""))

    def client(self, request: Request) -> str:
        """Return the address of who asks."""
        peer = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        return client_address(peer, forwarded, self.settings().forwarded_from)

    def log(self, event: str, token: Token, request: Request, **more: str) -> None:
        """Say in the log what somebody did."""
        log.info(event, account=token.account_id, list=token.list_id, client=self.client(request), **more)
