"""The style sheets of a text: the rules that can hide something, ready to be asked about an element.

``sheet_of`` reads them once and remembers: a tenant's newsletters have the same sheet for months, whatever
their text, and a real tokenizer takes half a millisecond a KiB. What is too long to read in time
is ``Doubtful``.

Selectors of types, classes and ids below one another are matched here; all others by the parser's own engine,
which walks the whole tree for each. Class names are compared without regard to case, as in quirks mode,
which newsletters are mostly in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import tinycss2
from tinycss2.ast import AtRule, Node, QualifiedRule

from policies.way_out.declarations import Declared, of_tokens
from policies.way_out.doubtful import Doubtful
from policies.way_out.media import VIEWS, holds

_LONGEST = 49_152  # characters of all sheets of a text: 25 ms at worst, once. Gmail drops what is over 8,192
_DEEPEST = 4  # at-rules within one another
_MOST_RULES = 4000
# States that an element which nobody has touched is not in, and what is no element.
_NEVER = frozenset(
    {"hover", "active", "focus", "focus-within", "focus-visible", "visited", "target", "checked"}
)
_NO_ELEMENT = frozenset({"before", "after", "first-line", "first-letter"})
_ALWAYS = frozenset({"link", "any-link"})


class Compound(NamedTuple):
    """A selector without combinators: what one element must be. "" and () ask for nothing."""

    tag: str
    id: str
    classes: tuple[str, ...]

    def names(self) -> list[str]:
        """Return all that it asks for, as in ``Sheet.rules``."""
        names = [f".{one}" for one in self.classes]
        names += [f"#{self.id}"] if self.id else []
        return [*names, self.tag] if self.tag else names


Specificity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its block.

    ``steps``: compounds from the right; none where the engine must match. ``needs``: what must stand
    somewhere above an element for it to match at all, so that most rules are passed by without a walk.
    """

    selector: str
    steps: tuple[Compound, ...]
    needs: frozenset[str]
    specificity: Specificity
    order: int
    declarations: tuple[Declared, ...]
    views: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rules by what their rightmost compound asks for: "#id", ".class", "tag" or "*"."""

    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)


NO_SHEET = Sheet()
EVERYWHERE = frozenset(view.name for view in VIEWS)


@lru_cache(maxsize=64)
def sheet_of(texts: tuple[tuple[str, str], ...]) -> Sheet:
    """Read the style elements of a text, each as (what its ``media`` says, its content); raise Doubtful."""
    if sum([len(text) for _, text in texts]) > _LONGEST:
        raise Doubtful("style sheets too long")
    reading = _Reading()
    try:
        for media, text in texts:
            nodes = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
            reading.read(nodes, frozenset(view.name for view in VIEWS if holds(media, view)), 0)
    except (RecursionError, ValueError):  # brackets within brackets; integers of thousands of digits
        raise Doubtful("style sheets too deep") from None
    buckets: dict[str, list[Rule]] = {}
    for key, rule in reading.rules:
        buckets.setdefault(key, []).append(rule)
    return Sheet({key: tuple(rules) for key, rules in buckets.items()})


class _Reading:
    """Rules as they are found, in order."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, Rule]] = []

    def read(self, nodes: Iterable[Node], views: frozenset[str], depth: int) -> None:
        for node in nodes:
            if isinstance(node, QualifiedRule):
                self._rule(node, views)
            elif isinstance(node, AtRule) and node.content is not None and depth < _DEEPEST:
                within = views & _holds_in(node)
                if within:
                    inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
                    self.read(inner, within, depth + 1)

    def _rule(self, node: QualifiedRule, views: frozenset[str]) -> None:
        declarations = of_tokens(node.content)
        if not declarations or not views:
            return
        for tokens in _by_comma(node.prelude):
            found = _selector(tokens)
            if found is None:
                continue
            if len(self.rules) >= _MOST_RULES:
                raise Doubtful("too many rules")
            key, steps, specificity = found
            text = tinycss2.serialize(tokens).strip()
            needs = frozenset(name for step in steps[1:] for name in step.names())
            self.rules.append(
                (key, Rule(text, steps, needs, specificity, len(self.rules), declarations, views))
            )


def _holds_in(node: AtRule) -> frozenset[str]:
    """Return the views in which the rules of an at-rule hold."""
    prelude = tinycss2.serialize(node.prelude).strip().lower()
    match node.lower_at_keyword:
        case "media":
            return frozenset(view.name for view in VIEWS if holds(prelude, view))
        case "supports":
            return frozenset() if prelude.startswith("not") else EVERYWHERE
        case "layer":
            return EVERYWHERE
        case _:
            return frozenset()


def _by_comma(tokens: Sequence[Node]) -> Iterator[list[Node]]:
    piece: list[Node] = []
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            yield piece
            piece = []
        else:
            piece.append(token)
    yield piece


def _selector(tokens: list[Node]) -> tuple[str, tuple[Compound, ...], Specificity] | None:
    """Return a selector's bucket, its compounds and its weight; None for what matches nothing at rest."""
    while tokens and tokens[0].type == "whitespace":
        tokens = tokens[1:]
    while tokens and tokens[-1].type == "whitespace":
        tokens = tokens[:-1]
    if not tokens:
        return None
    parts = _Parts()
    for before, token in zip([None, *tokens], tokens, strict=False):
        if not parts.take(token, before):
            return None
    last = parts.compounds[-1]
    key = f"#{last.id}" if last.id else f".{last.classes[0]}" if last.classes else last.tag or "*"
    steps = () if parts.foreign else tuple(reversed(parts.compounds))
    return key, steps, (parts.weight[0], parts.weight[1], parts.weight[2])


class _Parts:
    """A selector taken apart, token by token."""

    def __init__(self) -> None:
        self.compounds = [Compound("", "", ())]
        self.weight = [0, 0, 0]
        self.foreign = False  # it has parts that only the engine can match

    def take(self, token: Node, before: Node | None) -> bool:
        """Take the next token; False where the whole selector matches nothing."""
        after = before.value if before is not None and before.type == "literal" else ""
        last = self.compounds[-1]
        match token.type:
            case "whitespace":
                self._next()
            case "literal" if token.value in {">", "+", "~"}:
                self.foreign = True
                self._next()
            case "literal":
                return token.value in {".", ":", "*"}
            case "hash":
                self._weigh(0)
                self.compounds[-1] = last._replace(id=token.value.lower())
            case "ident" if after == ".":
                self._weigh(1)
                self.compounds[-1] = last._replace(classes=(*last.classes, token.value.lower()))
            case "ident" if after == ":":
                return self._pseudo(token.lower_value)
            case "ident":
                self._weigh(2)
                self.compounds[-1] = last._replace(tag=token.lower_value)
            case _:  # an attribute, or a function such as :not()
                self._weigh(1)
                self.foreign = True
        return True

    def _pseudo(self, name: str) -> bool:
        self._weigh(1)
        self.foreign = self.foreign or name not in _ALWAYS
        return name not in _NEVER and name not in _NO_ELEMENT

    def _weigh(self, place: int) -> None:
        self.weight[place] += 1

    def _next(self) -> None:
        if self.compounds[-1] != Compound("", "", ()):
            self.compounds.append(Compound("", "", ()))
