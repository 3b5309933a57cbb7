"""Whether a sign-up passes at once, by the extra step, or not now.

Nobody is asked to read distorted letters, and no third party is asked who somebody is. A form of ours that
looks like a person's passes at once for as long as its network and the list are calm; else, and for a form
that stood on another site, there is one more page, on which the browser works for a moment, or, without
scripts, its owner waits. Programs can do both, slowly.

What it promises: nothing passes that does not bring a time of ours, so a program that only posts gets no
letter sent, and uses up no calm; it never looks at the address, so what it says tells nothing of it; each
step is good for one sign-up; the counts are those of ``ports.Quota``, right across all processes of a
machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.model.rate import Rate, parse_rate
from gateway.ports import Clock, Entropy, Quota
from gateway.settings.schema import SignupSection
from gateway.web.stamp import CHANCE_LENGTH, Stamp, StampKind, is_worked, open_stamp, seal_stamp

_FORM_LIFE = 86_400.0  # seconds that a form may stay open
_STEP_LIFE = 3600.0
_ONCE = Rate(1, 86_400)  # longer than either lives
_COMPLAINTS = 5  # that take the whole of a list's calm


@dataclass(frozen=True, slots=True)
class Knock:
    """A form that came in. ``trapped``: a field is filled in that no person sees."""

    place: str
    network: str
    stamp: str
    work: str
    trapped: bool


@dataclass(frozen=True, slots=True)
class Pass:
    """Let it in; ``how``: calm, worked, waited."""

    how: str


@dataclass(frozen=True, slots=True)
class Step:
    """Show the extra step: with this stamp; ``early``: it was taken before its wait was over."""

    stamp: str
    early: bool = False


@dataclass(frozen=True, slots=True)
class NotNow:
    """Too many; there is room again in ``wait`` seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class Wall:
    """Judges forms. ``keys``: all that check; ``signer``: (key id, key). A reload shows at once."""

    quota: Quota
    clock: Clock
    entropy: Entropy
    keys: Callable[[], Mapping[int, bytes]]
    signer: Callable[[], tuple[int, bytes]]
    settings: Callable[[], SignupSection]

    def stamp(self, place: str, kind: StampKind = StampKind.FORM) -> str:
        """Return a new stamp for a page of ours."""
        new = Stamp(kind, self.clock.now(), self.entropy.octets(CHANCE_LENGTH))
        return seal_stamp(new, place, *self.signer())

    def judge(self, knock: Knock) -> Pass | Step | NotNow:
        """Say whether a form passes."""
        settings = self.settings()
        stamp = open_stamp(knock.stamp, knock.place, self.keys())
        age = self.clock.now() - stamp.at if stamp else 0.0
        if stamp and stamp.kind is StampKind.STEP and 0 <= age < _STEP_LIFE:
            worked = is_worked(knock.stamp, knock.work, settings.work)
            if not worked and age < settings.wait:
                return Step(knock.stamp, early=True)
            return self._after_step(knock, stamp, worked="worked" if worked else "waited")
        timely = stamp is not None and settings.quickest <= age < _FORM_LIFE
        if knock.trapped or not timely or not self._is_calm(knock):
            return Step(self.stamp(knock.place, StampKind.STEP))
        return self._room(knock) or Pass("calm")

    def complain(self, place: str) -> None:
        """Take a part of a list's calm: somebody says that the form was filled in with their address."""
        rate = parse_rate(self.settings().calm_list)
        part = max(1, rate.amount // _COMPLAINTS)
        self.quota.reserve(b"signup " + _calm_list(place), [rate], 0, self.clock.now(), part)

    def _after_step(self, knock: Knock, stamp: Stamp, *, worked: str) -> Pass | Step | NotNow:
        if self._take(b"once:" + stamp.chance, _ONCE, 1):
            return Step(self.stamp(knock.place, StampKind.STEP))
        settings = self.settings()
        rates = {"network": settings.network}
        if worked == "waited":
            rates["waited"] = settings.waited
        for name, rate in rates.items():
            if wait := self._take(f"{name}:{knock.network}".encode(), parse_rate(rate)):
                return NotNow(wait)
        return self._room(knock) or Pass(worked)

    def _is_calm(self, knock: Knock) -> bool:
        settings = self.settings()
        network = self._take(f"calm:{knock.network}".encode(), parse_rate(settings.calm_network))
        return not network and not self._take(_calm_list(knock.place), parse_rate(settings.calm_list))

    def _room(self, knock: Knock) -> NotNow | None:
        wait = self._take(f"list:{knock.place}".encode(), parse_rate(self.settings().list))
        return NotNow(wait) if wait else None

    def _take(self, key: bytes, rate: Rate, burst: int = 0) -> float:
        """Take one, and return 0, or how long there is none."""
        return self.quota.reserve(b"signup " + key, [rate], burst, self.clock.now()).wait


def _calm_list(place: str) -> bytes:
    return f"calm list:{place}".encode()
