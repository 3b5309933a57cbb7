"""Joining as people do it, in a real Chromium: the form, the letter at the next hop, its link, the button, and
mail that may come then; as a bomber, a scanner and a killer do it; and in the end, what nobody answered.

The pictures of the pages are kept in build/screenshots.
"""

import contextlib
import os
import re
import signal
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from html import unescape
from pathlib import Path

import dkim
import pytest
from scene import PHONE, SHOTS, Browser, House, Received, eventually, newsletter, picture
from typer.testing import CliRunner

from gateway.cli.main import app

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"
DAY = 86_400
PLACE = "/subscribe/acme/news.acme.example"
LANGUAGES = ("de", "es", "fr", "ro")
SETTINGS = {
    "calm_network": "1,000/h",
    "calm_list": "1,000/h",
    "network": "1,000/h",
    "list": "10,000/h",
    "waited": "1,000/h",
    "wait": "0s",
    "quickest": "0s",
}


@pytest.fixture(scope="module")
def house(house_of_the_file: House) -> House:
    """A house where many may join from this machine; a form may come back at once."""
    house = house_of_the_file
    for key, value in SETTINGS.items():
        house.change(rf"^{key} = .*", f'{key} = "{value}"')
    house.change("^person_hour = .*", "person_hour = 3")
    words = ["list", "set", "acme", "news.acme.example", "--description", "Tea, cake & what is new"]
    done = CliRunner().invoke(app, ["--config", str(house.config), *words, "--frequency", "weekly"])
    assert done.exit_code == 0, done.output
    house.start()
    return house


def url(house: House, place: str = PLACE) -> str:
    return f"http://127.0.0.1:{house.web}{place}"


def letters(house: House, to: str) -> list[Received]:
    return [one for one in house.sink.received if to in one.recipients and not one.sender]


def letter(house: House, to: str, count: int = 1) -> Received:
    house.sink.wait_for(lambda _: len(letters(house, to)) >= count)
    found = letters(house, to)
    assert len(found) == count
    return found[-1]


def link(one: Received) -> str:
    """Return the address in the letter's text."""
    part = one.message.get_body(("plain",))
    assert part
    found = re.search(r"http://\S+/s/\S+", part.get_content())
    assert found
    return found[0]


def rcpt(house: House, to: str) -> tuple[int, bytes]:
    with house.client() as client:
        client.mail(SENDER)
        return client.rcpt(to)


def sign_up(form: str, address: str) -> tuple[int, str]:
    """Fill in our form as a person does: it is loaded, and then sent."""
    with urllib.request.urlopen(form, timeout=10) as page:
        stamp = re.search(r'name="stamp" value="([^"]+)"', page.read().decode())
    assert stamp
    return post(form, email=address, stamp=stamp[1])


def post(where: str, **fields: str) -> tuple[int, str]:
    body = urllib.parse.urlencode({name.replace("_", "-"): value for name, value in fields.items()}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(where, data=body), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def rows(house: House, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{house.state / 'store.sqlite'}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def everything(house: House) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the store knows of who wants what."""
    tables = ("subscription", "suppression", "signup", "letter", "invitation", "never_invite")
    return {table: sorted(rows(house, f"SELECT * FROM {table}"), key=repr) for table in tables}


# The whole way ----------------------------------------------------------------------------------------------


@pytest.mark.debian
def test_from_the_form_to_the_first_newsletter(house: House, browser: Browser) -> None:
    ann = "Ann.Jones@example.org"
    browser(open=PHONE)
    form = browser(go=url(house))
    assert form["heading"] == "Subscribe to Acme News"
    assert "Tea, cake & what is new" in form["text"]
    assert "How often: weekly" in form["text"]
    browser(fill={"Your e-mail address": ann})
    asked = browser(press="Subscribe")
    assert (asked["heading"], asked["status"]) == ("Please look into your mailbox", 200)
    assert ann in asked["text"]
    assert rcpt(house, ann)[0] == 550, "a pending address gets nothing but the letter"

    one = letter(house, ann)
    assert one.message["From"].addresses[0].addr_spec == "no-reply@provider.example"
    assert one.message["List-Id"] == "Acme News <news.acme.example>"
    assert dkim.verify(one.content, dnsfunc=lambda name, timeout=5: record(house, name))
    signed = one.message["DKIM-Signature"].lower().replace(" ", "")
    assert "list-unsubscribe:" in signed
    assert "list-unsubscribe-post" in signed
    assert "127.0.0.1" in one.message.get_body(("plain",)).get_content()

    question = browser(go=link(one))
    again = browser(again=True)
    for seen in (question, again):
        assert seen["heading"] == "Subscribe to Acme News?"
        assert seen["buttons"] == ["Yes, subscribe me", "This was not me"]
    assert rcpt(house, ann)[0] == 550, "the page alone, loaded twice, has confirmed"
    joined = browser(press="Yes, subscribe me")
    assert joined["heading"] == "You are subscribed"
    assert rcpt(house, ann)[0] == 250
    shown = house.json("subscriber", "show", "acme", ann)
    assert isinstance(shown, list)
    assert (shown[0]["basis"], shown[0]["source"]) == ("double-opt-in", url(house))
    for seen in (form, asked, question, joined):
        assert (seen["scripts"], seen["cookies"], seen["complaints"], seen["sideways"]) == (0, 0, [], False)
    way_out = next(one for one in joined["links"] if "/u/" in one)
    assert browser(go=way_out)["heading"] == "Unsubscribe from Acme News?"


def record(house: House, name: bytes) -> bytes:
    return house.zone[name.decode()].encode()


@pytest.mark.debian
def test_a_form_on_another_site_and_the_step(house: House, browser: Browser) -> None:
    done = CliRunner().invoke(
        app, ["--config", str(house.config), "list", "form", "acme", "news.acme.example"]
    )
    assert done.exit_code == 0, done.output
    browser(open={"scripts": False})
    browser(show=done.stdout)
    browser(fill={"E-mail": "bea@example.org"})
    assert browser(press="Subscribe")["heading"] == "One more step"
    assert browser(press="Subscribe")["heading"] == "Please look into your mailbox"
    letter(house, "bea@example.org")

    browser(show=done.stdout)
    browser(fill={"E-mail": "ben@example.org", "Website": "https://spam.example"})
    step = browser(press="Subscribe")
    assert step["heading"] == "One more step"
    assert "press the button" in step["text"]
    assert browser(press="Subscribe")["heading"] == "Please look into your mailbox", "the wait is over"
    letter(house, "ben@example.org")

    house.change(r"^wait = .*", 'wait = "1 hour"')
    assert house.hang_up()["ok"]
    browser(open=PHONE)
    browser(show=done.stdout)
    browser(fill={"E-mail": "bob@example.org", "Website": "https://spam.example"})
    assert browser(press="Subscribe")["scripts"] == 1
    worked = browser(until="Done. Press the button.")
    assert (worked["complaints"], worked["sideways"]) == ([], False)
    assert browser(axe=True)["violations"] == []
    browser(shot=str(SHOTS / "step-light-phone.png"))
    assert browser(press="Subscribe")["heading"] == "Please look into your mailbox"
    letter(house, "bob@example.org")
    # Pressed at once: it is sent on when the work is done.
    browser(show=done.stdout)
    browser(fill={"E-mail": "bud@example.org", "Website": "https://spam.example"})
    browser(press="Subscribe")
    assert browser(press="Subscribe")["heading"] == "Please look into your mailbox"
    house.change(r"^wait = .*", 'wait = "0s"')
    assert house.hang_up()["ok"]


@pytest.mark.debian
def test_by_the_keyboard_alone(house: House, browser: Browser) -> None:
    browser(open={})
    browser(go=url(house))
    assert browser(keys=["Tab"])["tag"] == "input"
    browser(fill={"Your e-mail address": "kim@example.org"})
    button = browser(keys=["Tab"])
    assert button["name"] == "Subscribe", "the hidden field is passed over"
    assert button["outline"]
    assert browser(keys=["Shift+Tab", "Enter"])["heading"] == "Please look into your mailbox"
    browser(go=link(letter(house, "kim@example.org")))
    assert browser(keys=["Tab"])["name"] == "Yes, subscribe me"
    assert browser(keys=["Tab"])["name"] == "This was not me"
    assert browser(keys=["Shift+Tab", "Enter"])["heading"] == "You are subscribed"


@pytest.mark.debian
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_a_phone(house: House, browser: Browser, scheme: str) -> None:
    browser(open={"scheme": scheme, **PHONE})
    for name in tour(house, browser, f"tour-{scheme}@example.org"):
        found = browser(axe=True)
        assert found["violations"] == [], name
        assert found["passes"] > 10
        browser(shot=str(SHOTS / f"{name}-{scheme}-phone.png"))
    browser(open={"scheme": scheme, "width": 1280, "height": 900})
    assert not browser(go=url(house))["sideways"]
    browser(shot=str(SHOTS / f"subscribe-{scheme}-desktop.png"))
    one = letter(house, f"tour-{scheme}@example.org", 1)
    browser(show=one.message.get_body(("html",)).get_content())
    browser(shot=str(SHOTS / f"letter-{scheme}-desktop.png"))


def tour(house: House, browser: Browser, address: str) -> Iterator[str]:
    """Bring the browser to every page, and give the name of each."""
    browser(go=url(house))
    yield "subscribe"
    browser(fill={"Your e-mail address": "no@one@example.org"})
    browser(submit=True)
    yield "subscribe-wrong"
    browser(fill={"Your e-mail address": address})
    browser(press="Subscribe")
    yield "subscribe-asked"
    browser(go=link(letter(house, address)))
    yield "signup"
    browser(press="This was not me")
    yield "signup-not-me"
    browser(go=link(letter(house, address)))
    yield "signup-over"


@pytest.mark.debian
def test_every_language(house: House, browser: Browser) -> None:
    headings = set()
    for language in LANGUAGES:
        browser(open={"locale": language, **PHONE})
        seen = browser(go=url(house))
        assert (seen["language"], seen["sideways"]) == (language, False)
        browser(shot=str(SHOTS / f"subscribe-{language}-phone.png"))
        headings.add(seen["heading"])
        address = f"lang-{language}@example.org"
        sign_up(url(house) + f"?lang={language}", address)
        one = letter(house, address)
        assert one.message["Content-Language"] == language
        asked = browser(go=link(one))
        assert asked["language"] == language
        assert browser(axe=True)["violations"] == []
        browser(shot=str(SHOTS / f"signup-{language}-phone.png"))
        headings.add(asked["heading"])
    assert len(headings) == 2 * len(LANGUAGES)


@pytest.mark.debian
def test_a_brand(house: House, browser: Browser, tmp_path: Path) -> None:
    """The logo is found from every depth, and the policies let it and the colour through."""
    logo = tmp_path / "logo.png"
    logo.write_bytes(picture(240, 64))
    words = ["account", "brand", "acme", "--colour", "#ffe600", "--logo", str(logo)]
    assert CliRunner().invoke(app, ["--config", str(house.config), *words]).exit_code == 0
    try:
        browser(open={"scheme": "dark", **PHONE})
        shown = [browser(go=url(house))]
        browser(fill={"Your e-mail address": "brand@example.org"})
        shown.append(browser(press="Subscribe"))
        shown.append(browser(go=link(letter(house, "brand@example.org"))))
        browser(shot=str(SHOTS / "signup-brand-dark-phone.png"))
        assert browser(axe=True)["violations"] == []
        for seen in shown:
            assert [where for _, where in seen["requests"] if "/b/" in where]
            assert seen["complaints"] == []
    finally:
        words = ["account", "brand", "acme", "--clear"]
        CliRunner().invoke(app, ["--config", str(house.config), *words])


# A friend ---------------------------------------------------------------------------------------------------


@pytest.mark.debian
def test_a_recommendation_becomes_a_subscription_by_its_own_yes(house: House, browser: Browser) -> None:
    """From the footer of a newsletter to a friend who joins, and another one who wants none."""
    reader, friend, other = "r1@example.net", "friend@example.org", "other@example.org"
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter("recommend"))
    part = house.sink.copy("recommend").message.get_body(("html",))
    assert part
    why = re.search(r'href="([^"]+/w/[^"]+)"', part.get_content())
    assert why
    browser(open=PHONE)
    form = next(one for one in browser(go=unescape(why[1]))["links"] if "/f/" in one)
    for address in (friend, other):
        assert browser(go=form)["heading"] == "Recommend Acme News"
        assert browser(axe=True)["violations"] == []
        mine = {"Your name": "Ann Jones", "Your e-mail address": reader}
        browser(fill={**mine, "Your friend\u2019s e-mail address": address})
        browser(shot=str(SHOTS / "recommend-light-phone.png"))
        assert browser(press="Send the invitation")["heading"] == "Thank you"
    one = letter(house, friend)
    text = one.message.get_body(("plain",)).get_content()
    assert text.splitlines()[-1] == f"Ann Jones <{reader}> recommended"
    assert dkim.verify(one.content, dnsfunc=lambda name, timeout=5: record(house, name))
    browser(show=one.message.get_body(("html",)).get_content())
    browser(shot=str(SHOTS / "invitation-letter-light-phone.png"))
    assert rcpt(house, friend)[0] == 550, "it is no subscription"

    invited = browser(go=one.message["List-Unsubscribe"].strip("<>"))
    assert invited["buttons"] == ["Subscribe", "Never again"]
    assert browser(axe=True)["violations"] == []
    browser(shot=str(SHOTS / "invitation-light-phone.png"))
    browser(fill={"Your e-mail address": friend})
    assert browser(press="Subscribe")["heading"] == "Please look into your mailbox"
    browser(go=link(letter(house, friend, 2)))
    assert browser(press="Yes, subscribe me")["heading"] == "You are subscribed"
    assert rcpt(house, friend)[0] == 250

    status, said = post(letter(house, other).message["List-Unsubscribe"].strip("<>"), choice="never")
    assert (status, "No invitations any more" in said) == (200, True)
    fields = {"name": "Ann Jones", "email": reader, "friend": other}
    assert "Thank you" in post(form, **fields)[1], "nobody learns it"
    house.wait_until_empty()
    assert len(letters(house, other)) == 1
    assert house.metric("consentry_invitations_total", result="never") == 1


# Those who never asked --------------------------------------------------------------------------------------


def test_not_me_and_one_click_end_it(house: House) -> None:
    for address, answer in (
        ("eve@example.org", {"choice": "no"}),
        ("eva@example.org", {"List_Unsubscribe": "One-Click"}),
    ):
        sign_up(url(house), address)
        one = letter(house, address)
        status, _ = post(one.message["List-Unsubscribe"].strip("<>"), **answer)
        assert status == 200
        assert post(link(one), choice="yes")[1].count("This sign-up is over") == 2
        code, said = rcpt(house, address)
        assert (code, b"refused a sign-up on" in said) == (550, True)
        sign_up(url(house), address)
    house.wait_until_empty()
    assert len(letters(house, "eve@example.org")) == len(letters(house, "eva@example.org")) == 1
    assert house.metric("consentry_signup_answers_total", answer="refused") >= 1
    assert house.metric("consentry_signup_answers_total", answer="cancelled") >= 1


def test_nobody_learns_who_reads_what(house: House) -> None:
    """The same octets, but for the address, whoever it is."""
    unknown, waiting, reads, left = (f"{name}{name}@example.net" for name in "wxyz")
    words = [
        "subscriber",
        "load",
        "acme",
        "news.acme.example",
        "-",
        "--basis",
        "asserted",
        "--source",
        "fair",
    ]
    people = CliRunner().invoke(app, ["--config", str(house.config), *words], input=f"{reads}\n{left}\n")
    assert people.exit_code == 0, people.output
    for address in (waiting, reads, left):
        sign_up(url(house), address)
    for address in (reads, left):
        _, text = post(link(letter(house, address)), choice="yes")
        way_out = re.search(r'href="\.\.(/u/[^"]+)"', text)
        assert way_out
    assert "You are unsubscribed" in post(url(house, way_out[1]), confirm="1")[1]
    answers = set()
    for address in (unknown, waiting, reads, left):
        code, text = sign_up(url(house), address)
        answers.add((code, text.replace(address, "ADDRESS")))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 200


def test_sign_up_bombing_stops(house: House) -> None:
    victim = "victim@example.org"
    lists = ("acme/news.acme.example", "acme/offers.acme.example", "acme/news.example.com")
    lists += ("acme/old.example.com", "slow/news.slow.example")
    pages = {
        sign_up(url(house, f"/subscribe/{one}"), victim)[1].count("Please look into your mailbox")
        for one in lists
    }
    assert pages == {2}, "whoever does it hears nothing of it"
    letter(house, victim, 3)
    house.wait_until_empty()
    assert len(letters(house, victim)) == 3
    assert house.metric("consentry_signup_wishes_total", fate="bombing") == 2
    assert house.log().count("many sign-ups of one person") == 2
    assert victim not in house.log()


_HREF = re.compile(r'(?:href|src|action)="([^"]+)"')


def test_a_scanner_that_follows_everything_changes_nothing(house: House) -> None:
    sign_up(url(house), "scanned@example.org")
    one = letter(house, "scanned@example.org")
    html = one.message.get_body(("html",)).get_content()
    to_see = {unescape(found) for found in _HREF.findall(html)} | {link(one), url(house)}
    before = everything(house)
    seen: set[str] = set()
    while to_see - seen:
        where = min(to_see - seen)
        seen.add(where)
        for fields in ("", "choice=yes", "choice=no", "email=x@example.org", "List-Unsubscribe=One-Click"):
            for method in ("HEAD", "GET"):
                bare = where.partition("?")[0]
                asked = urllib.request.Request(f"{bare}?{fields}" if fields else where, method=method)
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    text = answer.read().decode()
                to_see |= {urllib.parse.urljoin(where, unescape(found)) for found in _HREF.findall(text)}
    assert len(seen) >= 12
    assert everything(house) == before
    assert rcpt(house, "scanned@example.org")[0] == 550


# Time, and death --------------------------------------------------------------------------------------------


def pass_by(house: House, seconds: int) -> None:
    """Let time pass while the house stands still: every clock of the sign-ups goes back instead of ours forward."""
    with closing(sqlite3.connect(house.state / "store.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE signup SET asked_at = asked_at - ?, expires_at = expires_at - ?", (seconds,) * 2
        )


def test_what_nobody_answers_is_erased_whatever_dies(own_house: House, tell: Callable[[str], None]) -> None:
    """``kill -9`` of the web process while it takes sign-ups, and while it erases them."""
    house = own_house
    for key, value in SETTINGS.items():
        house.change(rf"^{key} = .*", f'{key} = "{value}"')
    house.start()
    standing = rows(house, "SELECT count(*) FROM subscription")
    answered = []
    for number in range(30):
        address = f"late{number}@example.org"
        with contextlib.suppress(OSError):
            if sign_up(url(house), address)[0] == 200:
                answered.append(address)
        if number in {10, 20}:
            os.kill(web_process(house), signal.SIGKILL)
            eventually(lambda: reachable(house))
    assert len(answered) >= 25
    for address in answered:  # answered is kept: each has its letter
        letter(house, address)
    kept = rows(house, "SELECT count(*) FROM signup")[0][0]
    assert kept >= len(answered)
    old_link = link(letter(house, answered[0]))
    assert house.end() == 0
    pass_by(house, 8 * DAY)
    house.start()
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(web_process(house), signal.SIGKILL)
    eventually(lambda: rows(house, "SELECT count(*) FROM signup") == [(0,)])
    assert rows(house, "SELECT count(*) FROM subscription") == standing
    assert rows(house, "SELECT count(*) FROM letter WHERE kind = 'signup' AND sealed <> ''") == [(0,)]
    eventually(lambda: reachable(house))
    assert "This sign-up is over" in post(old_link, choice="yes")[1]
    assert rcpt(house, answered[0])[0] == 550
    tell(
        f"kill -9 of the web process: {len(answered)} of 30 sign-ups answered, as many letters, all erased in the end"
    )


def web_process(house: House) -> int:
    return next(pid for pid, name in house.children().items() if name.startswith("web"))


def reachable(house: House) -> bool:
    with contextlib.suppress(OSError, IndexError, StopIteration):
        return post(url(house, "/"))[0] == 405
    return False
