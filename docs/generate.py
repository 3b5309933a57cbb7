"""The pages that follow from the code: docs/reference, and parts of two pages in docs.

    python docs/generate.py            writes them (``make docs``)
    python docs/generate.py --check    changes nothing; names the pages that are out of date and exits with 1

What it promises: the same code gives the same pages, on any machine. A link's line number (``#L12``) is
left out of the comparison: a line added at the top of a file must not make a page stale. How it fails: a
page that has lost its marks is an error that says so.
"""

# ruff: noqa: INP001, T201 - a script, which talks to its caller

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import typer.main
from clauses import clauses_page
from config_pages import configuration_page

from gateway.cli.main import app
from gateway.model import reply
from gateway.model.delivery import SETTLED, TRANSITIONS, DeliveryEvent, DeliveryState
from gateway.observe.metrics import CATALOGUE, PREFIX

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
NOTE = "<!-- Made by docs/generate.py (`make docs`): change the code, not this page. -->\n\n"
_LINE = re.compile(r"#L\d+")
_HEADING = re.compile(r"# ([A-Z].*)")
_REPLY = re.compile(r"([A-Z0-9_]+) = Reply\(")
_ALERT = re.compile(r"- alert: (\w+)\n(.*?)severity: (\w+)(.*?)summary: \"(.*?)\"", re.DOTALL)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    escaped = [" | ".join(cell.replace("|", r"\|") for cell in line) for line in lines]
    return "".join(f"| {line} |\n" for line in escaped)


# Replies ----------------------------------------------------------------------------------------------------


def replies_page() -> str:
    """Every reply, under the headings of gateway/model/reply.py."""
    known, heading = reply.table(), ""
    sections: dict[str, list[str]] = {}
    for line in (ROOT / "gateway/model/reply.py").read_text().splitlines():
        if match := _HEADING.match(line):
            heading = match[1]
        elif (match := _REPLY.match(line)) and match[1] in known:
            sections.setdefault(heading, []).append(match[1])
    text = (
        "# Replies\n\n"
        f"{NOTE}Every SMTP reply of both servers comes from one table,\n"
        "`gateway/model/reply.py`. The class of the enhanced code is the first digit of the reply code\n"
        "(RFC 2034 section 4). 4xx asks the client to try again later, 5xx tells it not to. Words in braces\n"
        "are filled in.\n"
    )
    for title, names in sections.items():
        rows = [
            [f"`{known[name].code}`", f"`{known[name].enhanced}`", known[name].text, f"`{name}`"]
            for name in names
        ]
        text += f"\n## {title}\n\n{table(['code', 'enhanced', 'text', 'name in the code'], rows)}"
    return text


# Metrics ----------------------------------------------------------------------------------------------------


def metrics_page() -> str:
    """Every metric of the catalogue, and the alerts that come with the project."""
    rows = [
        [f"`{PREFIX}{one.name}`", one.kind, " ".join(f"`{label}`" for label in one.labels), one.help]
        for one in CATALOGUE
    ]
    rules = (ROOT / "config/prometheus.rules.yml").read_text()
    alerts = [
        [f"`{name}`", severity, f"`{summary}`"] for name, _, severity, _, summary in _ALERT.findall(rules)
    ]
    return (
        "# Metrics\n\n"
        f"{NOTE}All processes together, at `http://HOST:PORT/metrics` of `[metrics] listen`. Beside it are\n"
        "`/health/live` (this process answers) and `/health/ready` (store, disk and workers; 503 when one\n"
        "is not well). No label holds an address, an account or a list; why the names are what they are\n"
        "stands in [decision 8](../decisions/0008-metric-names.md).\n\n"
        f"{table(['name', 'kind', 'labels', 'what it says'], rows)}\n"
        "## Alerts\n\n"
        "[config/prometheus.rules.yml](../../config/prometheus.rules.yml) has these; load it\n"
        "by `rule_files:`.\n\n"
        f"{table(['alert', 'severity', 'summary'], alerts)}"
    )


# The command line -------------------------------------------------------------------------------------------


def cli_page() -> str:
    """Every command with its arguments and options."""
    text = (
        "# The command line\n\n"
        f"{NOTE}`consentry --config FILE COMMAND`; instead of `--config` the environment may say\n"
        "`CONSENTRY_CONFIG`. `init` and `demo` need no config. Exit codes: 0 done; 1 refused, with the\n"
        "reason on standard error; 2 wrong usage. With `--json` the answer on standard output is JSON and\n"
        "nothing else.\n"
    )
    for name, command in _commands(typer.main.get_command(app)):
        text += f"\n## consentry {name}\n\n{(command.help or '').strip()}\n\n{_usage(name, command)}"
    return text


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Give every command below a group with its whole name. Typer's own click has no public types."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def _usage(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    words = ["consentry", *(["--config FILE"] if name not in {"init", "demo"} else []), name]
    words += [_metavar(one) for one in arguments]
    words += [_option(one) if one.required else f"[{_option(one)}]" for one in options]
    rows = [[f"`{_metavar(one)}`", _help(one)] for one in arguments if _help(one)]
    rows += [[f"`{_option(one)}`", _help(one)] for one in options if _help(one)]
    return f"    {' '.join(words)}\n" + (f"\n{table(['', ''], rows)}" if rows else "")


def _metavar(one: Any) -> str:
    return (one.metavar or one.name.upper()).strip("{}")


def _option(one: Any) -> str:
    if one.is_flag:
        return str(one.opts[0])
    kind = getattr(one, "type_descriptor", None) or one.type  # since Typer 0.29, and before
    choices = "|".join(map(str, getattr(kind, "choices", None) or ()))
    return f"{one.opts[0]} {one.metavar or choices or one.name.upper()}"


def _help(one: Any) -> str:
    text = " ".join((one.help or "").split())
    default = getattr(one.default, "value", one.default)
    if one.param_type_name == "argument" or one.is_flag or "[default" in text or default in {None, "", ()}:
        return text
    return f"{text} Default: `{default}`."


# The states of a delivery -----------------------------------------------------------------------------------


def states_table() -> str:
    """What each event does in each state; a move that is not there is an error."""
    open_states = [state for state in DeliveryState if state not in SETTLED]
    rows = [
        [f"`{event}`", *(TRANSITIONS.get((state, event), "") for state in open_states)]
        for event in DeliveryEvent
    ]
    return f"\n{table(['event', *(f'while {state}' for state in open_states)], rows)}\n"


# All of them ------------------------------------------------------------------------------------------------


def pages() -> dict[Path, str]:
    """Return every page's file and text."""
    reference = ROOT / "docs/reference"
    compliance, architecture = ROOT / "docs/compliance.md", ROOT / "docs/architecture.md"
    return {
        reference / "replies.md": replies_page(),
        reference / "metrics.md": metrics_page(),
        reference / "configuration.md": configuration_page(ROOT, NOTE),
        reference / "cli.md": cli_page(),
        architecture: _put_between(architecture, states_table()),
        compliance: _put_between(compliance, clauses_page(ROOT)),
    }


def _put_between(path: Path, text: str) -> str:
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path} has lost its marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text}{END}{after}"


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are out of date."""
    stale = 0
    for path, text in pages().items():
        there = path.read_text() if path.exists() else ""
        if "--check" not in arguments:
            path.write_text(text)
        elif _LINE.sub("", there) != _LINE.sub("", text):
            print(f"{path.relative_to(ROOT)} is out of date: make docs")
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
