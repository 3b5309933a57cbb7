"""What the pages promise to the eye, and to the browser, in every language."""

import base64
import hashlib
import re
from dataclasses import replace
from http import HTTPStatus

import pytest

from gateway.model.address import parse_address
from gateway.model.facts import Basis, SubscriptionState
from gateway.settings.schema import SignupSection
from gateway.web.colour import DARK_PAPER, LIGHT_PAPER, contrast
from gateway.web.join_pages import JoinPages, Typed
from gateway.web.joining import Joined, Offer, Over, Question, TurnedDown
from gateway.web.languages import Visit, load_languages
from gateway.web.leaving import AlreadyUnsubscribed, Brand, Story
from gateway.web.pages import Links, Pages
from gateway.web.recommend_pages import RecommendPages, Written
from gateway.web.wall import Step

PAGES = Pages()
STORY = Story(
    account="Acme & Söhne",
    mail_list="<b>Tea</b>",
    list_id="tea.acme.example",
    domains=(),
    address="a***@e***.net",
    state=SubscriptionState.CONFIRMED,
    changed_at=0.0,
    paused_until=86_400.0,
    basis=Basis.ASSERTED,
    source="<i>fair</i>",
    since=0.0,
)
OFFER = Offer(7, 3, "acme & söhne", "<b>Tea</b>", "tea.acme.example", "<i>fair</i>", "daily")
JOINING = JoinPages(PAGES)
FRIENDS = RecommendPages(PAGES)
LINKS = Links("leave", "report", "why", "undo", 86_400.0)
VISITS = [Visit(language) for language in load_languages().values()]
ENGLISH = VISITS[0]


def every(seen: Visit):
    scope = {"type": "http", "headers": [], "query_string": f"lang={seen.language.tag}".encode()}
    yield PAGES.home(seen)
    yield from (
        PAGES.problem(HTTPStatus(status), scope) for status in (400, 404, 405, 408, 413, 429, 500, 503)
    )
    yield from (PAGES.leave(seen, STORY, LINKS, by_letter=by_letter) for by_letter in (False, True))
    yield from (PAGES.left(seen, STORY, LINKS, everything=everything) for everything in (False, True))
    yield PAGES.left_before(seen, STORY, Links("l", "r", "w"), AlreadyUnsubscribed(86_400.0))
    yield PAGES.paused(seen, STORY, LINKS, 86_400.0)
    yield from (page(seen, STORY) for page in (PAGES.asked, PAGES.report, PAGES.reported))
    yield from (page(seen) for page in (PAGES.undo, PAGES.undone, PAGES.too_late))
    yield from (PAGES.why(seen, replace(STORY, basis=basis), LINKS) for basis in Basis)
    yield from joining(seen)


def joining(seen: Visit):
    address = parse_address("fair@example.net")
    yield from (JOINING.form(seen, OFFER, Typed("s", "<i>fair", wrong=wrong)) for wrong in (False, True))
    yield from (
        JOINING.step(seen, OFFER, Typed("s", str(address)), Step("s", early), SignupSection())
        for early in (False, True)
    )
    yield JOINING.asked(seen, OFFER, address)
    yield JOINING.busy(seen, OFFER)
    yield JOINING.question(seen, Question(OFFER, "a***@e***.net", 86_400.0, "<i>fair</i>"))
    yield from (JOINING.joined(seen, Joined(OFFER, since), "token") for since in (0.0, 86_400.0))
    yield JOINING.turned_down(seen, TurnedDown(OFFER))
    yield from (JOINING.over(seen, Over(offer)) for offer in (OFFER, None))
    yield from recommending(seen)


def recommending(seen: Visit):
    written = Written("<i>fair", "<i>fair", "<b>Tea")
    yield from (FRIENDS.form(seen, OFFER, written, wrong) for wrong in ((), ("name", "email", "friend")))
    yield FRIENDS.done(seen, OFFER, parse_address("fair@example.net"))
    yield FRIENDS.busy(seen, OFFER)
    yield FRIENDS.invitation(seen, OFFER, "stamp")
    yield FRIENDS.never(seen)


STYLE = re.search(r"<style>(.*?)</style>", PAGES.home(ENGLISH).body.decode(), re.DOTALL)[1]


@pytest.mark.parametrize("seen", VISITS, ids=lambda seen: seen.language.tag)
def test_every_page(seen: Visit) -> None:
    for page in every(seen):
        text = page.body.decode()
        assert text.startswith(f'<!doctype html>\n<html lang="{seen.language.tag}" dir="ltr">')
        assert text.count("<h1>") == 1
        assert re.search(r"<title>\S.*</title>", text)
        assert "<b>Tea" not in text
        assert "<i>fair" not in text
        assert "%(" not in text
        assert "http" not in text  # nothing is fetched from anywhere
        assert "style=" not in text  # the policy would not let it
        assert len(page.body) < 12_288


def test_the_policy_names_the_style_that_stands_in_the_page() -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in PAGES.headers["Content-Security-Policy"]


def test_a_brand_changes_no_words() -> None:
    def words(story: Story) -> str:
        text = PAGES.leave(ENGLISH, story, LINKS, by_letter=False).body.decode()
        return re.sub(r"<style>.*?</style>|<[^>]*>", "", text, flags=re.DOTALL).strip()

    branded = replace(STORY, brand=Brand("#ff00aa", "abc", 10, 10))
    assert words(branded).split() == words(STORY).split()


def test_days_are_said_in_words_of_the_language() -> None:
    said = {
        seen.language.tag: re.search(
            r"<h1>(.*?)</h1>", PAGES.paused(seen, STORY, LINKS, 86_400.0).body.decode()
        )[1]
        for seen in VISITS
    }
    assert said == {
        "en": "Paused until 2 January 1970",
        "de": "Pause bis 2. Januar 1970",
        "es": "En pausa hasta el 2 de enero de 1970",
        "fr": "En pause jusqu\u2019au 2 janvier 1970",
        "ro": "În pauză până la 2 ianuarie 1970",
    }


SCHEMES = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "paper", 7),
        ("soft", "paper", 4.5),
        ("act", "paper", 4.5),  # links
        ("act-over", "paper", 4.5),
        ("on-act", "act", 4.5),
        ("on-act", "act-over", 4.5),
        ("ink", "field", 7),
        ("edge", "paper", 3),  # what a control is known by: WCAG 2.2, 1.4.11
    ],
)
def test_contrast(scheme: str, text: str, ground: str, least: float) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))
    assert contrast(colours[text], colours[ground]) >= least


def test_brands_are_made_for_the_paper_that_there_is() -> None:
    papers = [re.search(r"--paper: (#[0-9a-f]{6})", scheme)[1] for scheme in SCHEMES]
    assert papers == [LIGHT_PAPER, DARK_PAPER]
