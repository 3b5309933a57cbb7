"""The languages of the pages: which one a reader wants, and what is said in it.

The catalogues are gettext's, ``config/locale/LANGUAGE/pages.po``, read as they are; English is the text in
the templates and the code itself. A text that a catalogue lacks is shown in English, and a test says so
first. Which language: an explicit ``?lang=``, else Accept-Language with its weights (RFC 9110 section
12.5.4), else English. Nothing that a reader sends can fail here.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qsl

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.settings.shipped import shipped

T = TypeVar("T")

SOURCE = "en"
TRANSLATED = ("de", "es", "fr", "ro")
_LONGEST = 1000  # characters of a header or a query that are looked at


@dataclass(frozen=True, slots=True)
class Language:
    """One language with all that is said in it."""

    tag: str
    texts: NullTranslations

    @property
    def name(self) -> str:
        """What its speakers call it."""
        return (self._locale.get_display_name() or self.tag).capitalize()

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self._locale.text_direction)

    @property
    def _locale(self) -> Locale:
        return Locale.parse(self.tag)

    def say(self, text: str, **values: object) -> str:
        """Return a text with its values."""
        return str(self.texts.gettext(text)) % values

    def day(self, at: float) -> str:
        """Return the day, UTC, in words that no reader takes for another one: 3 avril 2031."""
        day = datetime.fromtimestamp(at, UTC).date()
        # In English too the day comes first: most of its readers here are in Europe.
        return str(format_date(day, "d MMMM y" if self.tag == SOURCE else "long", locale=self.tag))

    def time(self, at: float) -> str:
        """Return the time of the day, UTC."""
        return str(format_time(datetime.fromtimestamp(at, UTC), "HH:mm", locale=self.tag))


@dataclass(frozen=True, slots=True)
class Visit:
    """How a page is shown to this visitor. ``query`` goes on every link within, so that a choice lasts."""

    language: Language
    query: str = ""


def load_languages() -> Mapping[str, Language]:
    """Read all catalogues; English is the first."""
    return {SOURCE: Language(SOURCE, NullTranslations())} | {
        tag: Language(tag, _read(tag)) for tag in TRANSLATED
    }


def visit(scope: Scope, languages: Mapping[str, Language]) -> Visit:
    """Return how a request wants its page."""
    query = scope.get("query_string", b"")[:_LONGEST].decode("latin-1")
    asked = dict(parse_qsl(query)).get("lang", "").lower()
    if asked in languages:
        return Visit(languages[asked], f"?lang={asked}")
    return Visit(languages[preferred(Headers(scope=scope).get("accept-language", ""), languages)])


def nearest(tag: str, known: Mapping[str, T]) -> T:
    """Return what is known in a language, in the one that it is a kind of, or in English."""
    primary = tag.lower().partition("-")[0]
    return known.get(primary, known[SOURCE])


def preferred(accept: str, known: Mapping[str, object]) -> str:
    """Return the known language of the highest weight, the first of equals, or English."""
    best, best_weight = SOURCE, 0.0
    for piece in accept[:_LONGEST].split(","):
        tag, _, parameter = piece.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if primary in known and weight > best_weight:
            best, best_weight = primary, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def _read(tag: str) -> Translations:
    source = io.BytesIO(shipped("locale", tag, "pages.po").read_bytes())
    binary = io.BytesIO()
    write_mo(binary, read_po(source, locale=tag))
    binary.seek(0)
    return Translations(binary)
