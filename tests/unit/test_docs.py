"""The documents against the project: generated pages, links, commands, options and make targets."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from gateway.cli.main import app
from gateway.observe.metrics import KNOWN, PREFIX

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/transcripts/*.md")])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(
    r"^(?:runuser \S+ \S+ -- |[A-Za-z]+=)?(?:/opt/consentry/bin/)?consentry (\S.*)", re.MULTILINE
)
_SERIES = re.compile(r"(?:_bucket|_sum|_count)\Z")


def each_page(pages: list[Path] = PAGES) -> Any:
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs/generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Links


def anchors(page: Path) -> set[str]:
    """Return the names that a reader's browser can jump to: headings as GitHub writes them."""
    text = _FENCE.sub("", page.read_text())
    headings = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_broken(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists() or ROOT not in [target, *target.parents]:
        return True
    if re.fullmatch(r"L\d+", anchor):
        return int(anchor[1:]) > target.read_text().count("\n")
    return bool(anchor) and anchor not in anchors(target)


@each_page()
def test_links_lead_somewhere(page: Path) -> None:
    links = [
        link for link in _LINK.findall(_FENCE.sub("", page.read_text())) if not re.match(r"[a-z]+:", link)
    ]
    assert [link for link in links if is_broken(page, link)] == []


@pytest.mark.parametrize("link", ["docs/nowhere.md", "../outside.md", "#no-heading", "LICENSE#L9999"])
def test_a_broken_link_would_be_seen(link: str) -> None:
    assert _LINK.findall(f"see [this]({link}) and ![not](a.png)") == [link]
    assert is_broken(ROOT / "README.md", link)


@each_page([page for page in PAGES if "decisions" not in page.parts])
def test_mentioned_files_exist(page: Path) -> None:
    mentioned = re.findall(r"`((?:gateway|policies|config|tests|docs|systemd)/[\w./-]+\w)`", page.read_text())
    named = [name for name in mentioned if not re.search("[A-Z]{2}", name) and "role_addresses" not in name]
    assert [name for name in named if not (ROOT / name).exists()] == []


# Commands


def find_command(words: list[str]) -> tuple[Any, list[str]]:
    """Walk down the groups; return the command and the words after it."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def commands(text: str) -> Iterator[list[str]]:
    """Give what follows ``consentry`` and its --config, in code blocks and in backquotes."""
    spans = [body for _, body in _FENCE.findall(text)] + re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    for span in spans:
        for line in _COMMAND.findall(span.replace("\\\n", " ")):
            # Three blanks part a command from the words that explain it.
            words = shlex.split(line.partition("   ")[0], comments=True)
            words = words[2:] if words[:1] == ["--config"] else words
            if words and words != ["COMMAND"]:
                yield words


@each_page()
def test_commands_exist(page: Path) -> None:
    for words in commands(page.read_text()):
        command, rest = find_command(words)
        known = {option for param in command.params for option in param.opts} | {"--help"}
        unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
        assert not unknown, f"consentry {' '.join(words)}: no option {unknown}"


def test_readme_names_commands_at_all() -> None:
    found = [words[0] for words in commands((ROOT / "README.md").read_text())]
    assert {"init", "run", "account", "explain", "demo"} <= set(found)


def test_a_wrong_command_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="no command 'acount'"):
        find_command(["acount", "add"])


@each_page()
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    named = re.findall(r"`(?:\w+=\S+ )?make ([a-z-]+)[^`]*`", text)
    for _, body in _FENCE.findall(text):
        named += re.findall(r"^make ([a-z-]+)", body, re.MULTILINE)
    assert set(named) <= targets


@each_page([page for page in PAGES if "decisions" not in page.parts])
def test_metrics_exist(page: Path) -> None:
    named = re.findall(rf"`{PREFIX}([a-z_]+)", page.read_text())
    assert [name for name in named if name not in KNOWN and _SERIES.sub("", name) not in KNOWN] == []


# Settings


def test_settings_that_pages_name_exist() -> None:
    reference = (ROOT / "docs/reference/configuration.md").read_text()
    sections = dict(re.findall(r"^### \[([a-z_.]+)\]\n(.*?)(?=^##|\Z)", reference, re.MULTILINE | re.DOTALL))
    for page in PAGES:
        for section, key in re.findall(
            r"`\[{1,2}([a-z][a-z_.]*)\]{1,2}(?: ([a-z_]+))?`", _FENCE.sub("", page.read_text())
        ):
            assert section in sections, f"{page.name}: [{section}]"
            assert f"`{key}`" in sections[section] or not key, f"{page.name}: [{section}] {key}"
