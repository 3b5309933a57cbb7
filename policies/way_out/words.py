"""Whether words say that a link is for leaving, in any of the languages of ``wording``.

A text is looked at as words, so that it costs one pass and not one for each stem: a word is looked up by its
first letters. Scripts without blanks between words are searched for their phrases.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from policies.way_out.wording import HERE, WORDING

Thing = TypeVar("Thing")

_KEY = 4  # letters of a word by which its stems are found
_AT_THE_END = 4  # of many things
_MOST_WORDS = 5  # of a link that only points
# Chinese, Japanese and Korean, as they are after NFKD: Korean syllables are taken apart into letters.
_UNSPACED = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff]")

# What parts words; the apostrophe too, so that "s'abonner" has two.
_PARTING = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "\u00ab\u00b7\u00bb\u2010\u2011\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2022\u2039\u203a"
)
_ASCII = {ord(sign): " " for sign in _PARTING if sign.isascii()}
_ALL: dict[int, str | None] = {
    # Marks on letters, and what nobody sees.
    **{code: None for code in range(0x300, sys.maxunicode) if unicodedata.combining(chr(code))},
    **dict.fromkeys((0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF)),
    # Letters that Unicode does not take apart.
    0x131: "i",
    0x142: "l",
    0xF8: "o",
    0x111: "d",
    0x127: "h",
    0xE6: "ae",
    **{ord(sign): " " for sign in _PARTING},
}


def _words(text: str) -> list[str]:
    """Return the words of a text, case-folded and without marks."""
    if text.isascii():
        return text.lower().translate(_ASCII).split()
    return unicodedata.normalize("NFKD", text.casefold()).translate(_ALL).split()


def normalised(text: str) -> str:
    """Return a text in a form that is the same for texts that read the same."""
    return " ".join(_words(text))


def _table() -> tuple[dict[str, tuple[tuple[str, ...], tuple[str, ...]]], tuple[str, ...]]:
    """Return stems and phrases by the first letters of their first words, and the phrases without blanks."""
    stems: dict[str, set[str]] = {}
    phrases: dict[str, set[str]] = {}
    unspaced: set[str] = set()
    for wording in WORDING.values():
        for stem in map(normalised, wording.stems):
            stems.setdefault(stem[:_KEY], set()).add(stem)
        for phrase in map(normalised, wording.phrases):
            if _UNSPACED.search(phrase):
                unspaced.add(phrase)
            else:
                phrases.setdefault(phrase.partition(" ")[0][:_KEY], set()).add(phrase)
    keys = stems.keys() | phrases.keys()
    table = {key: (tuple(stems.get(key, ())), tuple(phrases.get(key, ()))) for key in keys}
    return table, tuple(sorted(unspaced))


_TABLE, _WITHOUT_BLANKS = _table()
_KEYS = _TABLE.keys()
_HERE = frozenset(map(normalised, HERE))


def says_leave(text: str) -> bool:
    """Whether the text has a word or a phrase for leaving, whatever its language."""
    words = _words(text)
    different = set(words)
    for key in {word[:_KEY] for word in different} & _KEYS:
        stems, phrases = _TABLE[key]
        if any(word.startswith(stems) for word in different):
            return True
        whole = " ".join(words)
        if any(phrase in whole for phrase in phrases):
            return True
    return not text.isascii() and _has_unspaced(words, _WITHOUT_BLANKS)


def says_here(text: str) -> bool:
    """Whether the text of a link only points at it, as "click here" does: its meaning stands beside it."""
    words = _words(text)
    if len(words) > _MOST_WORDS:
        return False
    return not _HERE.isdisjoint(words) or (not text.isascii() and _has_unspaced(words, _HERE))


def _has_unspaced(words: Sequence[str], phrases: Iterable[str]) -> bool:
    whole = " ".join(words)
    return _UNSPACED.search(whole) is not None and any(phrase in whole for phrase in phrases)


def those_that(
    says: Callable[[str], bool], things: Sequence[Thing], text: Callable[[Thing], str]
) -> list[Thing]:
    """Return the things whose text says something, in few passes: most say nothing, the others stand last."""
    return _by_halves(says, things[:-_AT_THE_END], text) + _by_halves(says, things[-_AT_THE_END:], text)


def _by_halves(
    says: Callable[[str], bool], things: Sequence[Thing], text: Callable[[Thing], str]
) -> list[Thing]:
    if not things or not says("\n".join(map(text, things))):
        return []
    if len(things) == 1:
        return list(things)
    half = len(things) // 2
    return _by_halves(says, things[:half], text) + _by_halves(says, things[half:], text)
