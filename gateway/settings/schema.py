"""What ``gateway.toml`` may say: frozen types with their defaults.

``config/gateway.toml`` shows every key with its default and its reason; a test holds the two together.
``policy.toml`` has one table for each policy, which the policy itself checks (``policies/``).
Durations are written as numbers of seconds or as ``"30s"``, ``"17 mins"``, ``"5 days"``; sizes as octets or
``"25 MiB"``; addresses to listen at as ``"HOST:PORT"``.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.model.spelling import Rules, SpellingRule
from gateway.settings.units import Endpoint, duration, endpoint, octets

Duration = Annotated[float, BeforeValidator(duration), Field(ge=0, allow_inf_nan=False)]
Size = Annotated[int, BeforeValidator(octets), Field(ge=0)]
Listen = Annotated[Endpoint, BeforeValidator(endpoint)]
Network = IPv4Network | IPv6Network


def _https_or_http(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("write an absolute http or https URL")
    return url.rstrip("/")


class _Table(BaseModel):
    """A table of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class GatewaySection(_Table):
    """``[gateway]``: the house as a whole."""

    hostname: str = "localhost"
    state_dir: Path = Path("state")
    policy_file: Path = Path("policy.toml")
    workers: int = Field(default=0, ge=0, le=256)  # 0: one for each core
    drain: Duration = 20.0  # SIGTERM ends within this


class SmtpListenerSection(_Table):
    """One ``[[inbound.listener]]``, and what every SMTP listener is told."""

    listen: Listen
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    proxy_from: tuple[Network, ...] = ()


class ListenerSection(SmtpListenerSection):
    """One ``[[submission.listener]]``."""

    auth_without_tls: bool = False


class TrustedSection(_Table):
    """One ``[[submission.trusted]]``: a network whose sessions belong to an account without AUTH."""

    network: Network
    account: str


class SmtpLimitsSection(_Table):
    """What every SMTP server bounds."""

    message_size: Size = 26_214_400
    contents: Size = 134_217_728  # octets being received at once, for each worker
    recipients: int = Field(default=1000, ge=1)
    command_line: Size = 4096
    commands: int = Field(default=10_000, ge=10)  # in one session, counted anew after each message
    errors: int = Field(default=20, ge=1)  # refused commands in one session
    idle: Duration = 300.0
    data: Duration = 600.0  # for the whole content
    connections_per_source: int = Field(default=100, ge=1)
    messages_per_connection: int = Field(default=0, ge=0)  # 0: no limit


class LimitsSection(SmtpLimitsSection):
    """``[submission.limits]``."""

    connections_per_account: int = Field(default=200, ge=1)
    failed_logins: str = "10/min"  # per source


class SmtpSection(_Table):
    """What every SMTP server is told."""

    listener: tuple[SmtpListenerSection, ...] = ()
    limits: SmtpLimitsSection = SmtpLimitsSection()
    bare_newlines: Literal["rewrite", "refuse"] = "rewrite"


class SubmissionSection(SmtpSection):
    """``[submission]``."""

    listener: tuple[ListenerSection, ...] = ()
    trusted: tuple[TrustedSection, ...] = ()
    limits: LimitsSection = LimitsSection()
    login_cache: Duration = 60.0


class InboundLimitsSection(SmtpLimitsSection):
    """``[inbound.limits]``: strangers get less."""

    message_size: Size = 10_485_760
    contents: Size = 33_554_432
    recipients: int = Field(default=100, ge=1)
    command_line: Size = 2048
    commands: int = Field(default=500, ge=10)
    errors: int = Field(default=10, ge=1)
    connections_per_source: int = Field(default=20, ge=1)
    messages_per_connection: int = Field(default=100, ge=0)


class InboundSection(SmtpSection):
    """``[inbound]``: mail for the house's own mailboxes."""

    listener: tuple[SmtpListenerSection, ...] = ()
    limits: InboundLimitsSection = InboundLimitsSection()
    domains: tuple[str, ...] = ()  # beside the hostname, and the domain of web.unsubscribe_mailbox
    operator: str = ""  # who reads postmaster@ and abuse@
    forwards: str = "100/h"  # letters handed on to the operator
    answers_per_source: str = "100/h"
    answers: str = "1000/h"


class TlsSection(_Table):
    """``[tls]``: the server's own certificate."""

    certificate: Path | None = None
    key: Path | None = None


class SecretsSection(_Table):
    """``[secrets]``: files with mode 0600, or names of systemd credentials (``credential:NAME``)."""

    master_key: str = "secrets/master.key"
    token_keys: str = "secrets/token.keys"  # noqa: S105 - the name of a file


class WebSection(_Table):
    """``[web]``: the pages behind the links."""

    listen: Listen = Endpoint("127.0.0.1", 8080)
    public_url: Annotated[str, AfterValidator(_https_or_http)] = "http://127.0.0.1:8080"
    unsubscribe_mailbox: str = ""  # for mailto; "": unsubscribe@HOSTNAME
    confirmation: Literal["page", "email"] = "page"
    letters_from: str = ""  # "": no-reply@ the provider's signing domain, else our host name
    undo: Duration = 86_400.0
    bad_links: str = "60/min"  # for each network
    connections_per_source: int = Field(default=100, ge=1)
    forwarded_from: tuple[Network, ...] = ()


class SignupSection(_Table):
    """``[signup]``: the forms by which people join lists, and the letters that ask whether it was them."""

    expires: Duration = 604_800.0
    reminder: Duration = 0.0  # 0: only who asks again gets one
    person_hour: int = Field(default=5, ge=1)  # letters to one person, whatever the lists and accounts
    person_day: int = Field(default=10, ge=1)
    calm_network: str = "5/h"  # sign-ups of one network without the extra step
    calm_list: str = "100/h"
    network: str = "30/h"  # with it
    list: str = "600/h"
    waited: str = "5/h"  # of one network, with the extra step taken without a script
    wait: Duration = 20.0
    quickest: Duration = 2.0  # in which a person fills in a form
    work: int = Field(default=16, ge=1, le=24)  # bits


class RecommendationSection(_Table):
    """``[recommendation]``: a reader tells a friend of a list."""

    offered: bool = True
    person: str = "5/d"  # recommendations of one reader
    friend_day: int = Field(default=2, ge=1)  # invitations to one person, whatever the accounts
    tries: str = "10/d"  # at the reader's own address, for each link


class ApiSection(_Table):
    """``[api]``: the HTTP API for programs of tenants, at ``/api/v1`` beside the pages."""

    rate: str = "10/s"  # requests of one key
    burst: int = Field(default=50, ge=1)
    failed_keys: str = "30/min"  # per source
    file_size: Size = 268_435_456  # octets of an import's file


class WebhooksSection(_Table):
    """``[webhooks]``: how tenants' URLs are told what happens."""

    allow: tuple[Network, ...] = ()  # networks that are not public, and may be reached; plain http only there
    timeout: Duration = 15.0  # for one attempt as a whole
    first_retry: Duration = 5.0
    longest_retry: Duration = 3600.0
    give_up: Duration = 259_200.0
    concurrency: int = Field(default=200, ge=1, le=10_000)  # attempts at once


class LinkCheckSection(_Table):
    """``[link_check]``: whether the hosts of senders' own unsubscribe links are asked for a sign of life."""

    enabled: bool = False
    timeout: Duration = 10.0
    rate: str = "600/h"  # hosts asked


class MetricsSection(_Table):
    """``[metrics]``: Prometheus and health, on an address that is not public."""

    listen: Listen = Endpoint("127.0.0.1", 9095)


class AccountsSection(_Table):
    """``[accounts]``: what becomes of one that is cancelled."""

    grace: Duration = 2_592_000.0  # from the cancellation to the erasure
    keep_do_not_mail: Literal["nobody", "complained", "left"] = "complained"
    vacuum_below: Size = 268_435_456  # octets of the store's file


class AddressesSection(_Table):
    """``[addresses]``: which spellings are one mailbox, beyond the standard (gateway.model.spelling)."""

    rules: tuple[SpellingRule, ...] = ()

    @property
    def spelling(self) -> Rules:
        """The rules as the keyring takes them."""
        return frozenset(self.rules)


class ImportsSection(_Table):
    """``[imports]``: what is known here when a tenant brings many addresses; the rules are policy.toml's."""

    spam_traps: Path | None = None  # an address or "@domain" a line
    resolvers: tuple[Listen, ...] = ()  # DNS servers; (): the system's


class StoreSection(_Table):
    """``[store]``: accounts, lists, subscriptions, events."""

    url: str = ""  # "": SQLite in the state folder
    timeout: Duration = 5.0
    keep_events: Duration = 7_776_000.0


class SpoolSection(_Table):
    """``[spool]``: the durable queue."""

    max_size: Size = 10_737_418_240  # octets of content, for each worker
    min_free: Size = 104_857_600  # octets left on the disk
    commit_batch: int = Field(default=500, ge=1)  # operations in one transaction, at most


class SmarthostSection(_Table):
    """One ``[[relay.smarthost]]``, tried in this order."""

    host: str
    port: int = Field(default=25, ge=1, le=65535)
    tls: Literal["none", "opportunistic", "require", "implicit"] = "opportunistic"
    verify: bool = True  # the certificate, with require and implicit
    ca_file: Path | None = None
    username: str = ""
    password_file: Path | None = None


class TimeoutsSection(_Table):
    """``[relay.timeouts]``, RFC 5321 section 4.5.3.2."""

    connect: Duration = 30.0
    command: Duration = 300.0
    data: Duration = 600.0
    idle: Duration = 30.0  # an unused connection is closed after this


class RelaySection(_Table):
    """``[relay]``."""

    smarthost: tuple[SmarthostSection, ...] = ()
    connections: int = Field(default=20, ge=1)  # to one host, for each worker
    messages_per_connection: int = Field(default=1000, ge=1)
    timeouts: TimeoutsSection = TimeoutsSection()
    first_retry: Duration = 60.0
    longest_retry: Duration = 14_400.0
    max_age: Duration = 432_000.0
    ready: int = Field(default=2000, ge=1)  # copies in memory, for each worker
    ready_size: Size = 67_108_864  # octets in memory, for each worker
    ready_per_account: int = Field(default=500, ge=1)


class SigningSection(_Table):
    """``[signing]``: the provider's own signature, beside the one of the From: domain."""

    provider_domain: str = ""


class LogSection(_Table):
    """``[log]``: JSON lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(_Table):
    """The whole of ``gateway.toml``, paths made absolute against its folder."""

    gateway: GatewaySection = GatewaySection()
    submission: SubmissionSection = SubmissionSection()
    inbound: InboundSection = InboundSection()
    tls: TlsSection = TlsSection()
    secrets: SecretsSection = SecretsSection()
    web: WebSection = WebSection()
    signup: SignupSection = SignupSection()
    recommendation: RecommendationSection = RecommendationSection()
    api: ApiSection = ApiSection()
    webhooks: WebhooksSection = WebhooksSection()
    link_check: LinkCheckSection = LinkCheckSection()
    metrics: MetricsSection = MetricsSection()
    imports: ImportsSection = ImportsSection()
    store: StoreSection = StoreSection()
    accounts: AccountsSection = AccountsSection()
    addresses: AddressesSection = AddressesSection()
    spool: SpoolSection = SpoolSection()
    relay: RelaySection = RelaySection()
    signing: SigningSection = SigningSection()
    log: LogSection = LogSection()

    @property
    def unsubscribe_mailbox(self) -> str:
        """Where List-Unsubscribe's mailto leads."""
        return self.web.unsubscribe_mailbox or f"unsubscribe@{self.gateway.hostname}"

    @property
    def letters_from(self) -> str:
        """The address that our own letters come from: its domain is one that the provider signs for."""
        return self.web.letters_from or f"no-reply@{self.signing.provider_domain or self.gateway.hostname}"
