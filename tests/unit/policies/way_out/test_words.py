# ruff: noqa: RUF001 - the languages' own letters
"""Words for leaving, in every language."""

import sys
import unicodedata

import pytest

from policies.way_out.wording import WORDING
from policies.way_out.words import MARKS_END, normalised, says_here, says_leave, those_that

# As they stand at the foot of newsletters.
SAID = {
    "bg": "Отписване от бюлетина", "cs": "Odhlásit odběr", "da": "Afmeld nyhedsbrev", "de": "Vom Newsletter abmelden",
    "el": "Διαγραφή από τη λίστα", "en": "Unsubscribe from this list", "es": "Darse de baja", "et": "Loobu uudiskirjast",
    "fi": "Peruuta uutiskirjeen tilaus", "fr": "Se désabonner", "ga": "Díliostáil", "hr": "Otkažite pretplatu",
    "hu": "Leiratkozás", "it": "Annulla l’iscrizione", "lt": "Atsisakyti prenumeratos", "lv": "Atrakstīties no jaunumiem",
    "mt": "Neħħi l-abbonament", "nl": "Afmelden voor deze mails", "pl": "Wypisz się z newslettera",
    "pt": "Cancelar inscrição", "ro": "Dezabonare", "sk": "Odhlásiť odber", "sl": "Odjava od e-novic",
    "sv": "Avregistrera dig från nyhetsbrevet", "ru": "Отписаться от рассылки", "uk": "Відписатися від розсилки",
    "tr": "Abonelikten çık", "ar": "إلغاء الاشتراك", "he": "להסרה מרשימת התפוצה", "zh-Hans": "点击退订",
    "zh-Hant": "取消訂閱", "ja": "配信停止はこちら", "ko": "수신거부", "hi": "सदस्यता समाप्त करें",
}  # fmt: skip
EU = {
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "fi",
    "fr",
    "ga",
    "hr",
    "hu",
    "it",
    "lt",
    "lv",
    "mt",
    "nl",
    "pl",
    "pt",
    "ro",
    "sk",
    "sl",
    "sv",
}


@pytest.mark.parametrize(("language", "said"), SAID.items())
def test_every_language_is_understood(language: str, said: str) -> None:
    for form in (said, said.upper(), f"« {said} »", said.replace(" ", "\u00a0")):
        assert says_leave(form), form


def test_no_language_is_without_words_and_sources() -> None:
    assert WORDING.keys() == SAID.keys() >= EU
    assert all(one.sources and (one.stems or one.phrases) for one in WORDING.values())
    assert all(len(normalised(stem)) >= 4 for one in WORDING.values() for stem in one.stems)


@pytest.mark.parametrize("language", WORDING)
def test_every_word_of_the_data_is_found(language: str) -> None:
    for word in (*WORDING[language].stems, *WORDING[language].phrases):
        assert says_leave(f"x {word} y") or says_leave(f"x{word}y"), word


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Read more",
            "Subscribe now",
            "Subscription options",
            "s'abonner",
            "Abonnieren",
            "Description",
            "Options",
        ),
        *(
            "Shop",
            "こちらをクリック",
            "구독하기",
            "订阅",
            "Suscribirse",
            "Iscriviti",
            "Prenumerera",
            "Zapisz się",
            "",
        ),
        *("Newsletter bestellen", "Подписаться", "Přihlásit se k odběru", "Abone ol", "اشترك", "הרשמה"),
    ],
)
def test_other_words_are_not(text: str) -> None:
    assert not says_leave(text)


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("click here", True), ("Hier", True), ("cliquez ici", True), ("こちら", True), ("点击这里", True), ("여기", True),
        ("здесь", True), ("Read our story", False), ("the long story of how we came to be here", False), ("写真", False),
    ],
)  # fmt: skip
def test_links_that_only_point(text: str, here: bool) -> None:
    assert says_here(text) is here


def test_those_that_say_it_are_found_by_halves() -> None:
    texts = ["shop", "unsubscribe", "imprint", "abmelden", "x"]
    assert those_that(says_leave, texts, str) == ["unsubscribe", "abmelden"]
    assert those_that(says_leave, [], str) == []


def test_no_mark_lies_beyond_where_they_are_looked_for() -> None:
    assert not any(map(unicodedata.combining, map(chr, range(MARKS_END, sys.maxunicode + 1))))
