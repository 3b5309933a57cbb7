"""Who may use the API: keys, scopes and limits.

What it promises: a missing, malformed, unknown, revoked or wrong key and a cancelled account's get one and
the same answer; a source that has tried too many of them is turned away before any key is looked at; a good
key has its own limit. No key is ever logged; its id is.
How it fails: a store that is away is 503, and no failed key is counted for it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from fastapi import Request

from gateway.model.api_key import Grant, Scope
from gateway.model.rate import parse_rate
from gateway.ports import ApiKeys, Clock, Meter, Quota
from gateway.settings.schema import ApiSection, WebSection
from gateway.web.api.problems import INVALID_KEY, MISSING_SCOPE, TOO_MANY, ApiProblem
from gateway.web.client import client_address, source_of

log = structlog.get_logger(__name__)

_SCHEME = "bearer "
_REALM = 'Bearer realm="consentry"'


@dataclass(frozen=True, slots=True)
class Doorman:
    """Asked at the begin of each request."""

    keys: ApiKeys
    quota: Quota
    clock: Clock
    meter: Meter
    api: Callable[[], ApiSection]
    web: Callable[[], WebSection]

    async def admit(self, request: Request, scope: Scope) -> Grant:
        """Return what the request's key grants; raise ApiProblem, StoreAway."""
        source = self._source(request)
        self._check_source(source)
        grant = await self.keys.grant(_bearer(request), self.clock.now())
        if grant is None:
            raise self._refused(request, source)
        self._check_rate(grant)
        if scope not in grant.scopes:
            self.meter.count("api_keys_total", result="scope")
            # RFC 6750 section 3.1
            challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
            raise ApiProblem(MISSING_SCOPE, headers={"WWW-Authenticate": challenge})
        self.meter.count("api_keys_total", result="ok")
        return grant

    def _check_source(self, source: str) -> None:
        rate = parse_rate(self.api().failed_keys)
        fact = self.quota.check(_key("source", source), (rate,), rate.amount, self.clock.now())
        if fact.wait:
            self.meter.count("api_keys_total", result="blocked")
            raise _too_many(fact.wait)

    def _refused(self, request: Request, source: str) -> ApiProblem:
        """Count a failed key against its source, and return the one answer that all of them get."""
        rate = parse_rate(self.api().failed_keys)
        self.quota.reserve(_key("source", source), (rate,), rate.amount, self.clock.now())
        self.meter.count("api_keys_total", result="failed")
        log.info("API key refused", client=source)
        # RFC 6750 section 3: no error code where no key was sent.
        sent = "authorization" in request.headers
        challenge = f'{_REALM}, error="invalid_token"' if sent else _REALM
        return ApiProblem(INVALID_KEY, headers={"WWW-Authenticate": challenge})

    def _check_rate(self, grant: Grant) -> None:
        rate = parse_rate(self.api().rate)
        fact = self.quota.reserve(_key("key", grant.key_id), (rate,), self.api().burst, self.clock.now())
        if fact.wait:
            self.meter.count("api_keys_total", result="limited")
            raise _too_many(fact.wait)

    def _source(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        return source_of(client_address(peer, forwarded, self.web().forwarded_from))


def _bearer(request: Request) -> str:
    """Return the key of a request, "" where there is none (RFC 6750 section 2.1)."""
    header = request.headers.get("authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""


def _too_many(wait: float) -> ApiProblem:
    return ApiProblem(TOO_MANY, headers={"Retry-After": str(math.ceil(wait))})


def _key(what: str, which: str) -> bytes:
    return f"api-{what}:{which}".encode()
