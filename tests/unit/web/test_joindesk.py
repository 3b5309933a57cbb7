"""Joining by the pages: what changes something, what never does, and that an answer tells nothing."""

import base64
import hashlib
import re
from dataclasses import replace
from itertools import count

import pytest

from gateway.model.ledger import Origin
from gateway.model.token import Purpose
from gateway.ports import KeyGone
from gateway.web.stamp import is_worked

PLACE = "/subscribe/acme/weekly.acme.example"
ANN = {"email": "Ann@example.net"}
HIDDEN = re.compile(r'name="(stamp|work|email|site)" (?:type="email" )?.*?value="([^"]*)"')


def hidden(text: str) -> dict[str, str]:
    return dict(HIDDEN.findall(text))


def worked(page: str) -> dict[str, str]:
    """Return the fields of the step, with the work done."""
    fields = hidden(page)
    return fields | {"work": next(str(one) for one in count() if is_worked(fields["stamp"], str(one), 16))}


async def ask(web, place: str = PLACE):
    """Sign up as a browser does that goes from a form on another site to the step."""
    return await web.post(place, data=worked((await web.post(place, data=ANN)).text))


async def test_the_form_says_what_and_how_often(web, joining) -> None:
    answer = await web.get(PLACE)
    assert answer.status_code == 200
    assert "Weekly &lt;Tea&gt; &amp; Cake" in answer.text
    assert "Tea &amp; what goes &lt;with&gt; it" in answer.text
    assert "How often: weekly" in answer.text
    assert "<script" not in answer.text
    assert len(hidden(answer.text)["stamp"]) == 46
    assert joining.wishes == []


@pytest.mark.parametrize(
    "path",
    [
        "/subscribe/acme/other",
        "/subscribe/nobody/weekly.acme.example",
        "/subscribe/acme",
        "/subscribe/%00/%2e%2e",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_form_that_is_not_there(web, joining, path, method) -> None:
    assert (await web.request(method, path, data=ANN)).status_code == 404
    assert joining.wishes == []


async def test_a_list_of_any_name_has_its_form(web, joining) -> None:
    joining.name = "a/b#c%?d.acme.example"
    joining.offered = replace(joining.offered, list_id=joining.name)
    assert joining.offered.place == "acme/a%2Fb%23c%25%3Fd.acme.example"
    assert (await web.get(f"/subscribe/{joining.offered.place}")).status_code == 200
    await ask(web, f"/subscribe/{joining.offered.place}")
    assert joining.wishes[0].origin.source == f"http://leave.example/subscribe/{joining.offered.place}"


async def test_looking_for_forms_is_slowed_down(web) -> None:
    codes = [(await web.get(f"/subscribe/acme/l{number}")).status_code for number in range(61)]
    assert codes == [404] * 60 + [429]


async def test_our_form(web, joining, meter, clock) -> None:
    stamp = hidden((await web.get(PLACE)).text)["stamp"]
    clock.at += 5
    fields = ANN | {"stamp": stamp, "website": ""}
    answer = await web.post(f"{PLACE}?lang=de", data=fields, headers={"User-Agent": "Browser\t/1"})
    assert answer.status_code == 200
    assert "Ann@example.net" in answer.text
    (wish,) = joining.wishes
    assert (wish.account_id, wish.list_id, str(wish.address), wish.language) == (
        7,
        3,
        "Ann@example.net",
        "de",
    )
    origin = wish.origin
    assert (origin.actor, origin.source) == ("subscriber", f"http://leave.example{PLACE}")
    assert (origin.ip, origin.user_agent) == ("127.0.0.1", "Browser /1")
    assert origin.text.splitlines()[:2] == [
        "Sie abonnieren Weekly <Tea> & Cake von acme.",
        "Tea & what goes <with> it",
    ]
    assert meter.value("signups_total", result="calm") == 1


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ("https://acme.example", "https://acme.example"),
        ("https://shop.acme.example:8443", "https://shop.acme.example"),
        ("https://acme.example.evil.example", f"http://leave.example{PLACE}"),
        ("https://notacme.example", f"http://leave.example{PLACE}"),
        ("javascript://acme.example", f"http://leave.example{PLACE}"),
        ("http://[", f"http://leave.example{PLACE}"),
        ("null", f"http://leave.example{PLACE}"),
    ],
)
async def test_a_form_of_another_site_is_named_where_it_is_proved_to_be_theirs(
    web, joining, origin, source
) -> None:
    step = await web.post(PLACE, data=ANN, headers={"Origin": origin})
    await web.post(PLACE, data=worked(step.text), headers={"Origin": "http://leave.example"})
    (wish,) = joining.wishes
    assert wish.origin.source == source
    assert wish.origin.text.startswith("You subscribe to"), "the step says it"


async def test_a_program_that_only_posts_gets_no_letter_sent(web, joining, clock, meter) -> None:
    made_up = {"stamp": "A" * 46, "work": "1", "site": "https://acme.example"}
    for fields in (ANN, ANN | {"stamp": "", "work": "1"}, ANN | made_up):
        answer = await web.post(PLACE, data=fields, headers={"Origin": "https://acme.example"})
        assert "One more step" in answer.text
        clock.at += 60
    assert joining.wishes == []
    assert meter.value("signups_total", result="step") == 3


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@example.net", "a b@example.net", "ann@example.net\r\nBcc: x", "x" * 400]
)
async def test_what_is_no_address(web, joining, email) -> None:
    answer = await web.post(PLACE, data={"email": email})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'aria-describedby="wrong"' in answer.text
    assert joining.wishes == []


async def test_the_step_by_work(web, joining, meter) -> None:
    first = await web.post(PLACE, data=ANN | {"website": "https://spam.example"})
    assert "One more step" in first.text
    assert joining.wishes == []
    fields = hidden(first.text)
    assert fields["email"] == "Ann@example.net"
    early = await web.post(PLACE, data=fields)
    assert "Please wait a moment longer" in early.text
    assert hidden(early.text)["stamp"] == fields["stamp"], "its time goes on"
    assert "Please look into your mailbox" in (await web.post(PLACE, data=worked(first.text))).text
    (wish,) = joining.wishes
    assert wish.origin.text.startswith("You subscribe to")
    assert [meter.value("signups_total", result=one) for one in ("step", "early", "worked")] == [1, 1, 1]


async def test_the_script_of_the_step_is_named_by_the_policy(web) -> None:
    page = await web.post(PLACE, data=ANN | {"website": "x"})
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in page.headers["Content-Security-Policy"]
    other = await web.get(PLACE)
    assert "script-src" not in other.headers["Content-Security-Policy"]
    assert "</" not in script.replace("</script>", "")


async def test_too_many_of_one_network(web, joining, clock) -> None:
    stamps = [hidden((await web.post(PLACE, data=ANN)).text)["stamp"] for _ in range(6)]
    clock.at += 30
    answers = [await web.post(PLACE, data=ANN | {"stamp": stamp}) for stamp in stamps]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert 0 < int(answers[5].headers["Retry-After"]) <= 3600
    assert "Please try again later" in answers[5].text
    assert len(joining.wishes) == 5


async def test_the_store_is_away(web, book, joining) -> None:
    book.away = True
    for answer in (await web.get(PLACE), await web.post(PLACE, data=ANN)):
        assert answer.status_code == 503
    assert joining.wishes == []


# The letter's link


async def test_reading_the_question_changes_nothing(web, joining, make_link) -> None:
    for method in ("GET", "HEAD"):
        for query in ("", "?choice=yes", "?List-Unsubscribe=One-Click"):
            answer = await web.request(method, make_link(Purpose.SIGNUP) + query)
            assert answer.status_code == 200
    text = (await web.get(make_link(Purpose.SIGNUP))).text
    assert re.findall(r"<button[^>]*>([^<]*)", text) == ["Yes, subscribe me", "This was not me"]
    assert "a***@e***.net" in text
    assert "15 January 2027, 08:00 UTC" in text
    assert joining.answers == []


async def test_yes(web, joining, make_link, logged) -> None:
    link = make_link(Purpose.SIGNUP)
    answer = await web.post(link, data={"choice": "yes"}, headers={"User-Agent": "Browser"})
    assert "You are subscribed" in answer.text
    ((what, origin),) = joining.answers
    shown = "You subscribe to Weekly <Tea> & Cake by acme."
    assert what == "confirmed"
    assert replace(origin, text=origin.text.splitlines()[0]) == Origin(
        "subscriber", "https://acme.example", "127.0.0.1", "Browser", shown
    )
    way_out = re.search(r'href="\.\.(/u/[^"?]+)', answer.text)
    assert way_out
    assert (await web.get(way_out[1])).status_code == 200
    assert [line["event"] for line in logged] == ["sign-up confirmed"]
    again = await web.post(link, data={"choice": "yes"})
    assert "You have been subscribed since 15 January 2027" in again.text
    assert len(joining.answers) == 1
    assert "You have been subscribed since" in (await web.get(link)).text


async def test_not_me(web, joining, make_link) -> None:
    answer = await web.post(make_link(Purpose.SIGNUP), data={"choice": "no"})
    assert "Thank you for telling us" in answer.text
    assert [what for what, _ in joining.answers] == ["refused"]
    over = await web.get(make_link(Purpose.SIGNUP))
    assert "This sign-up is over" in over.text
    again = re.search(r'href="\.\.(/subscribe/[^"?]+)', over.text)
    assert again
    assert (await web.get(again[1])).status_code == 200


async def test_five_who_never_asked_raise_the_wall_for_the_list(web, joining, make_link, clock) -> None:
    for _ in range(5):
        joining.waiting = True
        await web.post(make_link(Purpose.SIGNUP), data={"choice": "no"})
    stamp = hidden((await web.get(PLACE)).text)["stamp"]
    clock.at += 5
    assert "One more step" in (await web.post(PLACE, data=ANN | {"stamp": stamp})).text


@pytest.mark.parametrize("query", ["", "?lang=de"])
async def test_one_click_says_no(web, joining, make_link, query) -> None:
    answer = await web.post(make_link(Purpose.SIGNUP) + query, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert [what for what, _ in joining.answers] == ["cancelled"]


@pytest.mark.parametrize("fields", [{}, {"choice": "maybe"}, {"confirm": "1"}, {"choice": "cancel"}])
async def test_what_is_no_answer(web, joining, make_link, fields) -> None:
    assert (await web.post(make_link(Purpose.SIGNUP), data=fields)).status_code == 400
    assert joining.answers == []


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.CONFIRM, Purpose.WHY])
async def test_a_link_for_something_else_confirms_nothing(web, joining, make_link, purpose) -> None:
    token = make_link(purpose).rpartition("/")[2]
    assert (await web.post(f"/s/{token}", data={"choice": "yes"})).status_code == 404
    sign_up = make_link(Purpose.SIGNUP).rpartition("/")[2]
    assert (await web.post(f"/u/{sign_up}", data={"confirm": "1"})).status_code == 404
    assert joining.answers == []


@pytest.mark.parametrize("choice", ["yes", "no"])
async def test_an_account_that_is_being_erased_has_no_sign_ups(
    web, joining, make_link, choice, monkeypatch
) -> None:
    def gone(*_: object) -> None:
        raise KeyGone(7)

    for name in ("confirm", "refuse"):
        monkeypatch.setattr(joining, name, gone)
    answer = await web.post(make_link(Purpose.SIGNUP), data={"choice": choice})
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]


async def test_an_account_that_is_stopped(web, joining, make_link) -> None:
    joining.offered = replace(joining.offered, is_open=False)
    await web.post(make_link(Purpose.SIGNUP), data={"choice": "no"})
    over = await web.get(make_link(Purpose.SIGNUP))
    assert "This sign-up is over" in over.text
    assert "/subscribe/" not in over.text, "there is no form to lead to"


async def test_an_account_that_is_gone(web, joining, make_link) -> None:
    joining.offered = None
    assert "This sign-up is over" in (await web.get(make_link(Purpose.SIGNUP))).text
    assert "This sign-up is over" in (await web.post(make_link(Purpose.SIGNUP), data={"choice": "yes"})).text
    assert joining.answers == []


@pytest.mark.parametrize("email", [r"a\ud800@example.net", r"\udc00"])
async def test_halves_of_characters_in_a_charset_of_the_senders_choice(web, joining, email) -> None:
    body = f'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n{email}\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"}
    answer = await web.post(PLACE, content=body.encode(), headers=headers)
    assert answer.status_code == 400
    assert joining.wishes == []
