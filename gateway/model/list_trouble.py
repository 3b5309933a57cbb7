"""Why a list cannot be made, changed or deleted: what an account may be told of it."""

from enum import StrEnum

from gateway.model.values import dataclass


class ListTrouble(StrEnum):
    """What is wrong."""

    UNKNOWN = "unknown"  # the account has none of that List-Id
    THERE = "there"  # it has one already
    FULL = "full"  # it has as many as it may
    FOREIGN = "foreign"  # the List-Id lies in no domain of the account's
    WORDS = "words"  # a name or a text that breaks its rules
    IN_USE = "in-use"  # something has happened with it, and links in mail name it


@dataclass(frozen=True, slots=True)
class ListRefused:
    """No, and why; ``detail`` is for people, where there is more to say."""

    why: ListTrouble
    detail: str = ""
