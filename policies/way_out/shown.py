"""Whether a reader sees a link, and what it is for: the texts and images in it, each by itself."""

import re
from collections.abc import Iterator
from itertools import islice

from selectolax.lexbor import LexborNode

from policies.way_out.cover import Covers
from policies.way_out.element import Document, Element
from policies.way_out.sight import Hidden, Sight
from policies.way_out.words import says_leave

_MOST_LEAVES = 40  # texts and images in one link
_SEEN = re.compile(r"\w")


def why_not_seen(covers: Covers, link: LexborNode, label: str) -> Hidden | None:
    """Return why a reader does not see a link; None where one does.

    ``label``: its words. Where they say that it is for leaving, what is seen of them must say so too.
    """
    sight = covers.sight
    document = sight.document
    element = document.element(link)
    if element.tag == "area":
        return _why_no_map(document, sight, element)
    seen: list[str] = []
    hidden: list[Hidden] = []
    for leaf in islice(_leaves(link), _MOST_LEAVES):
        within = document.element(leaf if leaf.is_element_node else leaf.parent)  # type: ignore[arg-type]
        why = sight.why_not_read(within) if leaf.is_text_node else sight.why_no_image(within)
        if why is not None:
            hidden.append(why)
        else:
            seen.append(leaf.text_content or "" if leaf.is_text_node else f"image {within.attribute('alt')}")
    if not seen:
        return hidden[0] if hidden else Hidden("empty", element, "")
    words = " ".join(seen)
    if not _SEEN.search(words):
        return Hidden("no-words", element, "")
    lost = hidden and says_leave(label) and not says_leave(f"{words} {element.attribute('title')}")
    return hidden[0] if lost else covers.over(element)


def _leaves(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the texts and images in a link."""
    for one in node.traverse(include_text=True):
        if one.tag == "img" or (one.is_text_node and (one.text_content or "").strip()):
            yield one


def _why_no_map(document: Document, sight: Sight, area: Element) -> Hidden | None:
    """Return why the image that an ``<area>`` lies on is not seen."""
    name = area.parent.attribute("name") if area.parent is not None else ""
    for image in document.tree.tags("img"):
        if name and image.attributes.get("usemap") == f"#{name}":
            return sight.why_no_image(document.element(image))
    return Hidden("empty", area, "")
