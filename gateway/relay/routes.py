"""The smarthosts in order, with fail-over: the first that is not put aside gets the copy.

What it promises: a host that cannot be reached, fails at TLS or AUTH, says 421 or breaks the dialogue is put
aside (``standing``), and the copy goes to the next host at once unless this one may have taken it. When all
are aside it raises HopUnreachable with the time until which that lasts. A changed ``[relay]`` section, and a
password or authorities that a reload has read anew, take effect with the next copy.
"""

from collections.abc import Awaitable, Callable, Sequence

from gateway.ports import Clock, Copy, Entropy, HopBroken, HopReply, HopUnreachable, Meter
from gateway.relay.client import Connection, Patience, Stale, dial
from gateway.relay.pool import Census, Pool
from gateway.relay.record import NO_REPLY, broken
from gateway.relay.standing import Standing
from gateway.relay.target import Target
from gateway.settings.files import Files
from gateway.settings.schema import RelaySection, Settings


class _Host:
    """A smarthost in use."""

    def __init__(self, target: Target, relay: RelaySection, hostname: str, census: Census) -> None:
        patience = Patience(relay.timeouts.connect, relay.timeouts.command, relay.timeouts.data)

        def open_session() -> Awaitable[Connection]:
            return dial(target, hostname, patience)

        self.label = target.label
        self.standing = Standing()
        self.pool = Pool(
            open_session, census, relay.connections, relay.messages_per_connection, relay.timeouts.idle
        )


class Routes:
    """The NextHop of a gateway that hands its mail to smarthosts."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        files: Callable[[], Files],
        clock: Clock,
        entropy: Entropy,
        meter: Meter,
    ) -> None:
        self._settings = settings
        self._files = files
        self._clock = clock
        self._entropy = entropy
        self._census = Census(meter)
        self._built_from: Settings | None = None
        self._matters: tuple[object, ...] = ()
        self._hosts: tuple[_Host, ...] = ()

    async def send(self, copy: Copy) -> HopReply:
        """Hand one copy to the first host that takes it on; raise HopUnreachable or HopBroken."""
        while True:
            answer = await self._pass_along(copy)
            if answer is not None:
                return answer
            probed = next((host for host in self._current() if host.standing.is_probed), None)
            if probed is None:
                raise self._unreachable()
            await probed.standing.probed()

    async def _pass_along(self, copy: Copy) -> HopReply | None:
        """Try each host that may be tried, once; None: no host has said anything to the copy."""
        answer = None
        for host in self._in_turn(copy):
            if host.standing.is_probed or host.standing.is_aside(self._clock.now()):
                continue
            reply = await self._try(host, copy)
            if reply is not None and reply.code != 421 and reply.command != NO_REPLY:
                return reply
            answer = reply or answer
        return answer

    def _in_turn(self, copy: Copy) -> Sequence[_Host]:
        """Return the hosts in the order for this copy: one that was deferred before is nobody's probe first.

        Else a host that breaks at the end of data would have it again at each attempt, and never another.
        """
        hosts = self._current()
        if copy.delivery.attempts == 0:
            return hosts
        return sorted(hosts, key=lambda host: host.standing.is_doubtful)

    async def _try(self, host: _Host, copy: Copy) -> HopReply | None:
        """Send through one host; None: it has not taken the copy, and is aside now."""
        host.standing.begin()
        try:
            reply = await host.pool.send(copy)
        except Stale as error:
            # The hop was there and left in the middle, perhaps because of this very copy. Where no other
            # host takes it that is a failed try, so that the copy waits and is not the next probe as well.
            self._put_aside(host, str(error))
            return broken(str(error))
        except HopUnreachable as error:
            self._put_aside(host, str(error))
            return None
        except HopBroken as error:
            self._put_aside(host, str(error))
            raise
        except BaseException:
            host.standing.left()
            raise
        if reply.code == 421:
            self._put_aside(host, f"{host.label}: 421 {reply.text}")
        else:
            host.standing.succeeded()
        return reply

    def _put_aside(self, host: _Host, why: str) -> None:
        host.standing.failed(why, self._clock.now(), self._entropy.fraction())

    def _unreachable(self) -> HopUnreachable:
        hosts = self._current()
        if not hosts:
            return HopUnreachable("no smarthost is configured")
        return HopUnreachable(
            "; ".join(host.standing.why for host in hosts if host.standing.why),
            min(host.standing.until for host in hosts),
        )

    def _current(self) -> tuple[_Host, ...]:
        settings = self._settings()
        if settings is not self._built_from:
            self._built_from = settings
            files = self._files()
            targets = tuple(Target(section, files) for section in settings.relay.smarthost)
            matters = _matters(settings, targets)
            if matters != self._matters:
                self._matters = matters
                self._build(settings, targets)
        return self._hosts

    def _build(self, settings: Settings, targets: Sequence[Target]) -> None:
        self.close()
        relay, hostname = settings.relay, settings.gateway.hostname
        self._hosts = tuple(_Host(target, relay, hostname, self._census) for target in targets)

    def close(self) -> None:
        """Say QUIT on idle connections; busy ones are left when their copy is through."""
        for host in self._hosts:
            host.pool.close()


def _matters(settings: Settings, targets: Sequence[Target]) -> tuple[object, ...]:
    relay = settings.relay
    return (
        relay.smarthost,
        relay.connections,
        relay.messages_per_connection,
        relay.timeouts,
        settings.gateway.hostname,
        [target.secrets for target in targets],
    )
