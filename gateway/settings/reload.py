"""Changing the config of a running program: validate, then swap one reference; else keep the old.

Whoever holds a value goes on with it: a message in flight keeps the shelf it began with. The files come from
the supervisor, which has accepted them; ``reload`` never raises what is wrong with them, it returns it.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.settings.files import Files
from gateway.settings.problem import BadConfig, ConfigProblem

T = TypeVar("T")


class Reloadable(Generic[T]):
    """A value read from files. ``read`` gives a new one or raises BadConfig."""

    def __init__(self, value: T, read: Callable[[Files], T]) -> None:
        self._value = value
        self._read = read

    @property
    def current(self) -> T:
        """The value in force: read it once for each piece of work."""
        return self._value

    def reload(self, files: Files) -> tuple[ConfigProblem, ...]:
        """Read anew from these files. Nothing returned: the new value is in force; else what is wrong."""
        try:
            value = self._read(files)
        except BadConfig as error:
            return error.problems
        self._value = value
        return ()
