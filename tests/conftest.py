"""What all tests share: hypothesis profiles, and the last words of a run.

At its very end a run tells what the tests have seen (how many messages arrived after so many kills, say), and
loudly what this machine could not run: a silent skip reads like a pass. A scenario that fails is played once more,
because real processes on a busy machine meet deadlines that are the machine's; the run says which ones were.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a line for the end of the run. It goes with the test's report, from whichever process it ran in."""
    return lambda line: request.node.user_properties.append((_TOLD, line))


_TOLD = "told"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give scenarios their second try."""
    for item in items:
        if item.get_closest_marker("scenario"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was seen, and what was skipped and why."""
    told = list(_told(terminalreporter))
    if told:
        terminalreporter.section("SEEN")
        for line in told:
            terminalreporter.write_line(line)
    again = [report.nodeid for report in terminalreporter.stats.get("rerun", [])]
    if again:
        terminalreporter.section("FAILED AT FIRST, AND PLAYED AGAIN", yellow=True, bold=True)
        for name in again:
            terminalreporter.write_line(name)
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
