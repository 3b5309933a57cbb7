"""A tenant's own programs learn what happens: by webhook and by the API, through the real process tree."""

import json
import os
import re
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from scene import House, eventually, newsletter
from standardwebhooks import Webhook as Verifier

pytestmark = pytest.mark.scenario

SENDER = "news@acme.example"


@dataclass
class Receiver:
    """A tenant's receiver on the loopback: keeps what came; ``status`` is what it answers.

    ``at`` says what to do when so many have come, before the last one of them is answered.
    """

    status: int = 200
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    at: dict[int, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.came.append((dict(self.headers), body))
                receiver.at.pop(len(receiver.came), int)()
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hooks?key=s3cret"

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def telling(house_of_the_file: House) -> House:
    """A house that may reach the loopback, running; each scenario takes its webhook away again."""
    house = house_of_the_file
    house.change(r"^allow = \[\]", 'allow = ["127.0.0.0/8"]')
    house.start()
    return house


def events(house: House, key: str, **parameters: str) -> dict[str, object]:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    request = urllib.request.Request(
        f"http://127.0.0.1:{house.web}/api/v1/events?{query}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read()))


def one_click(house: House, marker: str) -> None:
    link = re.search(r"<(http[^>]+)>", house.sink.copy(marker).message["List-Unsubscribe"])[1]
    request = urllib.request.Request(link, data=b"List-Unsubscribe=One-Click")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_who_left_is_told_signed_and_listed(telling: House, receiver: Receiver, reader: str) -> None:
    hook = telling.json("webhook", "add", "acme", receiver.url, "--type", "subscription.unsubscribed")
    key = telling.json("apikey", "add", "acme")["key"]
    theirs = telling.json("apikey", "add", "slow")["key"]
    latest = events(telling, key, type="subscription.unsubscribed")["next"]
    with telling.client() as client:
        client.sendmail(SENDER, [reader], newsletter("told"))
    waiting: list[dict[str, object]] = []
    waiter = threading.Thread(
        target=lambda: waiting.append(
            events(telling, key, after=latest, type="subscription.unsubscribed", wait="15")
        )
    )
    waiter.start()
    one_click(telling, "told")
    (headers, body) = eventually(lambda: receiver.came)[0]
    said = Verifier(hook["secret"]).verify(body, headers)
    assert said["type"] == "subscription.unsubscribed"
    assert said["data"] == {
        "address": reader,
        "list": "news.acme.example",
        "state": "unsubscribed",
        "basis": None,
        "via": "one-click",
        "paused_until": None,
    }
    waiter.join(30)
    (listed,) = waiting[0]["data"]
    assert listed == {"id": headers["webhook-id"], **said}
    delivered = eventually(lambda: events(telling, key, type="message.delivered")["data"])
    assert delivered[0]["data"]["recipient"] == reader
    # Another account's key sees none of it, and its cursor is none of this account's.
    other = events(telling, theirs)
    assert reader not in json.dumps(other)
    with pytest.raises(urllib.error.HTTPError) as refused:
        events(telling, key, after=str(other["next"]))
    assert refused.value.code == 400
    refused.value.close()
    assert telling.metric("consentry_webhook_deliveries_total", result="ok") == 1
    assert telling.metric("consentry_api_requests_total", route="/events", code="200") >= 4
    (shown,) = eventually(lambda: [one for one in telling.json("webhook", "list", "acme") if one["told_at"]])
    assert shown["failures"] == 0
    # Revoked, a key is soon good for nothing; nothing secret stands in the log.
    telling.call("apikey", "revoke", key.split("_")[1])

    def revoked() -> bool:
        try:
            events(telling, key)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        return False

    eventually(revoked)
    for word in (reader, "s3cret", "hooks", key.split("_")[2], hook["secret"][6:]):
        assert word not in telling.log()
    telling.call("webhook", "remove", hook["id"])


def test_kill_9_of_the_dispatchers_process_in_a_burst_loses_nothing(
    telling: House, receiver: Receiver, tell: Callable[[str], None]
) -> None:
    hook = telling.json("webhook", "add", "acme", receiver.url, "--type", "message.delivered")
    key = telling.json("apikey", "add", "acme")["key"]
    before = len(everything(telling, key))

    def kill() -> None:
        (web,) = [pid for pid, name in telling.children().items() if name.startswith("web")]
        os.kill(web, signal.SIGKILL)

    receiver.at = {50: kill, 250: kill}
    readers = [f"r{number}@example.net" for number in range(400)]
    with telling.client() as client:
        for start in range(0, len(readers), 100):
            client.sendmail(SENDER, readers[start : start + 100], newsletter("burst"))
    eventually(lambda: len(set(receiver.ids())) == 400)
    listed = eventually(lambda: _listed(telling, key, before + 400))
    ids = receiver.ids()
    tell(
        f"kill -9 of the web process twice in a burst of 400 events: {len(set(ids))} told, "
        f"{len(ids) - len(set(ids))} of them twice"
    )
    assert set(ids) == {one["id"] for one in listed[before:]}
    assert not receiver.at
    first = list(dict.fromkeys(ids))
    assert first == [one["id"] for one in listed[before:]]  # in order, apart from what came again
    assert 2 <= len(ids) - len(set(ids)) <= 2 * 100
    telling.call("webhook", "remove", hook["id"])


def _listed(house: House, key: str, count: int) -> list[dict[str, str]] | None:
    try:
        found = everything(house, key)
    except OSError:  # the process is on its way back
        return None
    return found if len(found) == count else None


def everything(house: House, key: str) -> list[dict[str, str]]:
    found, after, more = [], "", True
    while more:
        page = events(house, key, type="message.delivered", after=after, limit="1000")
        found += page["data"]
        after, more = page["next"], page["has_more"]
    return found


def test_a_receiver_that_was_down_gets_it_later(telling: House, receiver: Receiver) -> None:
    receiver.status = 500
    telling.change(r'^first_retry = "5s"', "first_retry = 0.2")
    telling.call("reload")
    hook = telling.json("webhook", "add", "acme", receiver.url)
    telling.call("account", "suspend", "acme", "--reason", "too many complaints")
    eventually(lambda: len(receiver.came) >= 2)
    assert len(set(receiver.ids())) == 1
    (shown,) = telling.json("webhook", "list", "acme")
    assert shown["failure"] == "HTTP 500"
    eventually(lambda: telling.metric("consentry_webhooks", state="failing") == 1)
    receiver.status = 200
    eventually(lambda: telling.json("webhook", "list", "acme")[0]["told_at"])
    headers, body = receiver.came[-1]
    said = Verifier(hook["secret"]).verify(body, headers)
    assert said["data"] == {"state": "suspended", "before": "active", "reason": "too many complaints"}
    assert len(set(receiver.ids())) == 1
    telling.call("webhook", "remove", hook["id"])
    telling.call("account", "reinstate", "acme")
