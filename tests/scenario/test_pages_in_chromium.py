"""The way out as people take it, in a real Chromium: every page, light and dark, with scripts and without, by mouse and
by keyboard, judged by axe-core; and as a mail scanner takes it, who follows everything and must change nothing.

The pictures of the pages are kept in build/screenshots.
"""

import re
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from scene import PHONE, SHOTS, Browser, House, newsletter, picture

pytestmark = [pytest.mark.scenario, pytest.mark.debian]

SENDER = "news@acme.example"
DESKTOP = {"width": 1280, "height": 900}
LANGUAGES = ("de", "es", "fr", "ro")


class Mail:
    """A newsletter that arrived, and the links in it."""

    def __init__(self, house: House, reader: str, marker: str) -> None:
        with house.client() as client:
            client.sendmail(SENDER, [reader], newsletter(marker))
        self.message = house.sink.copy(marker).message
        part = self.message.get_body(("html",))
        assert part
        self.html = part.get_content()
        self.leave = self.message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
        self.why, self.report = (self._link(words) for words in ("Why did I get this?", "Report abuse"))

    def _link(self, words: str) -> str:
        found = re.search(rf'href="([^"]+)"[^>]*>{re.escape(words)}', self.html)
        assert found
        return unescape(found[1])


def answer_to(house: House, reader: str) -> tuple[int, bytes]:
    with house.client() as client:
        client.mail(SENDER)
        return client.rcpt(reader)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def test_leaving_a_list(house: House, reader: str, browser: Browser) -> None:
    mail = Mail(house, reader, "page")
    browser(open={})
    asked = browser(read=mail.html, link=mail.leave)
    again = browser(again=True)
    for seen in (asked, again):
        assert (seen["status"], seen["url"]) == (200, mail.leave)
        assert seen["heading"] == "Unsubscribe from Acme News?"
        assert "acme writes to r***@e***.net" in seen["text"]
        assert seen["buttons"][0] == "Unsubscribe"
        assert {method for method, _ in seen["requests"]} == {"GET"}
    assert answer_to(house, reader)[0] == 250, "the page alone, loaded twice, has changed something"
    left = browser(press="Unsubscribe")
    assert (left["status"], left["url"], left["title"]) == (200, mail.leave, "You are unsubscribed")
    assert "Acme News" in left["text"]
    assert left["buttons"] == ["Undo"]
    assert ["POST", mail.leave] in left["requests"]
    assert answer_to(house, reader) == (550, f"5.7.1 Recipient unsubscribed on {today()}".encode())
    back = browser(press="Undo")
    assert back["heading"] == "Everything is as it was"
    assert answer_to(house, reader)[0] == 250
    for seen in (asked, again, left, back):
        assert (seen["scripts"], seen["cookies"], seen["complaints"]) == (0, 0, [])
        assert all(url.startswith(f"http://127.0.0.1:{house.web}/") for _, url in seen["requests"])


def test_without_scripts_and_with_the_keyboard_alone(
    house: House, readers: Iterator[str], browser: Browser
) -> None:
    reader, other = next(readers), next(readers)
    browser(open={"scripts": False, **PHONE})
    browser(go=Mail(house, reader, "noscript").leave)
    paused = browser(press="Pause for 90 days")
    assert paused["heading"].startswith("Paused until ")
    code, said = answer_to(house, reader)
    assert code == 550
    assert re.fullmatch(
        rb"5\.7\.1 Recipient wants a pause from this list until [\d-]{10}; the address is good", said
    )

    browser(open={})
    browser(go=Mail(house, other, "keyboard").leave)
    order = []
    while not order or order[-1]["name"] != "Report as spam":
        order.append(browser(keys=["Tab"]))
        assert len(order) < 10, order
    assert [one["name"] for one in order] == [
        "Why did I get this?",
        "Unsubscribe",
        "Pause for 30 days",
        "Pause for 90 days",
        "Leave all lists of acme",
        "Report as spam",
    ]
    assert all(one["outline"] for one in order), "where the focus is must be seen"
    left = browser(keys=["Shift+Tab", "Enter"])
    assert "No mail from any list of acme goes to" in left["text"]
    assert answer_to(house, other)[1].startswith(
        b"5.7.1 Recipient address is suppressed: unsubscribed from all lists on"
    )
    assert browser(keys=["Tab", "Enter"])["heading"] == "Everything is as it was"
    assert answer_to(house, other)[0] == 250


@contextmanager
def by_letter(house: House) -> Iterator[None]:
    """Let the page's button send a letter."""
    house.change(r'^confirmation = "page"', 'confirmation = "email"')
    assert house.hang_up()["ok"]
    try:
        yield
    finally:
        house.change(r'^confirmation = "email"', 'confirmation = "page"')
        assert house.hang_up()["ok"]


def tour(house: House, readers: Iterator[str], browser: Browser, name: str) -> Iterator[str]:
    """Bring the browser to every page, and give the name of each."""
    mail = Mail(house, next(readers), f"tour-{name}")
    for place, url in (("leave", mail.leave), ("why", mail.why), ("report", mail.report)):
        browser(go=url)
        yield place
    browser(go=mail.leave)
    browser(press="Pause for 30 days")
    yield "paused"
    browser(go=mail.leave)
    yield "leave-paused"
    (undo,) = browser(press="Unsubscribe")["forms"]
    yield "left"
    browser(go=undo)
    yield "undo"
    browser(press="Undo")
    yield "undone"
    browser(go=undo)
    browser(press="Undo")
    yield "too-late"
    browser(go=mail.leave)
    yield "leave-again"
    browser(press="Leave all lists of acme")
    yield "left-all"
    browser(go=mail.leave)
    yield "left-before"
    browser(go=mail.report)
    browser(press="Send the report")
    yield "reported"
    root = f"http://127.0.0.1:{house.web}"
    browser(go=f"{root}/")
    yield "home"
    browser(go=f"{root}/u/nothing")
    yield "problem"


def read(url: str, body: bytes | None = None) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_a_phone(
    house: House, readers: Iterator[str], browser: Browser, scheme: str
) -> None:
    seen = []
    browser(open={"scheme": scheme, **PHONE})
    for name in tour(house, readers, browser, scheme):
        found = browser(axe=True)
        assert found["violations"] == [], name
        assert found["passes"] > 10
        browser(shot=str(SHOTS / f"{name}-{scheme}-phone.png"))
        seen.append(name)
    assert len(seen) == 15
    mail = Mail(house, next(readers), f"wide-{scheme}")
    browser(open={"scheme": scheme, **DESKTOP})
    for name, url in (("leave", mail.leave), ("why", mail.why), ("report", mail.report)):
        assert not browser(go=url)["sideways"]
        assert browser(axe=True)["violations"] == [], name
        browser(shot=str(SHOTS / f"{name}-{scheme}-desktop.png"))


def test_every_language_and_a_brand(house: House, reader: str, browser: Browser, tmp_path: Path) -> None:
    mail = Mail(house, reader, "languages")
    headings = set()
    for language in LANGUAGES:
        browser(open={"locale": language, **PHONE})
        seen = browser(go=mail.leave)
        assert seen["language"] == language
        assert not seen["sideways"]
        assert browser(axe=True)["violations"] == []
        browser(shot=str(SHOTS / f"leave-{language}-phone.png"))
        headings.add(seen["heading"])
        browser(go=mail.why)
        browser(shot=str(SHOTS / f"why-{language}-phone.png"))
    assert len(headings) == len(LANGUAGES)
    explicit = browser(go=mail.leave + "?lang=de")
    assert explicit["language"] == "de"
    logo = tmp_path / "logo.png"
    logo.write_bytes(picture(240, 64))
    house.call("account", "brand", "acme", "--colour", "#ffe600", "--logo", str(logo))
    try:
        for scheme in ("light", "dark"):
            browser(open={"scheme": scheme, **DESKTOP})
            seen = browser(go=mail.leave)
            assert [url for _, url in seen["requests"] if "/b/" in url], "the logo comes from our own origin"
            assert seen["complaints"] == [], "the policy lets the logo and the colour through"
            assert seen["buttons"][0] == "Unsubscribe"
            assert browser(axe=True)["violations"] == []
            browser(shot=str(SHOTS / f"brand-{scheme}-desktop.png"))
    finally:
        house.call("account", "brand", "acme", "--clear")


def test_confirmation_by_letter(house: House, readers: Iterator[str], browser: Browser) -> None:
    reader, other = next(readers), next(readers)
    with by_letter(house):
        mail = Mail(house, reader, "letter")
        browser(open=PHONE)
        page = browser(go=mail.leave + "?lang=en")
        assert page["buttons"] == ["Unsubscribe", "Report as spam"]
        assert browser(axe=True)["violations"] == []
        browser(shot=str(SHOTS / "leave-by-letter-phone.png"))
        asked = browser(press="Unsubscribe")
        assert asked["heading"] == "Please look into your mailbox"
        assert browser(axe=True)["violations"] == []
        browser(shot=str(SHOTS / "asked-phone.png"))
        assert answer_to(house, reader)[0] == 250, "nothing has changed yet"
        letter = next(
            one
            for one in house.sink.wait_for(
                lambda all_: any(reader in one.recipients and not one.sender for one in all_)
            )
            if reader in one.recipients and not one.sender
        )
        assert letter.message["From"].addresses[0].addr_spec == "no-reply@provider.example"
        assert letter.message["Auto-Submitted"] == "auto-generated"
        assert b"d=provider.example" in letter.content.partition(b"\r\n\r\n")[0]
        assert b"\r\nList-" not in letter.content
        link = re.search(r"http://\S+/c/\S+", letter.message.get_content())
        assert link
        browser(go=mail.leave)
        browser(press="Unsubscribe")  # a second letter within the hour is not written
        assert house.metric("consentry_letters_total", kind="leaving", result="limited") >= 1
        assert browser(go=link[0])["buttons"][0] == "Unsubscribe"
        assert answer_to(house, reader)[0] == 250
        assert browser(press="Unsubscribe")["heading"] == "You are unsubscribed"
        assert answer_to(house, reader) == (550, f"5.7.1 Recipient unsubscribed on {today()}".encode())
        quick = Mail(house, other, "quick")
        assert read(quick.leave, b"List-Unsubscribe=One-Click") == "Unsubscribed.\n"
        assert answer_to(house, other)[0] == 550, "one click works at once, whatever the page does"


# A mail scanner ---------------------------------------------------------------------------------------------

_HREF = re.compile(r'(?:href|src|action)="([^"]+)"')
_URL = re.compile(r"https?://[^\s<>\"']+")
_FIELDS = (
    "",
    "confirm=1",
    "choice=leave-all",
    "choice=pause-90",
    "choice=report",
    "List-Unsubscribe=One-Click",
)


def holdings(house: House) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the store knows of who wants what."""
    held = {}
    with closing(sqlite3.connect(f"file:{house.state / 'store.sqlite'}?mode=ro", uri=True)) as connection:
        for table in ("subscription", "suppression", "letter", "brand", "account"):
            held[table] = sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        told = "SELECT id, facts FROM event WHERE type IN ('Subscription', 'Feedback') ORDER BY id"
        held["event"] = connection.execute(told).fetchall()
    return held


def scan(url: str, method: str) -> tuple[int, str]:
    request = urllib.request.Request(
        url, method=method, headers={"Sec-Purpose": "prefetch", "User-Agent": "scanner"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8", "replace")


def test_a_scanner_that_follows_everything_changes_nothing(house: House, reader: str) -> None:
    mail = Mail(house, reader, "scanner")
    ours = f"http://127.0.0.1:{house.web}"
    everything = mail.message.as_string() + "".join(
        part.get_content() for part in mail.message.walk() if part.get_content_maintype() == "text"
    )
    to_see = {unescape(url).rstrip(">,.") for url in _URL.findall(everything)}
    to_see = {url for url in to_see if url.startswith(ours)}
    assert {url[len(ours) :][:3] for url in to_see} == {"/u/", "/w/", "/r/"}
    before = holdings(house)
    assert before["subscription"]
    seen: set[str] = set()
    while to_see - seen:
        url = min(to_see - seen)
        seen.add(url)
        assert len(seen) < 500, "the pages have no end"
        bare = url.partition("?")[0]
        # What its forms would send, as addresses.
        for fields in _FIELDS if url == bare else ("",):
            for method in ("HEAD", "GET"):
                status, text = scan(f"{bare}?{fields}" if fields else url, method)
                assert status in {200, 204}, url
                to_see |= {urllib.parse.urljoin(url, unescape(link)) for link in _HREF.findall(text)}
        to_see = {one for one in to_see if one.startswith(ours)}
    assert len(seen) >= 18, seen
    assert holdings(house) == before
    assert answer_to(house, reader)[0] == 250
