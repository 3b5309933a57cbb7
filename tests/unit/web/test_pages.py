"""What the pages promise to the eye, and to the browser."""

import base64
import hashlib
import re
from http import HTTPStatus

import pytest

from gateway.web.leaving import AlreadyUnsubscribed, Names, Unsubscribed
from gateway.web.pages import Pages

PAGES = Pages()
NAMES = Names("Acme & Söhne", "<b>Tea</b>")
NAMELESS = Names("Acme", "")
EVERY = [
    PAGES.home(),
    *(PAGES.problem(HTTPStatus(status)) for status in (400, 404, 405, 408, 413, 500, 503)),
    *(page(names) for page in (PAGES.leave, PAGES.report, PAGES.reported) for names in (NAMES, NAMELESS)),
    *(
        PAGES.left(names, how)
        for how in (Unsubscribed(), AlreadyUnsubscribed(0.0))
        for names in (NAMES, NAMELESS)
    ),
]
STYLE = re.search(r"<style>(.*?)</style>", EVERY[0].body.decode(), re.DOTALL)[1]


@pytest.mark.parametrize("page", EVERY)
def test_every_page(page) -> None:
    text = page.body.decode()
    assert text.startswith("<!doctype html>")
    assert text.count("<h1>") == 1
    assert re.search(r"<title>\S.*</title>", text)
    assert "<b>Tea" not in text
    assert "http" not in text  # nothing is fetched from anywhere
    assert "style=" not in text  # the policy would not let it
    assert len(page.body) < 8192


def test_the_policy_names_the_style_that_stands_in_the_page() -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in PAGES.headers["Content-Security-Policy"]


def test_a_day_is_said_in_words() -> None:
    assert "since 1 January 1970" in PAGES.left(NAMES, AlreadyUnsubscribed(0.0)).body.decode()


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL), ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "paper", 7),
        ("soft", "paper", 4.5),
        ("on-act", "act", 4.5),
        ("on-act", "act-over", 4.5),
        ("ink", "field", 7),
        ("act", "paper", 3),  # the focus ring: WCAG 2.2, 1.4.11
        ("edge", "paper", 3),
    ],
)
def test_contrast(scheme: str, text: str, ground: str, least: float) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))
    assert contrast(colours[text], colours[ground]) >= least
