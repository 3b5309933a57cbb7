"""The page of the settings, from the two shipped files: their comments are the reference.

What it promises: every key that stands in ``config/gateway.toml`` and ``config/policy.toml``, commented out
or not, with the reason beside it. Keys that stand in a row share the comment before them.
"""

# ruff: noqa: INP001 - part of a script

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.app import configuration

_TABLE = re.compile(r"#?\[{1,2}([a-z_.]+)\]{1,2}\Z")
_KEY = re.compile(r"#?([a-z_]+) = (.*)\Z")
# Read once by each process, so a reload does not reach them, whatever it says.


@dataclass(slots=True)
class Group:
    """Keys that share a reason."""

    reason: str
    keys: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    """One table of a file."""

    name: str
    prose: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


def configuration_page(root: Path, note: str) -> str:
    """Return docs/reference/configuration.md."""
    text = (
        "# Settings\n\n"
        f"{note}Two files, read, checked and reloaded together. `consentry init` writes both with every key\n"
        "and its reason; what stands below are the defaults. Keys marked *restart* are read when a process\n"
        "starts; all others are taken by `consentry reload` (or SIGHUP).\n"
    )
    for name in ("gateway.toml", "policy.toml"):
        text += f"\n## {name}\n"
        for section in parse((root / "config" / name).read_text()):
            text += _section(section, fixed=name == "gateway.toml")
    return text


def parse(text: str) -> list[Section]:
    """Split a file into its tables; the first one, without a name, is the file's own head."""
    sections = [Section("")]
    pending: list[str] = []
    joins = False  # the last line was a key, so the next one may share its reason
    for line in _lines(text):
        if table := _TABLE.match(line):
            sections.append(Section(table[1], [" ".join(pending)] if pending else []))
            pending, joins = [], False
        elif key := _KEY.match(line):
            if not (joins and not pending):
                sections[-1].groups.append(Group(" ".join(pending)))
            sections[-1].groups[-1].keys.append((key[1], key[2]))
            pending, joins = [], True
        elif line.startswith("#"):
            if not line.startswith("#   "):  # examples of commands: they stand in the reference of commands
                pending.append(line.removeprefix("#").strip())
        elif not line:
            # A comment that nothing follows: about the file, or a heading of the tables to come.
            if pending and not sections[-1].name:
                sections[-1].prose.append(" ".join(filter(None, pending)))
            pending, joins = [], False
    return sections


def _lines(text: str) -> Iterator[str]:
    """Give the lines, a text of several lines as one."""
    within = False
    for line in text.splitlines():
        if within:
            within = '"""' not in line
        elif line.endswith('"""'):
            within = True
            yield f"{line.partition(' = ')[0]} = (text; see the file)"
        else:
            yield line


def _section(section: Section, *, fixed: bool) -> str:
    if not section.name:
        return "".join(f"\n{paragraph}\n" for paragraph in section.prose)
    lines = [f"\n### [{section.name}]\n"]
    lines += [f"\n{paragraph}\n" for paragraph in section.prose]
    if section.groups:
        lines.append("\n| key | default | |\n| --- | --- | --- |\n")
    for group in section.groups:
        names = "<br>".join(f"`{key}`{_mark(section.name, key) if fixed else ''}" for key, _ in group.keys)
        values = "<br>".join(f"`{value}`" for _, value in group.keys)
        lines.append(f"| {names} | {values} | {group.reason} |\n")
    return "".join(lines)


def _mark(section: str, key: str) -> str:
    fixed = set(configuration._FIXED)  # noqa: SLF001 - the one list of what a reload refuses
    return " *restart*" if {section, f"{section}.{key}"} & fixed else ""
