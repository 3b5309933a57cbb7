"""The way out as a person takes it: the link in the mail, the page with one button, in a real Chromium."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scene import House, newsletter

pytestmark = [pytest.mark.scenario, pytest.mark.debian]

SENDER = "news@acme.example"
NODE = Path(__file__).parent.parent / "node"


@pytest.fixture
def browser() -> list[str]:
    """Return the words that start the driver, and the browser's path at the end."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    if node is None or not (NODE / "node_modules/playwright-core").is_dir():
        pytest.skip("playwright-core is missing: npm install --prefix tests/node (Debian: nodejs npm)")
    return [node, str(NODE / "leave.mjs"), chromium]


def test_leaving_a_list(house: House, reader: str, browser: list[str], tmp_path: Path) -> None:
    *words, chromium = browser
    with house.client() as client:
        client.sendmail(SENDER, [reader], newsletter("page"))
    message = house.sink.copy("page").message
    link = message["List-Unsubscribe"].partition(">")[0].removeprefix("<")
    start = {
        "executable": chromium,
        "profile": str(tmp_path / "profile"),
        "html": message.get_body(("html",)).get_content(),
        "link": link,
    }
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdin
        assert driver.stdout

        def page(line: str) -> dict:
            print(line, file=driver.stdin, flush=True)
            return json.loads(driver.stdout.readline())

        asked = page(json.dumps(start))
        again = json.loads(driver.stdout.readline())
        for seen in (asked, again):
            assert (seen["status"], seen["url"]) == (200, link)
            assert seen["heading"] == "Unsubscribe from Acme News?"
            assert "acme writes to r***@e***.net" in seen["text"]
            assert seen["buttons"][0] == "Unsubscribe"
            assert {method for method, _ in seen["requests"]} == {"GET"}
        assert taken(house, reader), "the page alone, loaded twice, has changed something"

        left = page("press")
        assert (left["status"], left["url"]) == (200, link)
        assert left["title"] == "You are unsubscribed"
        assert left["heading"] == "You are unsubscribed"
        assert "Acme News" in left["text"]
        assert left["buttons"] == ["Undo"]
        assert ["POST", link] in left["requests"]
        today = datetime.now(UTC).date().isoformat()
        with house.client() as client:
            client.mail(SENDER)
            assert client.rcpt(reader) == (550, f"5.7.1 Recipient unsubscribed on {today}".encode())

        for seen in (asked, again, left):
            assert (seen["scripts"], seen["cookies"], seen["complaints"]) == (0, 0, [])
            assert all(url.startswith(f"http://127.0.0.1:{house.web}/") for _, url in seen["requests"])
        driver.stdin.close()
    assert driver.returncode == 0


def taken(house: House, reader: str) -> bool:
    with house.client() as client:
        client.mail(SENDER)
        return client.rcpt(reader)[0] == 250
