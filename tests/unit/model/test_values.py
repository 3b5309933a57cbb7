"""Values are the library's frozen dataclasses in all but the time that it takes to make one."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, field, replace
from typing import Any

import pytest

from gateway.model.values import dataclass


@dataclass(frozen=True, slots=True)
class Plain:
    """Fields with and without defaults."""

    name: str
    size: int = 3
    tags: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """Looks at itself when it is made."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("less than nothing")


class Base:
    """No dataclass."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Based(Base):
    """Has a base, so the library makes it."""

    size: int
    more: int = 1


@dataclass(slots=True)
class Open:
    """No value: it changes."""

    count: int = 0


def test_it_takes_places_and_names_and_fills_in_defaults() -> None:
    assert Plain("a") == Plain("a", 3, []) == Plain(tags=[], size=3, name="a")
    assert Plain("a").tags is not Plain("a").tags
    with pytest.raises(TypeError):
        Plain()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Plain("a", colour="red")  # type: ignore[call-arg]


def test_it_is_of_its_own_class_and_frozen() -> None:
    one = Plain("a")
    assert type(one) is Plain
    with pytest.raises(FrozenInstanceError):
        one.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.name
    assert not hasattr(one, "__dict__")


def test_it_looks_and_compares_like_the_library_s() -> None:
    assert repr(Plain("a", note="n")) == "Plain(name='a', size=3, tags=[])"
    assert Plain("a", note="n") == Plain("a", note="m")
    assert hash(Checked(1)) == hash(Checked(1))
    match Plain("a", 5):
        case Plain(name, size):
            assert (name, size) == ("a", 5)
    assert list(inspect.signature(Plain).parameters) == ["name", "size", "tags", "note"]


def test_it_is_checked_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        Checked(-1)
    assert replace(Checked(1), size=2) == Checked(2)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_it_can_be_copied(again: Any) -> None:
    one = Plain("a", 4, ["x"], "kept")
    assert dataclasses.astuple(again(one)) == dataclasses.astuple(one)


def test_what_it_cannot_make_quickly_is_the_library_s() -> None:
    assert Based(1, more=2) == Based(1, 2)
    with pytest.raises(FrozenInstanceError):
        Based(1).more = 3  # type: ignore[misc]
    one = Open()
    one.count += 1
    assert one == Open(1)


def test_it_has_no_heirs() -> None:
    with pytest.raises(TypeError, match="Heir"):

        class Heir(Plain):
            pass
