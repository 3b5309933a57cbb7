"""What a furnished house has: accounts, domains with their keys, lists, subscribers.

It is made by the command line, in one process: a process for each of the fifteen commands takes as many seconds.
"""

import json
from collections.abc import Iterator

from typer.testing import CliRunner

from gateway.cli.main import app
from scene.house import PASSWORD, House

READERS = 1000  # r0@example.net and on, on the list news.acme.example


def furnish(house: House) -> None:
    """Add accounts, their domains and keys, lists and subscribers."""
    runner = CliRunner()
    for words, stdin in _commands():
        done = runner.invoke(app, ["--config", str(house.config), *words], input=stdin)
        assert done.exit_code == 0, (words, done.output, done.exception)
        if words[0] == "dkim":
            key = json.loads(done.stdout)
            house.zone[key["name"]] = key["record"]


def _commands() -> Iterator[tuple[list[str], str | None]]:
    password = PASSWORD + "\n"
    readers = "".join(f"r{number}@example.net\n" for number in range(READERS))
    subscribed = ["--basis", "asserted", "--source", "signed up at the fair"]
    yield ["account", "add", "acme", "--password-stdin", "--consent", "asserted"], password
    for domain in ("acme.example", "example.com"):
        yield ["domain", "add", "acme", domain, "--verified"], None
        yield ["dkim", "generate", domain, "--selector", "r1", "--json"], None
    yield ["dkim", "generate", "example.com", "--selector", "e1", "--algorithm", "ed25519", "--json"], None
    yield ["domain", "add", "provider", "provider.example", "--verified"], None
    yield ["dkim", "generate", "provider.example", "--selector", "p1", "--json"], None
    yield ["list", "add", "acme", "news.acme.example", "--name", "Acme News", "--default"], None
    yield ["list", "add", "acme", "offers.acme.example", "--name", "Acme Offers"], None
    for name in ("news.example.com", "old.example.com"):  # those that golden messages name
        yield ["list", "add", "acme", name], None
        yield ["subscriber", "load", "acme", name, "-", *subscribed], "reader@example.net\n"
    people = "ann@example.net\nbob@example.net\ncid@example.net\nreader@example.net\n"
    yield ["subscriber", "load", "acme", "news.acme.example", "-", *subscribed], people + readers
    # A second tenant, with a quota.
    yield (
        ["account", "add", "slow", "--password-stdin", "--consent", "asserted", "--rate", "5/s"],
        password,
    )
    yield ["domain", "add", "slow", "slow.example", "--verified"], None
    yield ["list", "add", "slow", "news.slow.example", "--default"], None
    yield ["subscriber", "load", "slow", "news.slow.example", "-", *subscribed], people
