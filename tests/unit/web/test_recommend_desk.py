"""Recommending by the pages: who may, what they may write, and that nobody learns who reads what."""

import re
from dataclasses import replace

import pytest

from gateway.model.facts import SubscriptionState
from gateway.model.recommendation import Recommendation
from gateway.model.token import Purpose
from gateway.settings.schema import RecommendationSection
from gateway.web.public import build_public

FORM = {"name": " Ann   Jones ", "email": "Ann@example.net", "friend": "bob@example.org"}


async def test_the_page_that_says_why_leads_there(web, book, make_link) -> None:
    text = (await web.get(make_link(Purpose.WHY))).text
    found = re.search(r'href="\.\.(/f/[^"?]+)"', text)
    assert found
    answer = await web.get(found[1])
    assert re.findall(r'<input id="(\w+)"', answer.text) == ["name", "email", "friend"]
    assert "Weekly &lt;Tea&gt; &amp; Cake" in answer.text
    book.told = replace(book.told, state=SubscriptionState.UNSUBSCRIBED)
    assert "/f/" not in (await web.get(make_link(Purpose.WHY))).text, "who has left recommends nothing"


async def test_a_recommendation(web, recommending, meter, make_link) -> None:
    answer = await web.post(make_link(Purpose.RECOMMEND) + "?lang=fr", data=FORM)
    assert answer.status_code == 200
    assert "bob@example.org" in answer.text
    (made,) = recommending.made
    assert isinstance(made, Recommendation)
    assert (made.name, str(made.address), str(made.friend)) == (
        "Ann Jones",
        "Ann@example.net",
        "bob@example.org",
    )
    assert (made.account_id, made.list_id, made.language, made.ip) == (7, 3, "fr", "127.0.0.1")
    assert meter.value("recommendations_total", result="taken") == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Buy at spam.example"),
        ("name", "Ann\r\nBcc: x@example.org"),
        ("email", ""),
        ("email", "eve@example.net"),
        ("email", "no address"),
        ("friend", ""),
        ("friend", "bob"),
        ("friend", "ANN@example.net"),  # oneself
        ("friend", "bob@example.org, cid@example.org"),
    ],
)
async def test_what_cannot_be_taken_is_said_beside_its_field(
    web, recommending, make_link, field, value
) -> None:
    answer = await web.post(make_link(Purpose.RECOMMEND), data=FORM | {field: value})
    assert answer.status_code == 422
    assert re.findall(r'aria-describedby="wrong-(\w+)"', answer.text) == [field]
    assert recommending.made == []


@pytest.mark.parametrize("own", ['"Win at http://evil.example/"@example.net', "a\u2028b@example.net"])
async def test_an_address_of_ones_own_that_is_a_message(
    web, recommending, make_link, monkeypatch, own
) -> None:
    monkeypatch.setattr(recommending, "is_theirs", lambda *_: True)
    answer = await web.post(make_link(Purpose.RECOMMEND), data=FORM | {"email": own})
    assert answer.status_code == 422
    assert recommending.made == []


async def test_a_link_that_was_passed_on_does_not_give_its_address_away(web, recommending, make_link) -> None:
    for number in range(10):
        await web.post(make_link(Purpose.RECOMMEND), data=FORM | {"email": f"x{number}@example.net"})
    answer = await web.post(make_link(Purpose.RECOMMEND), data=FORM)
    assert answer.status_code == 422, "after so many tries the right one looks as wrong as the others"
    assert recommending.made == []


async def test_a_few_a_day(web, recommending, make_link, clock) -> None:
    link = make_link(Purpose.RECOMMEND)
    codes = [
        (await web.post(link, data=FORM | {"friend": f"b{one}@example.org"})).status_code for one in range(6)
    ]
    assert codes == [200] * 5 + [429]
    assert len(recommending.made) == 5
    clock.at += 86_400
    assert (await web.post(link, data=FORM)).status_code == 200


async def test_who_is_not_on_the_list(web, recommending, make_link) -> None:
    recommending.offered = None
    link = make_link(Purpose.RECOMMEND)
    assert (await web.get(link)).status_code == 404
    assert (await web.post(link, data=FORM)).status_code == 404
    assert recommending.made == []


async def test_where_it_is_not_offered(means, recommending, make_link) -> None:
    import httpx  # noqa: PLC0415 - one client of its own

    app = build_public(replace(means, recommendation=lambda: RecommendationSection(offered=False)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
        assert "/f/" not in (await client.get(make_link(Purpose.WHY))).text
        assert (await client.post(make_link(Purpose.RECOMMEND), data=FORM)).status_code == 404
    assert recommending.made == []


async def test_an_invitation_leads_to_the_form(web, joining, recommending, make_link, clock) -> None:
    text = (await web.get(make_link(Purpose.INVITATION))).text
    assert "You are on no list" in text
    action = re.search(r'action="\.\.(/subscribe/[^"]+)"', text)
    stamp = re.search(r'name="stamp" value="([^"]+)"', text)
    assert action
    assert stamp
    clock.at += 5
    answer = await web.post(action[1], data={"email": "bob@example.org", "stamp": stamp[1]})
    assert "Please look into your mailbox" in answer.text
    assert joining.wishes[0].origin.text, "it is a form of ours, and what it said is known"
    assert recommending.never == 0


@pytest.mark.parametrize("fields", [{"choice": "never"}, {"List-Unsubscribe": "One-Click"}])
async def test_never_again(web, recommending, make_link, logged, fields) -> None:
    answer = await web.post(make_link(Purpose.INVITATION), data=fields)
    assert "No invitations any more" in answer.text
    assert recommending.never == 1
    assert [line["event"] for line in logged] == ["no invitations any more"]


async def test_an_invitation_of_an_account_that_is_stopped(web, recommending, make_link) -> None:
    recommending.offered = replace(recommending.offered, is_open=False)
    text = (await web.get(make_link(Purpose.INVITATION))).text
    assert "/subscribe/" not in text
    assert re.findall(r"<button[^>]*>([^<]*)", text) == ["Never again"]


async def test_what_is_no_answer_and_an_invitation_that_is_gone(web, recommending, make_link) -> None:
    link = make_link(Purpose.INVITATION)
    assert (await web.post(link, data={"choice": "yes"})).status_code == 400
    recommending.offered = None
    assert (await web.get(link)).status_code == 404
    assert (await web.post(link, data={"choice": "never"})).status_code == 404
    assert recommending.never == 0
