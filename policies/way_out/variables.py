"""Custom properties: what ``var()`` stands for, for one element (CSS Custom Properties 1).

They are inherited, are computed where they are declared, and may name one another. One that names itself, or
nothing, makes the declaration that asks for it worthless, and not only its value: what stood before it in the
cascade does not come back. What would take too long to find out is ``Doubtful``.
"""

from collections.abc import Mapping, Sequence

import tinycss2
from tinycss2.ast import Node

from policies.way_out.doubtful import Doubtful

_DEEPEST = 16  # of one property naming another, and of brackets around
_LONGEST = 4096  # characters of what comes out
_AS_ABOVE = frozenset({"inherit", "unset", "revert", "revert-layer"})


class Variables:
    """The custom properties of an element: its own, and those of what it stands in, which are computed."""

    __slots__ = ("_open", "known")

    def __init__(self, own: Mapping[str, str], above: Mapping[str, str | None]) -> None:
        own = {name: value for name, value in own.items() if value.lower() not in _AS_ABOVE}
        self.known: dict[str, str | None] = {**above, **own}
        self._open = set(own)  # those whose value is not computed yet

    def filled(self, value: str, depth: int = 0) -> str | None:
        """Return a value with everything put in that it names; None where it names what is not there."""
        tokens = self._tokens(tinycss2.parse_component_value_list(value), depth)
        if tokens is None:
            return None
        text = tinycss2.serialize(tokens).strip()
        if len(text) > _LONGEST:
            raise Doubtful("custom properties too long")
        return str(text)

    def compute(self) -> Mapping[str, str | None]:
        """Return all properties as what stands in the element finds them."""
        for name in tuple(self.known):
            self._value(name, 0)
        return self.known

    def _value(self, name: str, depth: int) -> str | None:
        value = self.known.get(name)
        if name in self._open:
            self._open.discard(name)
            self.known[name] = None  # while it is computed: to name itself is to name nothing
            value = None if value is None or value.lower() == "initial" else self.filled(value, depth + 1)
            self.known[name] = value
        return value

    def _tokens(self, tokens: Sequence[Node], depth: int) -> list[Node] | None:
        if depth > _DEEPEST:
            raise Doubtful("custom properties too deep")
        found: list[Node] = []
        for token in tokens:
            if token.type == "function" and token.lower_name == "var":
                value = self._of_var(token.arguments, depth)
                if value is None:
                    return None
                found += value
                continue
            if token.type in {"function", "() block"}:
                within = self._tokens(_inside(token), depth + 1)
                if within is None:
                    return None
                _inside(token)[:] = within
            found.append(token)
        return found

    def _of_var(self, arguments: Sequence[Node], depth: int) -> list[Node] | None:
        """Return the value of a property, else what is to stand in for it, else None."""
        meant = [one for one in arguments if one.type not in {"whitespace", "comment"}]
        if not meant or meant[0].type != "ident":
            return None
        value = self._value(meant[0].value, depth)
        if value is not None:
            return list(tinycss2.parse_component_value_list(value))
        if len(meant) == 1:
            return None
        return self._tokens(arguments[arguments.index(meant[1]) + 1 :], depth + 1)


def _inside(token: Node) -> list[Node]:
    return token.arguments if token.type == "function" else token.content  # type: ignore[no-any-return]
