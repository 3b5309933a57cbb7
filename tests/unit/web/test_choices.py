"""What the page offers beside the one click: the other choices, the way back, the letter, and who slows down."""

import re
from dataclasses import replace

import httpx
import pytest

from gateway.model.facts import Basis, SubscriptionState
from gateway.model.token import Purpose, Token, seal
from gateway.settings.schema import WebSection
from gateway.web.leaving import Unknown, Via
from gateway.web.public import build_public

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def way_back(text: str) -> str:
    """Return where the page's undo leads, as a browser resolves it from /u/TOKEN."""
    found = re.search(r'action="\.\./(z/[^"]+)"', text)
    assert found
    return "/" + found[1]


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.CONFIRM])
async def test_leaving_all_and_taking_it_back(web, book, meter, make_link, purpose) -> None:
    answer = await web.post(make_link(purpose), data={"choice": "leave-all"})
    assert "No mail from any list of" in answer.text
    via = Via.PAGE if purpose is Purpose.UNSUBSCRIBE else Via.LETTER
    assert book.acts == [("all", via)]
    back = way_back(answer.text)
    assert "Take it back?" in (await web.get(back)).text
    assert not book.undone
    assert "Everything is as it was" in (await web.post(back, data={"confirm": "1"})).text
    assert [one.list_id for one in book.undone] == [0]
    assert meter.value("undone_total", step="left") == 1
    assert "nothing to take back" in (await web.post(back, data={"confirm": "1"})).text


async def test_an_undo_expires(web, book, clock, make_link) -> None:
    answer = await web.post(make_link(), data={"confirm": "1"})
    assert "until 16 January 2027, 08:00 UTC" in answer.text
    back = way_back(answer.text)
    clock.at += 86_400.0
    for late in (await web.get(back), await web.post(back, data={"confirm": "1"})):
        assert late.status_code == 200
        assert "nothing to take back" in late.text
    assert not book.undone


async def test_an_undo_that_says_nothing_known_is_a_bad_link(web) -> None:
    token = Token(Purpose.UNDO, 7, 3, bytes(range(16)), b"\xff" * 16)
    assert (await web.get(f"/z/{seal(token, 1, b'k' * 32)}")).status_code == 404


@pytest.mark.parametrize(
    ("choice", "date"), [("pause-30", "14 February 2027"), ("pause-90", "15 April 2027")]
)
async def test_a_pause(web, book, meter, clock, make_link, *, choice, date) -> None:
    answer = await web.post(make_link(), data={"choice": choice})
    assert f"Paused until {date}" in answer.text
    assert meter.value("pauses_total", days=choice[-2:]) == 1
    assert f"paused until {date}" in (await web.get(make_link())).text
    back = way_back(answer.text)
    assert "Everything is as it was" in (await web.post(back, data={"confirm": "1"})).text
    assert meter.value("undone_total", step="paused") == 1
    book.told = replace(book.told, paused_until=clock.at - 1)
    assert "paused until" not in (await web.get(make_link())).text, "a pause that is over is none"


async def test_who_has_left_is_told_so_whatever_they_press(web, book, make_link) -> None:
    await web.post(make_link(), content=ONE_CLICK, headers=FORM)
    for choice in ("leave", "leave-all", "pause-30"):
        answer = await web.post(make_link(), data={"choice": choice})
        assert "You have been unsubscribed since" in answer.text
    assert book.acts == [("leave", Via.ONE_CLICK)]


async def test_a_report_from_the_leave_page_offers_no_way_back(web, book, meter, make_link) -> None:
    answer = await web.post(make_link(), data={"choice": "report"})
    assert "Thank you for your report" in answer.text
    assert "/z/" not in answer.text
    assert book.reports == [(bytes(16), "")]
    assert meter.value("abuse_reports_total") == 1


@pytest.mark.parametrize("choice", ["leave", "leave-all", "pause-30", "report"])
@pytest.mark.parametrize("confirmation", ["page", "email"])
async def test_what_is_gone_meanwhile_gets_the_one_answer(
    means, book, make_link, monkeypatch, *, choice, confirmation
) -> None:
    """Between the question and the answer the account was erased."""

    def gone(*_args: object, **_more: object) -> Unknown:
        return Unknown()

    for method in ("unsubscribe", "leave_all", "pause", "report", "ask"):
        monkeypatch.setattr(book, method, gone)
    app = build_public(replace(means, settings=lambda: WebSection(confirmation=confirmation)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as web:
        answer = await web.post(make_link(), data={"choice": choice})
        assert (answer.status_code, answer.content) == (404, (await web.get("/nowhere")).content)


async def test_without_time_for_an_undo_none_is_offered(means, make_link) -> None:
    app = build_public(replace(means, settings=lambda: WebSection(undo=0)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as web:
        assert "/z/" not in (await web.post(make_link(), data={"confirm": "1"})).text


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        (Basis.DOUBLE_OPT_IN, "confirmed it"),
        (Basis.ASSERTED, "The sender states that you asked for it"),
        (Basis.RECOMMENDED, "recommended"),
        (Basis.ACCOUNT, "registered with a service of"),
    ],
)
async def test_why(web, book, make_link, basis, said) -> None:
    book.told = replace(book.told, basis=basis)
    answer = await web.get(make_link(Purpose.WHY))
    assert said in answer.text
    assert "14 November 2023" in answer.text
    assert ("the form at &lt;acme.example&gt;" in answer.text) is (basis is not Basis.ACCOUNT)
    assert "weekly.acme.example" in answer.text
    assert "mail.acme.example" in answer.text
    for place in re.findall(r'href="\.\.(/[ur]/[^"]+)"', answer.text):
        assert (await web.get(place)).status_code == 200
    assert (await web.post(make_link(Purpose.WHY), data={"confirm": "1"})).status_code == 405


# Confirmation by letter -------------------------------------------------------------------------------------


@pytest.fixture
async def by_letter(means):
    app = build_public(replace(means, settings=lambda: WebSection(confirmation="email")))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://leave.example") as web:
        yield web


async def test_the_button_sends_a_letter_whose_page_has_the_button(by_letter, book, make_link) -> None:
    page = (await by_letter.get(make_link())).text
    assert "We send a short message" in page
    assert re.findall(r"<button[^>]*>([^<]*)", page) == ["Unsubscribe", "Report as spam"]
    for choice in ("leave", "leave-all", "pause-30"):
        answer = await by_letter.post(make_link() + "?lang=de", data={"choice": choice})
        assert "a***@e***.net" in answer.text
    assert not book.vias
    plain = book.letters[0].replace(b"=\r\n", b"").replace(b"=3D", b"=").decode()
    found = re.search(r"http://leave\.example(/c/\S+)", plain)
    assert found
    assert found[1].endswith("?lang=de")
    assert "Abmelden" in (await by_letter.get(found[1])).text
    assert not book.vias
    await by_letter.post(found[1], data={"confirm": "1"})
    assert book.acts == [("leave", Via.LETTER)]
    await by_letter.post(make_link(), data={"confirm": "1"})
    assert len(book.letters) == 3, "who has left already gets no letter"


async def test_one_click_and_a_report_work_at_once(by_letter, book, make_link) -> None:
    assert (await by_letter.post(make_link(), content=ONE_CLICK, headers=FORM)).status_code == 200
    assert book.acts == [("leave", Via.ONE_CLICK)]
    assert (await by_letter.post(make_link(), data={"choice": "report"})).status_code == 200
    assert book.told.state is SubscriptionState.COMPLAINED
    assert not book.letters


# Made-up links ----------------------------------------------------------------------------------------------


async def test_made_up_links_are_slowed_down_and_genuine_ones_are_not(web, meter, clock, make_link) -> None:
    for _ in range(60):
        assert (await web.get("/u/nothing")).status_code == 404
    for purpose in Purpose:
        limited = await web.get(f"/{make_link(purpose)[1]}/nothing")
        assert limited.status_code == 429
        assert 0 < int(limited.headers["retry-after"]) <= 60
        assert "Please wait a little" in limited.text
    assert meter.value("bad_links_total", result="limited") == len(Purpose)
    assert meter.value("bad_links_total", result="unknown") == 60
    for _ in range(100):
        assert (await web.post(make_link(), content=ONE_CLICK, headers=FORM)).status_code == 200
    assert (await web.get(make_link(account=8))).status_code == 404, "a genuine link of one who is gone"
    clock.at += 60
    assert (await web.get("/u/nothing")).status_code == 404


# Looks ------------------------------------------------------------------------------------------------------


async def test_a_brand_shows_colour_and_logo_and_the_policy_allows_just_that(web, book, make_link) -> None:
    plain = (await web.get(make_link())).headers["content-security-policy"]
    book.take_a_brand("#ffe600", "abc")
    answer = await web.get(make_link())
    assert '<img src="../b/abc" alt="Acme" width="120" height="40">' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "img-src 'self'" in policy
    assert policy.count("sha256-") == plain.count("sha256-") + 1
    assert "img-src" not in plain
    book.take_a_brand("#ffe600")
    assert "img-src" not in (await web.get(make_link())).headers["content-security-policy"]


async def test_a_logo(web) -> None:
    answer = await web.get("/b/abc")
    assert (answer.headers["content-type"], answer.content) == ("image/png", b"octets")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await web.get("/b/other")).status_code == 404


async def test_an_explicit_language_lasts(web, make_link) -> None:
    answer = await web.get(make_link() + "?lang=fr", headers={"Accept-Language": "de"})
    assert '<html lang="fr" dir="ltr">' in answer.text
    assert answer.headers["content-language"] == "fr"
    assert answer.headers["vary"] == "Accept-Language"
    after = await web.post(make_link() + "?lang=fr", data={"choice": "pause-30"})
    assert "En pause jusqu\u2019au 14 février 2027" in after.text
    assert way_back(after.text).endswith("?lang=fr")
    assert '<html lang="de"' in (await web.get("/u/x?lang=xx", headers={"Accept-Language": "de"})).text
