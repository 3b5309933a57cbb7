"""What a policy is allowed to know. Every fact is fetched beforehand; a rule fetches nothing."""

from enum import StrEnum

from gateway.model.address import Address
from gateway.model.delivery import Delivery, Sender
from gateway.model.rate import Rate
from gateway.model.values import dataclass


class AccountState(StrEnum):
    """The enforcement ladder, as it stands for one account."""

    ACTIVE = "active"
    WARNED = "warned"
    UNDER_REVIEW = "under review"
    THROTTLED = "throttled"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"

    @property
    def may_send(self) -> bool:
        """Whether mail of such an account moves at all."""
        return self not in {AccountState.SUSPENDED, AccountState.CANCELLED}


class ConsentLevel(StrEnum):
    """The weakest basis that an account's policy takes."""

    CONFIRMED = "confirmed"  # double opt-in only: the default
    ASSERTED = "asserted"  # the tenant's statement, with evidence, too


class Basis(StrEnum):
    """Why we may write."""

    DOUBLE_OPT_IN = "double-opt-in"
    ASSERTED = "asserted"
    RECOMMENDED = "recommended"
    ACCOUNT = "account"


class SubscriptionState(StrEnum):
    """The bond between an address and a list; CONFIRMED is the one in force."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class OverQuota(StrEnum):
    """What an account's plan says of mail above its quota."""

    REFUSE = "refuse"  # 451 with the wait
    SHAPE = "shape"  # accept, and release at the rate


@dataclass(frozen=True, slots=True)
class MailList:
    """A subscription list; ``list_id`` is its RFC 2919 identifier without brackets."""

    id: int
    account_id: int
    list_id: str
    name: str
    description: str = ""  # what one subscribes to
    frequency: str = ""  # how often, in words: weekly
    language: str = ""  # of its footer, as "de" or "pt-BR"; "": the operator's


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant, as policies see it: no secret and no address in it."""

    id: int
    name: str
    state: AccountState
    state_reason: str
    consent: ConsentLevel
    rates: tuple[Rate, ...]  # all of them must be kept
    burst: int  # messages that may come at once; 0: the amount of the smallest period's rate
    over_quota: OverQuota
    domains: frozenset[str]  # verified sending domains, A-labels
    lists: tuple[MailList, ...]
    default_list: MailList | None
    terms: str = ""  # the version of the provider's terms that it accepted last; "": none
    terms_accepted_at: float | None = None
    erase_at: float | None = None  # when a cancelled one can be restored no longer; seconds since the epoch

    def list_named(self, list_id: str) -> MailList | None:
        """Return the account's list of that List-Id, folded, or None."""
        wanted = list_id.casefold()
        return next((one for one in self.lists if one.list_id.casefold() == wanted), None)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One bond, as it stands. Times: seconds since the epoch; ``changed_at``: when the state was entered."""

    list_id: int
    state: SubscriptionState
    basis: Basis
    changed_at: float
    paused_until: float = 0.0  # 0: not paused; a pause ends by itself


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that this account may not write to, whatever the list."""

    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class Bonds:
    """All that the consent book knows of one address at one account."""

    subscriptions: tuple[Subscription, ...] = ()
    suppression: Suppression | None = None


@dataclass(frozen=True, slots=True)
class QuotaFact:
    """A token already reserved (``wait`` 0), or the seconds until there would be one for ``rate``."""

    wait: float = 0.0
    rate: str = ""


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """What is known at MAIL."""

    account: Account
    sender: Sender


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What is known of a recipient.

    ``mail_list`` is None at RCPT, where the list is not named yet; the same rules run again after the
    content, when it is.
    """

    account: Account
    address: Address
    bonds: Bonds
    quota: QuotaFact = QuotaFact()
    mail_list: MailList | None = None
    now: float = 0.0  # seconds since the epoch: pauses end


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What is known of a whole message, once for all its recipients."""

    account: Account
    sender: Sender
    list_named: str  # what the message itself says, "" when nothing
    mail_list: MailList | None  # the account's list that it means
    unsubscribe_prefix: str = ""  # how the URL of every way out of ours begins


@dataclass(frozen=True, slots=True)
class Client:
    """Who handed the message in; for the Received line and for the account's own records."""

    ip: str
    port: int
    helo: str
    protocol: str  # SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA and the UTF8 forms, RFC 3848 and 6531
    authenticated: bool


@dataclass(frozen=True, slots=True)
class RewriteFacts:
    """What a rewriting policy may put into one recipient's copy."""

    account: Account
    mail_list: MailList
    submission_id: str
    recipient: Address
    client: Client
    hostname: str  # ours, for Received and Message-ID
    received_at: float
    unsubscribe_url: str  # https, this recipient's own
    unsubscribe_mailto: str  # mailto:, this recipient's own
    abuse_url: str
    why_url: str  # the page that says why this recipient gets it
    single_recipient: bool  # whether "for <address>" in Received tells no one about another


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What is known just before a copy goes out.

    The quota is a fact only for accounts that are shaped. ``bonds`` is None for what was judged a moment ago,
    when it came in, and for mail that is to no list; a copy that has waited is asked for anew.
    """

    account: Account
    delivery: Delivery
    quota: QuotaFact = QuotaFact()
    bonds: Bonds | None = None
    now: float = 0.0  # seconds since the epoch: pauses end
