"""The links: what changes something, what never does, and what everyone hears who is wrong."""

import asyncio
import re
import threading

import httpx
import pytest

from gateway.model.token import Purpose
from gateway.web.leaving import Via
from gateway.web.public import build_public

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "query", ["", "?confirm=1", "?List-Unsubscribe=One-Click", "?utm_source=x&confirm=1"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("purpose", list(Purpose))
async def test_reading_changes_nothing(web, book, make_link, *, purpose, method, query) -> None:
    answer = await web.request(
        method, make_link(purpose) + query, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"}
    )
    assert answer.status_code == 200
    assert book.untouched


async def test_the_page_says_who_writes_to_whom_and_has_no_script(web, make_link) -> None:
    text = (await web.get(make_link())).text
    assert "Weekly &lt;Tea&gt; &amp; Cake" in text
    assert "Acme" in text
    assert "a***@e***.net" in text
    assert re.findall(r"<button[^>]*>([^<]*)", text) == [
        "Unsubscribe",
        "Pause for 30 days",
        "Pause for 90 days",
        "Leave all lists of Acme",
        "Report as spam",
    ]
    assert text.count('method="post"') == 2
    assert "<script" not in text
    assert '<html lang="en" dir="ltr">' in text


async def test_the_button(web, book, meter, make_link, logged) -> None:
    answer = await web.post(make_link(), data={"confirm": "1"}, headers={"X-Forwarded-For": "192.0.2.9"})
    assert logged == [
        {
            "event": "unsubscribed",
            "log_level": "info",
            "account": 7,
            "list": 3,
            "client": "127.0.0.1",  # a stranger's word about another address is not taken
            "via": "page",
        }
    ]
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert book.acts == [("leave", Via.PAGE)]
    assert meter.value("unsubscribes_total", via="page") == 1
    assert meter.value("web_requests_total", page="unsubscribe", code="200") == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (ONE_CLICK, "application/x-www-form-urlencoded; charset=UTF-8"),
        (ONE_CLICK + "\r\n", "application/x-www-form-urlencoded"),
        (ONE_CLICK, ""),
        (ONE_CLICK, "text/plain"),
        (
            '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
)
async def test_one_click(web, book, meter, make_link, *, body, content_type) -> None:
    answer = await web.post(
        make_link(), content=body, headers={"Content-Type": content_type} if content_type else {}
    )
    assert answer.status_code == 200
    assert len(answer.content) < 100
    assert not answer.history
    assert "set-cookie" not in answer.headers
    assert book.acts == [("leave", Via.ONE_CLICK)]
    assert meter.value("unsubscribes_total", via="one-click") == 1


async def test_leaving_twice_is_leaving_once(web, book, meter, make_link) -> None:
    for _ in range(3):
        assert (await web.post(make_link(), content=ONE_CLICK, headers=FORM)).status_code == 200
    for again in (await web.post(make_link(), data={"confirm": "1"}), await web.get(make_link())):
        assert "You have been unsubscribed since 15 January 2027" in again.text
        assert "/z/" not in again.text, "a mail's link alone must not offer the way back"
    assert book.acts == [("leave", Via.ONE_CLICK)]
    assert meter.value("unsubscribes_total") == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", "application/x-www-form-urlencoded"),
        ("confirm=0", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=Two-Clicks", "application/x-www-form-urlencoded"),
        ("&".join(f"a{i}=1" for i in range(40)), "application/x-www-form-urlencoded"),
        ("no parts", "multipart/form-data; boundary=b"),
        ("no boundary", "multipart/form-data"),
        ("--b\r\nContent-Disposition: nonsense\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (
            '--b\r\nContent-Disposition: form-data; name="confirm"; filename="x"\r\n\r\n1\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        ("\xff\xfe=%ff", "application/x-www-form-urlencoded"),
        ("--b\r\n", "multipart/form-data; boundary=b; charset=nonsense"),
    ],
)
async def test_any_other_post_is_refused_and_changes_nothing(
    web, book, make_link, body, content_type
) -> None:
    # A recommendation has fields of its own, and says which are wrong.
    for purpose in sorted(set(Purpose) - {Purpose.WHY, Purpose.RECOMMEND}):
        answer = await web.post(
            make_link(purpose), content=body.encode("latin-1"), headers={"Content-Type": content_type}
        )
        assert answer.status_code == 400
        assert "nothing was changed" in answer.text
    assert book.untouched


async def test_one_click_does_nothing_at_a_report_link(web, book, make_link) -> None:
    answer = await web.post(make_link(Purpose.REPORT), content=ONE_CLICK, headers=FORM)
    assert answer.status_code == 400
    assert book.untouched


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_wrong_link_gets_the_same_answer(web, book, make_link, method) -> None:
    good = make_link()
    forged = good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1]
    wrong = [
        forged,
        "/u/x",
        "/u/" + "A" * 78,
        "/u/" + "A" * 5000,
        "/u/%C3%A9%00",
        make_link(Purpose.REPORT).replace("/r/", "/u/"),
        make_link().replace("/u/", "/r/"),
        make_link(account=8),
        make_link(mail_list=99),
        good + "/",
        good + "/more",
        "/nowhere",
    ]
    answers = {
        (
            (answer := await web.request(method, path, content=ONE_CLICK, headers=FORM)).status_code,
            answer.content,
        )
        for path in wrong
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    assert book.untouched


async def test_what_the_book_does_not_know_gets_that_answer_too(web, book, make_link) -> None:
    nowhere = await web.get("/nowhere")
    book.forgotten = True
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.CONFIRM, Purpose.REPORT):
        answers = [await web.get(make_link(purpose))]
        answers.append(await web.post(make_link(purpose), data={"confirm": "1", "choice": "leave-all"}))
        answers.append(await web.post(make_link(purpose), data={"confirm": "1"}))
        assert {(answer.status_code, answer.content) for answer in answers} == {(404, nowhere.content)}
    answer = await web.post(make_link(), content=ONE_CLICK, headers=FORM)
    assert (answer.status_code, answer.content) == (404, nowhere.content)
    assert "nothing more comes to you" in answer.text
    assert book.untouched


async def test_an_old_key_still_opens(web, make_link) -> None:
    assert (await web.get(make_link(key_id=2))).status_code == 200


async def test_a_report(web, book, meter, make_link) -> None:
    page = await web.get(make_link(Purpose.REPORT))
    assert page.text.count("<button") == 1
    answer = await web.post(
        make_link(Purpose.REPORT), data={"confirm": "1", "reason": "never\r\nasked\x00\x1b[1m " + "x" * 5000}
    )
    assert answer.status_code == 200
    assert "Thank you" in answer.text
    ((submission, words),) = book.reports
    assert submission == bytes(16)
    assert words.startswith("never\nasked[1m xxx")
    assert len(words) == 2000
    assert meter.value("abuse_reports_total") == 1


async def test_a_store_that_is_away(web, book, meter, make_link) -> None:
    book.away = True
    for answer in (await web.get(make_link()), await web.post(make_link(), content=ONE_CLICK, headers=FORM)):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert meter.value("web_requests_total", page="unsubscribe", code="503") == 2


async def test_our_own_fault_says_nothing_of_its_cause(web, book, make_link, logged) -> None:
    book.broken = True
    answer = await web.get(make_link())
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert [(line["event"], line["page"]) for line in logged] == [("request failed", "unsubscribe")]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_store_that_hangs(book, means, make_link) -> None:
    let_go = threading.Event()
    book.story = lambda *_: let_go.wait(10) and None
    app = build_public(means, time_limit=0.05)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as web:
        answer = await web.get(make_link())
    let_go.set()
    assert answer.status_code == 503


async def test_a_body_that_does_not_end_is_answered(means, make_link) -> None:
    app = build_public(means, time_limit=0.05)

    async def endless():
        yield b"a"
        await asyncio.Event().wait()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as web:
        answer = await web.post(make_link(), content=endless())
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"


async def test_a_body_over_the_limit(web, book, make_link) -> None:
    for content in (b"confirm=1&x=" + b"a" * 70_000, _pieces()):
        answer = await web.post(make_link(), content=content, headers=FORM)
        assert answer.status_code == 413
        assert answer.headers["connection"] == "close"
    assert book.untouched


async def _pieces():
    for _ in range(10):
        yield b"a" * 10_000


@pytest.mark.parametrize("path", ["/", "/nowhere", "/robots.txt", "/favicon.ico", "link"])
async def test_headers_of_every_answer(web, make_link, path) -> None:
    answer = await web.get(make_link() if path == "link" else path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"].startswith("noindex")
    assert "set-cookie" not in answer.headers


async def test_the_small_pages(web) -> None:
    assert "asked for" in (await web.get("/")).text
    assert (await web.get("/robots.txt")).text == "User-agent: *\nDisallow: /\n"
    assert (await web.get("/favicon.ico")).status_code == 204
    for path in ("/docs", "/openapi.json", "/redoc", "/metrics", "/health/ready"):
        assert (await web.get(path)).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(web, book, make_link, method) -> None:
    answer = await web.request(method, make_link())
    assert answer.status_code == 405
    assert book.untouched
