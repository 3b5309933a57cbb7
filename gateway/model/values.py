"""The standard library's frozen dataclasses, made in a third of the time.

A frozen dataclass fills each of its fields by a call of ``object.__setattr__``; a message is some forty
values on its way, and making them was 6 % of its CPU. Here a value is filled while it is an instance of an
open class of the same layout, where an assignment is one instruction, and is then given its class. In all
else it is the library's: frozen and slotted, with its repr, equality, hash, patterns and ``replace``.
Such a class has no heirs; one with a base, or with a field that its constructor does not take by place, is
left as the library made it.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, slots: Literal[True], frozen: bool = False) -> Callable[[type[T]], type[T]]:
        """Decorate a class, in one of the two forms of the house."""
        library = dataclasses.dataclass(slots=slots, frozen=frozen)
        return lambda cls: _quickly_made(library(cls)) if frozen else library(cls)


def _quickly_made(cls: type[T]) -> type[T]:
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]  # it is a dataclass, as of the call before
    if cls.__bases__ != (object,) or not all(one.init and not one.kw_only for one in fields):
        return cls
    known: dict[str, Any] = {
        "make": object.__new__,
        "Open": type(cls.__name__, (), {"__slots__": tuple(one.name for one in fields)}),
    }
    exec(_text_of_new(cls, fields, known), known)  # noqa: S102 - the names of fields, as the library does it
    cls.__new__ = known["__new__"]  # type: ignore[method-assign]
    del cls.__init__
    cls.__init_subclass__ = classmethod(_refuse_heir)  # type: ignore[assignment]
    cls.__reduce__ = _reduce  # type: ignore[method-assign, assignment]  # copies are made with their values
    return cls


def _text_of_new(cls: type[Any], fields: tuple[dataclasses.Field[Any], ...], known: dict[str, Any]) -> str:
    """Return the constructor's text; what it refers to is put into ``known``."""
    parameters, lines = ["cls"], ["self = make(Open)"]
    for one in fields:
        name, default = one.name, f"_{one.name}"
        value = name
        if one.default_factory is not dataclasses.MISSING:
            known[default] = one.default_factory
            parameters.append(f"{name}=make")  # a thing that is no value of any field
            value = f"{default}() if {name} is make else {name}"
        elif one.default is not dataclasses.MISSING:
            known[default] = one.default
            parameters.append(f"{name}={default}")
        else:
            parameters.append(name)
        lines.append(f"self.{name} = {value}")
    lines.append("self.__class__ = cls")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n    ".join([*lines, "return self"])
    return f"def __new__({', '.join(parameters)}):\n    {body}\n"


def _refuse_heir(cls: type[Any], /, **_: object) -> None:
    raise TypeError(
        f"{cls.__name__} would have another layout than its base, which is a value and made as such"
    )


def _reduce(value: Any) -> tuple[type[Any], tuple[Any, ...]]:
    return type(value), tuple(getattr(value, one.name) for one in dataclasses.fields(value))
