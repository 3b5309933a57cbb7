"""What the README promises to a newcomer: from an empty folder to the proof, by its own commands.

The commands are read from the page; only ports and the folder are this machine's. The form is filled in in a real
Chromium, on a page of another origin; mail is handed in by curl.
"""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import PATIENCE, PHONE, SHOTS, Browser, House, Received, Sink, eventually
from scene.house import CONSENTRY

pytestmark = [pytest.mark.scenario, pytest.mark.debian]

README = Path(__file__).resolve().parents[2] / "README.md"
ADA = "ada@example.net"


@pytest.fixture(scope="module")
def page() -> str:
    """The README's section for newcomers."""
    section = README.read_text().partition("## From an empty folder to a proof\n")[2]
    return section.partition("\n## ")[0]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A folder that is not there yet, and a next hop."""
    sink = Sink()
    sink.start()
    house = House(tmp_path / "house", sink)
    yield house
    house.clear_away()
    sink.stop()


def blocks(page: str) -> list[str]:
    """Return the fenced blocks."""
    return re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def words_of(line: str, house: House) -> list[str]:
    """Return a command's words with this machine's ports and folder; its output stays here."""
    text = line.partition(" > ")[0].replace("127.0.0.1:2600", f"127.0.0.1:{house.sink.port}")
    words = shlex.split(text)[1:]
    if words[0] == "init":
        words[1] = str(house.folder)
        words += ["--smtp", f"127.0.0.1:{house.smtp}", "--web", f"127.0.0.1:{house.web}"]
        words += ["--inbound", f"127.0.0.1:{house.inbound}", "--metrics", f"127.0.0.1:{house.metrics}"]
    return words


def hand_in(page: str, house: House, password: str) -> subprocess.CompletedProcess[str]:
    """Send the newsletter as the page says."""
    command, _, rest = blocks(page)[1].partition(" <<END\n")
    words = shlex.split(command.replace("PASSWORD", password).replace(":2525", f":{house.smtp}"))
    content = rest.removesuffix("END\n")
    return subprocess.run(
        [*words, "--verbose"], input=content, text=True, capture_output=True, check=False, timeout=PATIENCE
    )


def newsletters(house: House) -> list[Received]:
    return [one for one in house.sink.received if one.message["Subject"] == "Sourdough is back"]


def test_from_an_empty_folder_to_a_proof(page: str, house: House, browser: Browser, tmp_path: Path) -> None:
    assert shutil.which("curl")
    said = ""
    for line in blocks(page)[0].splitlines():
        if line.startswith("consentry ") and line != "consentry run":
            words = words_of(line, house)
            said = house.call(*words).stdout if words[0] != "init" else start(house, words)
            if words[:2] == ["account", "add"]:
                shown = re.search(r"password: (\S+)", said)
                assert shown, said
                password = shown[1]
    form = said
    house.start()
    assert "550 5.7.1 No opt-in" in hand_in(page, house, password).stderr

    browser(open=PHONE)
    browser(show=form)
    browser(fill={"E-mail": ADA})
    assert browser(press="Subscribe")["heading"] == "One more step"
    assert browser(press="Subscribe")["heading"] == "Please look into your mailbox"
    house.sink.wait_for(lambda received: len(received) == 1)
    letter = house.sink.received[0].message.get_body(("plain",))
    assert letter
    link = re.search(r"http://\S+/s/\S+", letter.get_content())
    assert link
    browser(go=link[0])
    assert browser(press="Yes, subscribe me")["heading"] == "You are subscribed"
    browser(shot=str(SHOTS / "newcomer-subscribed.png"))

    taken = hand_in(page, house, password)
    assert taken.returncode == 0, taken
    eventually(lambda: newsletters(house))
    one = newsletters(house)[0].message
    assert "d=bakery.example" in one["DKIM-Signature"]
    url = re.search(r"<(http://\S+)>", one["List-Unsubscribe"])
    assert url
    body = one.get_body(("plain",))
    assert body
    assert url[1] in body.get_content()

    commands = blocks(page)[2].splitlines()
    click = shlex.split(re.sub(r"http://\S+", lambda _: url[1], commands[0]))
    left = subprocess.run(click, check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert "unsubscribed" in left.stdout.lower()
    assert "550 5.7.1 Recipient unsubscribed on" in hand_in(page, house, password).stderr
    assert len(newsletters(house)) == 1

    for line in commands[1:]:
        words = shlex.split(line)[1:]
        house.call(*[str(tmp_path / word) if word == "ada.html" else word for word in words])
    proof = (tmp_path / "ada.html").read_text()
    assert ADA in proof
    assert "127.0.0.1" in proof, "where they agreed"
    out = tmp_path / "ada.json"
    house.call("ledger", "proof", "bakery", "bread.bakery.example", ADA, "--out", str(out))
    acts = [entry["act"] for entry in json.loads(out.read_text())["entries"]]
    assert acts == ["signed-up", "confirmed", "unsubscribed"]


def start(house: House, words: list[str]) -> str:
    """Run ``consentry init``: the one command without a config."""
    return subprocess.run([CONSENTRY, *words], check=True, capture_output=True, text=True).stdout
