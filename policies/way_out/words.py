"""Whether words say that a link is for leaving, in any of the languages of ``wording``.

A text is searched for all stems at once (Aho-Corasick), and for one word of each phrase: most texts have
none, and are done with. In what is left a word is looked up by its first letters. Scripts without blanks
between words are searched for their phrases.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ahocorasick_rs import AhoCorasick, Implementation

from policies.way_out.wording import HERE, WORDING

Thing = TypeVar("Thing")

_KEY = 4  # letters of a word by which its stems are found
_FEW = 4  # texts that are read one by one
_MOST_WORDS = 5  # of a link that only points
# Chinese, Japanese and Korean, as they are after NFKD: Korean syllables are taken apart into letters.
_UNSPACED = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff]")

# What parts words; the apostrophe too, so that "s'abonner" has two.
_PARTING = (
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    "\u00ab\u00b7\u00bb\u2010\u2011\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2022\u2039\u203a"
)
_ASCII = {ord(sign): " " for sign in _PARTING if sign.isascii()}
MARKS_END = 0x1F000  # beyond it are signs and ideographs, which have no marks; looking there took 70 ms
_ALL: dict[int, str | None] = {
    # Marks on letters, and what nobody sees.
    **{code: None for code in range(0x300, MARKS_END) if unicodedata.combining(chr(code))},
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


def _letters(text: str) -> str:
    """Return a text case-folded and without marks on its letters."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKD", text.casefold()).translate(_ALL)


def _words(text: str) -> list[str]:
    """Return the words of a text, case-folded and without marks."""
    letters = _letters(text)
    return letters.translate(_ASCII).split() if text.isascii() else letters.split()


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


def _one_of_each() -> AhoCorasick:
    """Return what finds a piece of every stem and phrase: a text without any says nothing."""
    said = [one for wording in WORDING.values() for one in (*wording.stems, *wording.phrases)]
    pieces = {max(normalised(one).split(), key=len) for one in said}
    return AhoCorasick(sorted(pieces), implementation=Implementation.DFA)


def _all() -> AhoCorasick:
    """Return what finds every stem and phrase, also within a word."""
    said = [one for wording in WORDING.values() for one in (*wording.stems, *wording.phrases)]
    return AhoCorasick(sorted(set(map(normalised, said))), implementation=Implementation.DFA)


_TABLE, _WITHOUT_BLANKS = _table()
_KEYS = _TABLE.keys()
_HERE = frozenset(map(normalised, HERE))
_MAY_SAY = _one_of_each().find_matches_as_indexes
_HOLDS = _all().find_matches_as_indexes


def may_say_leave(texts: str) -> bool:
    """Whether one of several texts, one below the other, may be of those that ``says_leave``."""
    return bool(_MAY_SAY(_letters(texts)))


def holds_leave(text: str) -> bool:
    """Whether some part of a text, wherever it begins and ends, may be of those that ``says_leave``."""
    return may_say_leave(text) and bool(_HOLDS(normalised(text)))


def says_leave(text: str) -> bool:
    """Whether the text has a word or a phrase for leaving, whatever its language."""
    return bool(_MAY_SAY(_letters(text))) and _says_leave(text)


def says_leave_in_url(url: str) -> bool:
    """Whether a URL says what it is for: "unsub" counts wherever it stands in there."""
    return bool(_MAY_SAY(_letters(url))) and ("unsub" in url.lower() or _says_leave(url))


def _says_leave(text: str) -> bool:
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
    return len(words) <= _MOST_WORDS and _points(text, words)


def may_point(texts: str) -> bool:
    """Whether one of several texts may be of a link that only points: it ``says_here``, or shows a URL."""
    return "://" in texts or _points(texts, _words(texts))


def _points(text: str, words: Sequence[str]) -> bool:
    return not _HERE.isdisjoint(words) or (not text.isascii() and _has_unspaced(words, _HERE))


def _has_unspaced(words: Sequence[str], phrases: Iterable[str]) -> bool:
    whole = " ".join(words)
    return _UNSPACED.search(whole) is not None and any(phrase in whole for phrase in phrases)


def those_that(
    says: Callable[[str], bool], things: Sequence[Thing], text: Callable[[Thing], str]
) -> list[Thing]:
    """Return the things whose text says that it is for leaving, in few passes: most may not even say it."""
    if not things or not may_say_leave("\n".join(map(text, things))):
        return []
    if len(things) <= _FEW:
        return [thing for thing in things if says(text(thing))]
    half = len(things) // 2
    return those_that(says, things[:half], text) + those_that(says, things[half:], text)
