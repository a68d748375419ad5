"""The pytest plugin: the memory of tests, measured in processes of their own.

Installed with the package and silent until it is used: an option for suites of pytest-benchmark, a
fixture, and a marker with budgets. Their code is in :mod:`harness.pytest_support`, which is
imported when one of them is used; this module imports nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.pytest_support.fixture import Ferrybench

PYTEST_BENCHMARK = ("benchmark", "pytest_benchmark.plugin")
"""The plugin by its entry point, and as ``-p`` may name it."""
TIMEOUT = "60s"
MARKER = (
    "ferrybench(copies=None, peak=None, retained=None, left=None, shares_memory=None, "
    "faults=None, leaks=None, allow_shared=False): budgets for what the test measures, such as "
    "copies=1, peak='64MiB' or peak='1.5x' (of the payload), left=0, shares_memory=True, faults=0, "
    "leaks=False; allow_shared=True measures a call that could write to shared memory."
)


class BenchmarkHooks:
    """Hooks that are there only where pytest-benchmark is.

    This one is called for every fixture of every test, which is most of what this plugin costs.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        made = yield
        if fixturedef.argname == "benchmark":
            marked = request.node.get_closest_marker("ferrybench") is not None
            if marked or request.config.getoption("ferrybench_memory"):
                from harness.pytest_support.benchmark_memory import watch

                watch(made, request.node)
        return made


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ferrybench", "ferrybench: memory, measured in isolation")
    group.addoption(
        "--ferrybench-memory",
        action="store_true",
        help="also measure the memory of every benchmark(...), in a forked process of its own.",
    )
    group.addoption(
        "--ferrybench-timeout",
        metavar="DURATION",
        default=TIMEOUT,
        help="how long a measured function may take, such as 10s or 5m. Default: %(default)s",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if any(map(config.pluginmanager.hasplugin, PYTEST_BENCHMARK)):
        config.pluginmanager.register(BenchmarkHooks(), "ferrybench-benchmarks")
    elif config.getoption("ferrybench_memory"):
        raise pytest.UsageError(
            "--ferrybench-memory needs pytest-benchmark: pip install pytest-benchmark"
        )
    if config.getoption("ferrybench_timeout") != TIMEOUT:
        from harness.pytest_support.options import timeout_of

        timeout_of(config)  # so that a value that is not a duration is reported at once


@pytest.fixture
def ferrybench(request: pytest.FixtureRequest) -> Ferrybench:
    """Measure a call in processes forked from this one: give the function, then its arguments."""
    from harness.pytest_support.fixture import Ferrybench

    return Ferrybench(request.node)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After pytest-benchmark's table."""
    found = [
        (report.nodeid, value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "ferrybench"
    ]
    if found:
        from harness.pytest_support.table import write_table

        write_table(terminalreporter, found)
