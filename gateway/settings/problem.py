"""What is wrong with a config file, as a value: the file, the line, the key, the reason.

``ConfigProblem`` is one finding; ``BadConfig`` carries all of them, so that one run of ``consentry check``
tells everything that has to be put right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One finding. ``line`` is 0 where no line is to blame, ``key`` "" where no key is."""

    file: Path
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.key}: {self.reason}" if self.key else f"{where}: {self.reason}"


class BadConfig(Exception):
    """The config cannot be used; ``problems`` says all that is wrong with it, in the order of the files."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says, before the file and the line are looked up. ``path`` as in ``lines.locate``."""

    path: tuple[str | int, ...]
    reason: str


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as people write it: ``submission.listener[0].listen``."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown
