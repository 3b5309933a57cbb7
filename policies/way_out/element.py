"""An element of the tree with the style that it is given: by style sheets, and by its own attribute.

A document's elements are made when somebody asks for them, and remembered. What it would take too long to
find out is ``Doubtful``.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from policies.way_out.declarations import CUSTOM, WAITING, Declared, declared, waiting
from policies.way_out.doubtful import Doubtful
from policies.way_out.sheet import EVERYWHERE, NO_SHEET, Compound, Rule, Sheet, sheet_of
from policies.way_out.variables import Variables

_MOST_ELEMENTS = 5000  # looked at in one text: the links in question and all around them
_MOST_WALKED = 4_000_000  # characters of HTML that the engine may walk for selectors
_MOST_TESTS = 40_000  # rules held against elements
_LONGEST_PATH = 160  # characters
# What "all" leaves, but for custom properties (CSS Cascade 4 section 3.2): what would be inherited, or be as
# the browser's own sheet has it, and is not. Of "inherit" and "revert-layer" nothing is known here.
_RESET: Mapping[str, Mapping[str, str]] = {
    "initial": {
        "display": "inline",
        "visibility": "visible",
        "color": "black",
        "font-size": "medium",
        "text-indent": "0",
        "pointer-events": "auto",
    },
    "unset": {"display": "inline", "color": "inherit"},
    "revert": {},
}


class Element:
    """One element. ``classes`` and ``id`` are in lower case."""

    __slots__ = ("above", "attributes", "classes", "id", "keys", "node", "parent", "tag")

    def __init__(self, node: LexborNode, parent: "Element | None") -> None:
        self.node = node
        self.parent = parent
        self.tag = node.tag or ""
        self.attributes: dict[str, str | None] = node.attributes
        self.id = (self.attributes.get("id") or "").lower()
        self.classes = frozenset((self.attributes.get("class") or "").lower().split())
        self.above: frozenset[str] = parent.above.union(parent.keys) if parent is not None else frozenset()
        # What rules for it are found by.
        self.keys: list[str] = (
            [f".{one}" for one in self.classes] + [self.tag, "*"] + ([f"#{self.id}"] if self.id else [])
        )

    def attribute(self, name: str) -> str:
        """Return an attribute's value, "" where there is none."""
        return self.attributes.get(name) or ""

    def path(self) -> str:
        """Name the element and a few above it, as a selector of bounded length."""
        names: list[str] = []
        at: Element | None = self
        while at is not None and len(names) < 4:
            names.append(at.name())
            at = at.parent
        return " > ".join(reversed(names))[-_LONGEST_PATH:]

    def name(self) -> str:
        """Return the element's tag with its id or its first classes."""
        marks = f"#{self.id}" if self.id else "".join(f".{one}" for one in sorted(self.classes)[:2])
        return f"{self.tag}{marks}"


class Document:
    """A parsed text, its style sheets, and the elements that somebody asked for."""

    def __init__(self, tree: LexborHTMLParser, lower: bytes) -> None:
        """``lower``: the HTML in lower case."""
        self.tree = tree
        self._lower = lower
        self._elements: dict[int, Element] = {}
        self._matched: dict[str, frozenset[int]] = {}
        self._variables: dict[tuple[Element, str], Mapping[str, str | None]] = {}
        self._walked = self._tests = 0
        self.views_differ = False  # whether a rule has come up that does not hold in all of them

    @cached_property
    def sheet(self) -> Sheet:
        """The rules of its style elements; raise Doubtful where they are too much."""
        return _sheet(self.tree)

    def element(self, node: LexborNode) -> Element:
        """Return the element of a node, and with it those above it."""
        above: list[LexborNode] = []
        at: LexborNode | None = node
        parent: Element | None = None
        while at is not None and at.is_element_node:
            parent = self._elements.get(at.mem_id)
            if parent is not None:
                break
            above.append(at)
            at = at.parent
        if len(self._elements) + len(above) > _MOST_ELEMENTS:
            raise Doubtful("too many elements")
        for one in reversed(above):
            parent = Element(one, parent)
            self._elements[one.mem_id] = parent
        assert parent is not None
        return parent

    def style(self, element: Element, view: str) -> dict[str, str]:
        """Return the element's own declarations as the cascade leaves them (CSS Cascade 4 section 6)."""
        inline = declared(element.attribute("style")) if "style" in element.attributes else ()
        ruled = self._ruled(element, view) if self.sheet.rules else ()
        if not inline and not ruled:
            return {}
        ordered = [
            one for important in (False, True) for one in (*ruled, *inline) if one.important is important
        ]
        if any(one.name.startswith(CUSTOM) for one in ordered):
            return self._filled(element, view, ordered)
        style: dict[str, str] = {}
        for one in ordered:
            if one.name == "all":
                style = dict(_RESET.get(one.value, style))
            else:
                style[one.name] = one.value
        return style

    def _filled(self, element: Element, view: str, ordered: Sequence[Declared]) -> dict[str, str]:
        """Put in what ``var()`` stands for. Styles are read from the root down: above it is known."""
        own = {one.name: one.value for one in ordered if one.name.startswith(CUSTOM)}
        own.pop(WAITING, None)
        variables = Variables(own, self._variables_above(element, view))
        if own:
            self._variables[element, view] = known = variables.compute()
            self._count(len(known))
        style: dict[str, str] = {}
        for one in ordered:
            if one.name == "all":
                style = dict(_RESET.get(one.value, style))
            elif one.name == WAITING:
                style |= waiting(one.value, variables.filled(one.value.partition(":")[2]))
            else:
                style[one.name] = one.value
        return {name: value for name, value in style.items() if value and not name.startswith(CUSTOM)}

    def _variables_above(self, element: Element, view: str) -> Mapping[str, str | None]:
        at = element.parent if self._variables else None
        while at is not None and (at, view) not in self._variables:
            at = at.parent
        return self._variables[at, view] if at is not None else {}

    def _ruled(self, element: Element, view: str) -> Sequence[Declared]:
        found: list[Rule] = []
        for key in element.keys:
            bucket = self.sheet.rules.get(key)
            if bucket is not None:
                found += [
                    rule
                    for rule in bucket
                    if rule.needs <= element.above
                    and self._holds(rule, view)
                    and self._matches(rule, element)
                ]
                self._count(len(bucket))
        found.sort(key=lambda rule: (rule.specificity, rule.order))
        return [one for rule in found for one in rule.declarations]

    def _count(self, tests: int) -> None:
        self._tests += tests
        if self._tests > _MOST_TESTS:
            raise Doubtful("too many rules for too many elements")

    def _holds(self, rule: Rule, view: str) -> bool:
        self.views_differ = self.views_differ or rule.views != EVERYWHERE
        return view in rule.views

    def _matches(self, rule: Rule, element: Element) -> bool:
        if not rule.steps:
            return element.node.mem_id in self._by_engine(rule.selector)
        first, *rest = rule.steps
        if not _is(element, first):
            return False
        at = element.parent
        for step in rest:
            while at is not None and not _is(at, step):
                at = at.parent
                self._tests += 1
            if at is None:
                return False
            at = at.parent
        return True

    def _by_engine(self, selector: str) -> frozenset[int]:
        matched = self._matched.get(selector)
        if matched is None:
            matched = self._matched[selector] = frozenset(node.mem_id for node in self.select(selector))
        return matched

    def select(self, selector: str) -> list[LexborNode]:
        """Return what a selector matches, by the parser's engine; what that does not know matches nothing."""
        self._walked += len(self._lower)
        if self._walked > _MOST_WALKED:
            raise Doubtful("too many intricate selectors")
        try:
            return self.tree.css(selector)
        except SelectolaxError:  # browsers drop what they do not know
            return []

    @property
    def may_position(self) -> bool:
        """Whether an element may stand elsewhere than in the text; a backslash may hide any word."""
        return self._lower.rfind(b"position") >= 0 or self._lower.rfind(b"\\") >= 0


def _is(element: Element, compound: Compound) -> bool:
    return (
        compound.tag in {"", element.tag}
        and compound.id in {"", element.id}
        and element.classes.issuperset(compound.classes)
    )


def _sheet(tree: LexborHTMLParser) -> Sheet:
    texts = [(node.attributes.get("media") or "", node.text()) for node in tree.tags("style")]
    return sheet_of(tuple(texts)) if texts else NO_SHEET
