"""The MX side of a worker, put together: mailboxes, the desks that read them, and what they write."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.app.configuration import Configuration
from gateway.inbound.desk import Desk
from gateway.inbound.forwarding import ForwardDesk, ForwardWorld
from gateway.inbound.house_mail import Outgoing
from gateway.inbound.leaving import Leaving
from gateway.inbound.mailboxes import ABUSE, POSTMASTER, UNSUBSCRIBE, Directory
from gateway.inbound.reception import Reception, ReceptionWorld
from gateway.inbound.unsubscribing import UnsubscribeDesk, UnsubscribeWorld
from gateway.model.address import parse_address
from gateway.ports import Clock, Dispatch, Entropy, Keyring, Meter, Quota, Spool
from gateway.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Means:
    """What the MX side takes of its worker; what a reload swaps comes as a callable."""

    configuration: Callable[[], Configuration]
    leaving: Leaving
    keyring: Keyring
    quota: Quota
    spool: Spool
    dispatch: Dispatch
    clock: Clock
    entropy: Entropy
    meter: Meter

    def settings(self) -> Settings:
        """Return the settings in force."""
        return self.configuration().settings


def open_reception(means: Means) -> Reception:
    """Build the intake with all its desks."""
    return Reception(
        ReceptionWorld(
            directory=lambda: directory_of(means.settings()),
            desks=_desks(means, open_outgoing(means)),
            spool=means.spool,
            clock=means.clock,
            entropy=means.entropy,
            meter=means.meter,
        )
    )


def directory_of(settings: Settings) -> Directory:
    """Return the mailboxes that the settings name."""
    mailbox = parse_address(settings.unsubscribe_mailbox)
    return Directory(settings.gateway.hostname, settings.inbound.domains, mailbox)


def open_outgoing(means: Means) -> Outgoing:
    """Return where mail of the house goes out."""
    return Outgoing(
        hostname=lambda: means.configuration().hostname,
        signing_domain=means.settings().signing.provider_domain,
        spool=means.spool,
        dispatch=means.dispatch,
        clock=means.clock,
        entropy=means.entropy,
    )


def _desks(means: Means, outgoing: Outgoing) -> dict[str, Desk]:
    """One desk for each mailbox of the directory."""
    leaving = UnsubscribeWorld(
        leaving=means.leaving,
        keys=lambda: means.configuration().tokens.keys,
        mailbox=lambda: parse_address(means.settings().unsubscribe_mailbox),
        section=lambda: means.settings().inbound,
        keyring=means.keyring,
        quota=means.quota,
        outgoing=outgoing,
        clock=means.clock,
        meter=means.meter,
    )
    forwarding = ForwardWorld(lambda: means.settings().inbound, means.quota, outgoing, means.clock)
    return {
        UNSUBSCRIBE: UnsubscribeDesk(leaving),
        POSTMASTER: ForwardDesk(POSTMASTER, forwarding),
        ABUSE: ForwardDesk(ABUSE, forwarding),
    }
