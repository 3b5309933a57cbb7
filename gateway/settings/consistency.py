"""What the keys of ``gateway.toml`` must be to each other. Pure: no disk is read here.

``contradictions`` are refused; ``doubts`` are allowed, and said aloud. Both give Findings with the path of
the key that is best changed.
"""

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.model.address import MalformedAddress, ascii_domain, parse_address
from gateway.model.rate import BadRate, parse_rate
from gateway.settings import inbound
from gateway.settings.problem import Finding, dotted
from gateway.settings.schema import Settings, SmarthostSection, SmtpLimitsSection, SmtpListenerSection
from gateway.settings.units import Endpoint

_WILDCARDS = {"0.0.0.0", "::", "*"}  # noqa: S104 - compared with, not bound
# RFC 3986 section 2, but for what parts the links of a List-Unsubscribe (RFC 2369 section 2); it goes into
# one line of a message, with a token behind it.
_URL = re.compile(r"[A-Za-z0-9\-._~:/\[\]@!$&'()*+;=%]{1,300}\Z")
_LEAST_COMMAND_LINE = 512  # RFC 5321 section 4.5.3.1.4
_LEAST_RECIPIENTS = 100  # RFC 5321 section 4.5.3.1.8

_SIGNUP_RATES = ("calm_network", "calm_list", "network", "list", "waited")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def contradictions(settings: Settings) -> Iterator[Finding]:
    """Yield what cannot work."""
    yield from _names(settings)
    yield from _same_address_twice(settings)
    yield from _overlapping_networks(settings)
    yield from _certificate_missing(settings)
    yield from _limits(settings)
    yield from _signup(settings)
    yield from _api(settings)
    yield from _webhooks(settings)
    yield from _smarthosts(settings)
    yield from _store(settings)
    yield from inbound.contradictions(settings)


def doubts(settings: Settings) -> Iterator[Finding]:
    """Yield what works, and is probably not meant."""
    submission = settings.submission
    if not submission.listener:
        yield Finding(("submission",), "there is no [[submission.listener]]: no one can hand in mail")
    for index, listener in enumerate(submission.listener):
        if listener.auth_without_tls and not is_loopback(listener.listen.host):
            path = ("submission", "listener", index, "auth_without_tls")
            yield Finding(path, f"passwords cross the network in the clear at {listener.listen}")
    for index, trusted in enumerate(submission.trusted):
        if trusted.network.prefixlen == 0:
            path = ("submission", "trusted", index, "network")
            yield Finding(path, f"the whole internet may send as the account {trusted.account}")
    yield from inbound.doubts(settings)
    url = urlsplit(settings.web.public_url)
    if url.scheme != "https" and not is_loopback(url.hostname or ""):
        yield Finding(("web", "public_url"), "one-click unsubscribe wants https (RFC 8058 section 3.1)")
    if not settings.relay.smarthost:
        yield Finding(("relay",), "there is no [[relay.smarthost]]: accepted mail waits in the queue")
    for index, host in enumerate(settings.relay.smarthost):
        if host.username and host.tls in {"none", "opportunistic"} and not is_loopback(host.host):
            path = ("relay", "smarthost", index, "tls")
            yield Finding(path, f'"{host.tls}" may send the password to {host.host} in the clear')


def _names(settings: Settings) -> Iterator[Finding]:
    hostname = settings.gateway.hostname
    if _bad_address(f"postmaster@{hostname}") is not None:
        yield Finding(("gateway", "hostname"), f'"{hostname}" is no host name')
    elif not hostname.isascii():  # it stands in greetings (RFC 5321 section 4.1.2) and in fields of messages
        yield Finding(("gateway", "hostname"), f'write "{ascii_domain(hostname)}", the name in A-labels')
    domain = settings.signing.provider_domain
    if domain and _bad_address(f"postmaster@{domain}") is not None:
        yield Finding(("signing", "provider_domain"), f'"{domain}" is no domain')
    for key, mailbox in (
        ("unsubscribe_mailbox", settings.web.unsubscribe_mailbox),
        ("letters_from", settings.web.letters_from),
    ):
        if mailbox and (why := _bad_address(mailbox)) is not None:
            yield Finding(("web", key), why)
    url = urlsplit(settings.web.public_url)
    if not url.hostname or url.query or url.fragment:
        yield Finding(("web", "public_url"), "must have a host, and neither query nor fragment")
    elif not _URL.match(settings.web.public_url):
        reason = "must be a URL in ASCII: names in A-labels, all other letters in percents"
        yield Finding(("web", "public_url"), reason)
    for index, trusted in enumerate(settings.submission.trusted):
        if not trusted.account:
            yield Finding(("submission", "trusted", index, "account"), "must name an account")


def _bad_address(address: str) -> str | None:
    try:
        parse_address(address)
    except MalformedAddress as error:
        return str(error)
    return None


def _same_address_twice(settings: Settings) -> Iterator[Finding]:
    """Two sockets cannot share a port, and a wildcard takes the port of every address."""
    taken: list[tuple[tuple[str | int, ...], Endpoint]] = []
    wanted: list[tuple[tuple[str | int, ...], Endpoint]] = [
        (("web", "listen"), settings.web.listen),
        (("metrics", "listen"), settings.metrics.listen),
        *(((server, "listener", index, "listen"), one.listen) for server, index, one in _listeners(settings)),
    ]
    for path, here in wanted:
        for other_path, other in taken:
            if here.port and here.port == other.port and _hosts_meet(here.host, other.host):
                yield Finding(path, f"{here} is taken already, by {dotted(other_path)}")
                break
        taken.append((path, here))


def _listeners(settings: Settings) -> Iterator[tuple[str, int, SmtpListenerSection]]:
    """Yield every SMTP listener with its table and its place there."""
    for index, one in enumerate(settings.submission.listener):
        yield "submission", index, one
    for index, other in enumerate(settings.inbound.listener):
        yield "inbound", index, other


def _hosts_meet(one: str, other: str) -> bool:
    return one.casefold() == other.casefold() or bool(_WILDCARDS & {one, other})


def _overlapping_networks(settings: Settings) -> Iterator[Finding]:
    """A source address must belong to one account."""
    trusted = settings.submission.trusted
    for index, one in enumerate(trusted):
        for earlier in trusted[:index]:
            if one.network.version == earlier.network.version and one.network.overlaps(earlier.network):
                reason = f"{one.network} overlaps {earlier.network}, trusted for {earlier.account}"
                yield Finding(("submission", "trusted", index, "network"), reason)
                break


def _certificate_missing(settings: Settings) -> Iterator[Finding]:
    tls = settings.tls
    if (tls.certificate is None) != (tls.key is None):
        there, absent = ("key", "certificate") if tls.certificate is None else ("certificate", "key")
        yield Finding(("tls", there), f"needs tls.{absent} too")
    for server, index, listener in _listeners(settings):
        path = (server, "listener", index, "tls")
        if listener.tls != "none" and tls.certificate is None and tls.key is None:
            yield Finding(path, f'"{listener.tls}" needs tls.certificate and tls.key, or write tls = "none"')


def _limits(settings: Settings) -> Iterator[Finding]:
    limits, relay = settings.submission.limits, settings.relay
    for path, rate in (
        (("submission", "limits", "failed_logins"), limits.failed_logins),
        (("web", "bad_links"), settings.web.bad_links),
    ):
        try:
            parse_rate(rate)
        except BadRate as error:
            yield Finding(path, str(error))
    yield from _smtp_limits("submission", limits)
    yield from _smtp_limits("inbound", settings.inbound.limits)
    if limits.message_size > settings.spool.max_size:
        reason = "is less than submission.limits.message_size: the largest message would never fit"
        yield Finding(("spool", "max_size"), reason)
    if relay.first_retry > relay.longest_retry:
        yield Finding(("relay", "first_retry"), "is longer than relay.longest_retry")
    if not relay.first_retry:
        yield Finding(("relay", "first_retry"), "must be longer than nothing: the next hop needs time")


def _smtp_limits(server: str, limits: SmtpLimitsSection) -> Iterator[Finding]:
    if limits.command_line < _LEAST_COMMAND_LINE:
        reason = f"must be at least {_LEAST_COMMAND_LINE} octets (RFC 5321 section 4.5.3.1.4)"
        yield Finding((server, "limits", "command_line"), reason)
    if limits.recipients < _LEAST_RECIPIENTS:
        reason = f"must be at least {_LEAST_RECIPIENTS} (RFC 5321 section 4.5.3.1.8)"
        yield Finding((server, "limits", "recipients"), reason)
    if limits.message_size < 1:
        yield Finding((server, "limits", "message_size"), "must be at least 1 octet")
    if limits.contents < limits.message_size:
        reason = f"is less than {server}.limits.message_size: the largest message would never be taken"
        yield Finding((server, "limits", "contents"), reason)


def _signup(settings: Settings) -> Iterator[Finding]:
    signup, recommendation = settings.signup, settings.recommendation
    for path, rate in (
        *((("signup", key), getattr(signup, key)) for key in _SIGNUP_RATES),
        *((("recommendation", key), getattr(recommendation, key)) for key in ("person", "tries")),
    ):
        try:
            parse_rate(rate)
        except BadRate as error:
            yield Finding(path, str(error))
    if not signup.expires:
        yield Finding(("signup", "expires"), "must be longer than nothing: people need time to answer")
    if signup.reminder >= signup.expires > 0:
        yield Finding(("signup", "reminder"), "must be shorter than signup.expires")
    if signup.person_day < signup.person_hour:
        yield Finding(("signup", "person_day"), "is less than signup.person_hour")


def _api(settings: Settings) -> Iterator[Finding]:
    for key, text in (("rate", settings.api.rate), ("failed_keys", settings.api.failed_keys)):
        try:
            parse_rate(text)
        except BadRate as error:
            yield Finding(("api", key), str(error))


def _webhooks(settings: Settings) -> Iterator[Finding]:
    webhooks = settings.webhooks
    if not webhooks.timeout:
        yield Finding(("webhooks", "timeout"), "must be longer than nothing: the receiver needs time")
    if not webhooks.first_retry:
        yield Finding(("webhooks", "first_retry"), "must be longer than nothing: the receiver needs time")
    if webhooks.first_retry > webhooks.longest_retry:
        yield Finding(("webhooks", "first_retry"), "is longer than webhooks.longest_retry")
    if webhooks.give_up >= settings.store.keep_events:
        reason = "must be shorter than store.keep_events: what is older is not there any more"
        yield Finding(("webhooks", "give_up"), reason)


def _smarthosts(settings: Settings) -> Iterator[Finding]:
    for index, host in enumerate(settings.relay.smarthost):
        where = ("relay", "smarthost", index)
        if not host.host or any(char.isspace() for char in host.host):
            yield Finding((*where, "host"), "must be a host name or an address")
        yield from _credentials(host, where)


def _credentials(host: SmarthostSection, where: tuple[str | int, ...]) -> Iterator[Finding]:
    if host.username and host.password_file is None:
        yield Finding((*where, "username"), "needs password_file too: passwords stand in files of their own")
    if host.password_file is not None and not host.username:
        yield Finding((*where, "password_file"), "needs username too")


def _store(settings: Settings) -> Iterator[Finding]:
    if settings.store.url and not settings.store.url.startswith("sqlite:"):
        yield Finding(("store", "url"), 'must start with "sqlite:", or be "" for SQLite in the state folder')
