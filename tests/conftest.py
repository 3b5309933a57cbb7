"""What all tests share: hypothesis profiles, the order of a run, and its last words.

At its very end a run tells what the tests have seen (how many messages arrived after so many kills, say), and
loudly what this machine could not run: a silent skip reads like a pass.
"""

import gc
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


_SLOW = ("scenario", "visibility")  # folders whose files take many seconds each

# The collector looked through the tests themselves again and again: a seventh of a run.
gc.set_threshold(10_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.path.parent.name not in _SLOW)


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a line for the end of the run. It goes with the test's report, from whichever process it ran in."""
    return lambda line: request.node.user_properties.append((_TOLD, line))


_TOLD = "told"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was seen, and what was skipped and why."""
    told = list(_told(terminalreporter))
    if told:
        terminalreporter.section("SEEN")
        for line in told:
            terminalreporter.write_line(line)
    _tell_what_did_not_run(terminalreporter)


def _told(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            yield from (line for name, line in getattr(report, "user_properties", ()) if name == _TOLD)


def _tell_what_did_not_run(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("NOT RUN ON THIS MACHINE", red=True, bold=True)
    reasons: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count:4d}  {reason.removeprefix('Skipped: ')}")
