"""Whether a message already shows its reader a way to leave, and what that was seen by."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class WayOut(StrEnum):
    """What was found in a text, or in all texts of a message."""

    OWN = "own"  # a link of ours, or a placeholder that becomes one
    SENDER = "sender"  # a link of the sender's, visible and functional
    HIDDEN = "hidden"  # there is one, and a reader does not see it
    BROKEN = "broken"  # there is one, and it leads nowhere
    MISSING = "missing"

    @property
    def suffices(self) -> bool:
        """Whether a reader can leave without anything of ours being added."""
        return self in {WayOut.OWN, WayOut.SENDER}

    @property
    def is_tampering(self) -> bool:
        """Whether this takes away from readers what it pretends to give."""
        return self in {WayOut.HIDDEN, WayOut.BROKEN}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why. ``rule`` is a slug of a small set; the rest is the sender's and may hold anything.

    ``selector`` names the element that decided, ``declaration`` what it says, ``excerpt`` shows the link.
    All of them are bounded in length.
    """

    rule: str = ""
    selector: str = ""
    declaration: str = ""
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A way out, or its lack, with its evidence. ``host``: what a web link of the sender's asks, else ""."""

    verdict: WayOut
    evidence: Evidence = Evidence()
    host: str = ""


MISSING = Finding(WayOut.MISSING)


def worst(findings: Sequence[Finding]) -> Finding:
    """Return what counts for a message of several texts: what takes a way out away, then what lacks one."""
    for wanted in (WayOut.HIDDEN, WayOut.BROKEN, WayOut.MISSING, WayOut.SENDER, WayOut.OWN):
        for finding in findings:
            if finding.verdict is wanted:
                return finding
    return MISSING


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What rewriting does to a message, in a word, and the way out that its texts showed before."""

    outcome: str
    finding: Finding = MISSING
