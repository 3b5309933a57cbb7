"""Which language a reader gets, and that the catalogues are whole."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from gateway.settings.shipped import shipped
from gateway.web.languages import TRANSLATED, load_languages, preferred, visit

ROOT = Path(__file__).resolve().parents[3]
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
LANGUAGES = load_languages()


def texts() -> set[str]:
    methods = [("config/templates/**.html.j2", "jinja2"), ("gateway/web/**.py", "python")]
    options = {"config/templates/**.html.j2": {"trimmed": "true", "newstyle_gettext": "true"}}
    found = extract_from_dir(ROOT, methods, options, keywords={"say": None, "_": None, "gettext": None})
    return {message for _, _, message, _, _ in found}


def catalogue(tag: str) -> Catalog:
    with (ROOT / "config/locale" / tag / "pages.po").open("rb") as file:
        return read_po(file, locale=tag)


def test_there_are_texts() -> None:
    assert len(texts()) > 60


def test_every_folder_of_a_language_is_a_language() -> None:
    folders = {one.name for one in shipped("locale").iterdir() if one.is_dir()}
    assert folders == set(TRANSLATED)
    assert set(LANGUAGES) == {"en", *TRANSLATED}


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_catalogue_has_every_text_and_no_other(tag: str) -> None:
    said = {message.id: message for message in catalogue(tag) if message.id}
    assert set(said) == texts(), "make catalogues, then translate what is empty"
    assert not catalogue(tag).obsolete
    for text, message in said.items():
        assert message.string, text
        assert not message.fuzzy, text


@pytest.mark.parametrize("tag", TRANSLATED)
def test_the_placeholders_agree(tag: str) -> None:
    for message in catalogue(tag):
        if message.id:
            assert sorted(PLACEHOLDER.findall(message.string)) == sorted(PLACEHOLDER.findall(message.id)), (
                message.id
            )
            rest = PLACEHOLDER.sub("", message.string)
            assert "%" not in rest, "a lone per cent sign ends the page"
            assert not {"<", ">", "&"} & set(rest), "a text is words, no markup"
            assert message.string == message.string.strip()


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.2, ro;q=0.9", "ro"),
        ("ro;q=0.5, fr ;q=0.7", "fr"),
        ("nl, es;q=0.1", "es"),
        ("nl, *;q=0.5", "en"),
        ("fr;q=0, de;q=0.001", "de"),
        ("fr;q=nan, es;q=0.3", "es"),
        ("fr;q=7, es;q=0.3", "es"),
        ("fr;q=, es", "es"),
        ("fr;level=1", "fr"),
        ("FR-ca", "fr"),
        (",;q=1,,", "en"),
        ("x" * 5000 + ",de", "en"),
        ("ru,zh", "en"),
    ],
)
def test_accept_language(accept: str, wanted: str) -> None:
    assert preferred(accept, LANGUAGES) == wanted


@pytest.mark.parametrize(
    ("query", "tag", "kept"),
    [
        (b"lang=ro", "ro", "?lang=ro"),
        (b"utm=1&lang=ES", "es", "?lang=es"),
        (b"lang=xx", "fr", ""),
        (b"lang=\xff%00", "fr", ""),
        (b"", "fr", ""),
    ],
)
def test_an_explicit_language_comes_first(query: bytes, tag: str, kept: str) -> None:
    scope = {"type": "http", "headers": [(b"accept-language", b"fr")], "query_string": query}
    seen = visit(scope, LANGUAGES)
    assert (seen.language.tag, seen.query) == (tag, kept)


def test_names_and_directions() -> None:
    assert [one.name for one in LANGUAGES.values()] == ["English", "Deutsch", "Español", "Français", "Română"]
    assert {one.direction for one in LANGUAGES.values()} == {"ltr"}
    assert [one.time(0.0) for one in LANGUAGES.values()] == ["00:00"] * 5
