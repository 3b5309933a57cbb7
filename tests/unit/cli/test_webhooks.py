"""``consentry webhook``."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook as Verifier

from gateway.cli.opened import opened_at

URL = "https://hooks.example/x"


def test_a_webhook_from_add_to_remove(bakery) -> None:
    said = bakery(
        "webhook", "add", "bakery", URL, "--type", "message.bounced", "--type", "subscription.unsubscribed"
    )
    assert "is told message.bounced subscription.unsubscribed" in said.stdout
    secret = said.stdout.split("secret: ")[1].strip()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret[6:])) == 32
    (shown,) = bakery.json("webhook", "list", "bakery")
    assert shown["url"] == URL
    assert shown["types"] == ["message.bounced", "subscription.unsubscribed"]
    assert (shown["state"], shown["failures"], shown["told_at"]) == ("active", 0, None)
    assert secret[6:] not in bakery.good("webhook", "list", "bakery", "--json")
    assert "well" in bakery.good("webhook", "list", "bakery")
    assert "is removed" in bakery.good("webhook", "remove", shown["id"])
    assert bakery.good("webhook", "list", "bakery") == "bakery has no webhook yet\n"


def test_how_failing_ones_are_shown_and_enabled(bakery) -> None:
    made = bakery.json("webhook", "add", "bakery", URL)
    assert made["secret"].startswith("whsec_")
    with opened_at(bakery.config) as house:
        hook = house.webhooks.failed(house.webhooks.find(made["id"]), "HTTP 500", 2e9, 1e9)
    assert "failing since" in bakery.good("webhook", "list", "bakery")
    (shown,) = bakery.json("webhook", "list", "bakery")
    assert (shown["failures"], shown["failure"], shown["due_at"]) == (
        1,
        "HTTP 500",
        "2033-05-18T03:33:20.000Z",
    )
    assert "had failed 1 times" in bakery.good("webhook", "enable", made["id"])
    with opened_at(bakery.config) as house:
        house.webhooks.disable(hook, "HTTP 410", 1e9)
    assert "given up: HTTP 410" in bakery.good("webhook", "list", "bakery")
    assert bakery.json("webhook", "enable", made["id"])["state"] == "active"
    assert bakery.json("webhook", "remove", made["id"]) == {"id": made["id"], "removed": True}


def test_a_new_secret_is_shown_once(bakery) -> None:
    made = bakery.json("webhook", "add", "bakery", URL)
    said = bakery.good("webhook", "rotate", made["id"])
    assert "the old one signs too until" in said
    assert said.split("secret: ")[1].startswith("whsec_")
    assert made["secret"] not in said
    again = bakery.json("webhook", "rotate", made["id"])
    assert again["secret"] not in said
    assert again["secret"] not in bakery.good("webhook", "list", "bakery", "--json")
    assert again["old_secret_until"] > again["created_at"]


def test_refusals(bakery) -> None:
    assert "no account" in bakery.refused("webhook", "add", "cafe", URL)
    assert "without a fragment" in bakery.refused("webhook", "add", "bakery", "gopher://x/")
    result = bakery("webhook", "add", "bakery", URL, "--type", "message.bonced")
    assert (result.exit_code, "message.bonced is no type" in result.output) == (2, True)
    for command in ("remove", "enable", "rotate", "test"):
        assert "no webhook wh_x" in bakery.refused("webhook", command, "wh_x")


class Receiver(BaseHTTPRequestHandler):
    status = 200
    came: list[tuple[dict[str, str], bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.came.append((dict(self.headers), body))
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[type[Receiver], str]]:
    handler = type("Handler", (Receiver,), {"came": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_test_says_what_the_receiver_made_of_it(bakery, receiver) -> None:
    handler, url = receiver
    made = bakery.json("webhook", "add", "bakery", url)
    assert "no address that may be reached" in bakery.refused("webhook", "test", made["id"])
    assert handler.came == []
    config = (
        bakery.config.read_text()
        .replace("[webhooks]", '[webhooks]\nallow = ["127.0.0.0/8"]')
        .replace("\nallow = []", "")
    )
    bakery.config.write_text(config)
    assert "has taken it: HTTP 200" in bakery.good("webhook", "test", made["id"])
    ((headers, body),) = handler.came
    assert Verifier(made["secret"]).verify(body, headers)["type"] == "webhook.test"
    assert json.loads(body)["data"]["webhook"] == made["id"]
    assert bakery.json("webhook", "test", made["id"])["taken"] is True
    handler.status = 500
    assert "has not taken it: HTTP 500" in bakery.refused("webhook", "test", made["id"])
    failed = bakery("webhook", "test", made["id"], "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["why"]) == (1, "HTTP 500")
