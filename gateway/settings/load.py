"""Reading ``gateway.toml`` and the ``policy.toml`` beside it.

What it promises: ``load`` gives settings that fit together and fit the disk, with absolute paths, or raises
BadConfig with everything that is wrong, each with its file, line and key. It changes nothing anywhere.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.model.policy import Policy
from gateway.settings.consistency import contradictions, doubts
from gateway.settings.disk import absent, expired
from gateway.settings.files import Disk, Files
from gateway.settings.lines import line_of, locate
from gateway.settings.policy_tables import BadPolicies
from gateway.settings.problem import BadConfig, ConfigProblem, Finding, dotted
from gateway.settings.reasons import findings
from gateway.settings.schema import SecretsSection, Settings
from gateway.settings.secret_files import is_credential

CheckPolicies = Callable[[Mapping[str, Mapping[str, object]]], Sequence[Policy]]
"""Builds the shelf from policy.toml's tables; raises BadPolicies (see ``policy_tables.build_policies``)."""

_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)\Z")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config that may be used: what the files say, where they lie, and what is doubtful about them."""

    settings: Settings
    policy: Mapping[str, Mapping[str, object]]
    policies: tuple[Policy, ...]
    config_file: Path
    policy_file: Path
    warnings: tuple[ConfigProblem, ...] = ()


def load(path: Path, check_policies: CheckPolicies, files: Files | None = None) -> Loaded:
    """Read and check both files, from the disk or from ``files``; raise BadConfig with all that is wrong."""
    files = files or Disk()
    gateway = _read(path.absolute(), files)
    if not gateway.data and gateway.problems:
        raise BadConfig(gateway.problems)  # where policy.toml lies is not known either
    settings = _settings(gateway, files)
    policy = _read(
        settings.gateway.policy_file if settings else path.absolute().parent / "policy.toml", files
    )
    policies = _policies(policy, check_policies)
    problems = (*gateway.problems, *policy.problems)
    if problems or settings is None:
        raise BadConfig(problems)
    suspicious = [*doubts(settings), *expired(settings, files, datetime.now(UTC))]
    warnings = tuple(gateway.problem(finding) for finding in suspicious)
    return Loaded(settings, policy.data, policies, gateway.path, policy.path, warnings)


class _File:
    """One TOML file: what it says, where its keys stand, and what has been found wrong with it."""

    def __init__(self, path: Path, text: str, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self.problems: list[ConfigProblem] = []
        self._lines = locate(text)

    def problem(self, finding: Finding) -> ConfigProblem:
        """Return the finding with its file and line."""
        return ConfigProblem(
            self.path, line_of(self._lines, finding.path), dotted(finding.path), finding.reason
        )

    def blame(self, found: Iterable[Finding]) -> None:
        """Keep findings as problems of this file."""
        self.problems.extend(sorted((self.problem(one) for one in found), key=lambda one: one.line))


def _read(path: Path, files: Files) -> _File:
    """Return the file; one that cannot be read or is no TOML is empty, with one problem."""
    line, reason = 0, ""
    try:
        text = files.read(path).decode("utf-8")
        return _File(path, text, tomllib.loads(text))
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        line, reason = error.object.count(b"\n", 0, error.start) + 1, "is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        line, reason = _syntax_error(str(error), text)
    broken = _File(path, "", {})
    broken.problems.append(ConfigProblem(path, line, "", reason))
    return broken


def _syntax_error(message: str, text: str) -> tuple[int, str]:
    """Take tomllib's place out of its message; "at end of document" is the last line."""
    match = _AT_LINE.search(message)
    line = int(match[1]) if match else max(text.rstrip("\n").count("\n") + 1, 1)
    reason = message[: match.start()] if match else message.removesuffix(" (at end of document)")
    hint = " (texts stand in quotes)" if reason == "Invalid value" else ""
    return line, f"is no TOML: {reason[:1].lower()}{reason[1:]}{hint}"


def _settings(file: _File, files: Files) -> Settings | None:
    """Return the settings; None where a key is wrong by itself: nothing else can be checked then."""
    if file.problems:
        return None
    try:
        settings = Settings.model_validate(file.data)
    except ValidationError as error:
        file.blame(findings(error, Settings, file.data))
        return None
    settings = _absolute(settings, file.path.parent)
    file.blame([*contradictions(settings), *absent(settings, files)])
    return settings


def _absolute(table: Model, folder: Path) -> Model:
    """Return the table with every path in it made absolute against the file's folder."""
    return table.model_copy(update=dict(_changed(table, folder)))


def _changed(table: BaseModel, folder: Path) -> Iterator[tuple[str, object]]:
    for name in type(table).model_fields:
        value = getattr(table, name)
        if isinstance(value, Path):
            yield name, folder / value
        elif isinstance(table, SecretsSection):
            yield name, value if is_credential(value) else str(folder / value)
        elif isinstance(value, BaseModel):
            yield name, _absolute(value, folder)
        elif type(value) is tuple and value and isinstance(value[0], BaseModel):
            yield name, tuple(_absolute(one, folder) for one in value)


def _policies(file: _File, check: CheckPolicies) -> tuple[Policy, ...]:
    if file.problems:
        return ()
    loose = [key for key, value in file.data.items() if not isinstance(value, dict)]
    file.blame(Finding((key,), "stands outside of a policy's table") for key in loose)
    try:
        return tuple(check({key: value for key, value in file.data.items() if key not in loose}))
    except BadPolicies as error:
        file.blame(error.findings)
    return ()
