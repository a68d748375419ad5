"""The plugin among others: silent until used, with and without pytest-benchmark, xdist, memray."""

from __future__ import annotations

import importlib.util

import pytest

from tests.pytest_plugin.suites import Suite

HEAVY = ("torch", "numpy", "pandas", "scipy", "rich", "psutil", "msgspec", "harness.inline")
BOTH = """
import numpy as np, pytest

ARRAY = np.ones(2**20)

@pytest.mark.parametrize("number", range(4))
def test_benchmark(benchmark, number):
    benchmark(np.copy, ARRAY)

@pytest.mark.ferrybench(copies=1)
def test_holds(ferrybench):
    ferrybench(np.copy, ARRAY)

@pytest.mark.ferrybench(copies=0)
def test_exceeds(ferrybench):
    ferrybench(np.copy, ARRAY)
"""


@pytest.mark.parametrize("others", [(), ("-p", "pytest_benchmark.plugin"), ("-p", "no:terminal")])
def test_nothing_heavy_is_imported_for_a_suite_that_does_not_use_it(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, others: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    suite.write(
        f"""
import sys

def test_one():
    assert "harness.pytest_plugin" in sys.modules
    assert not [name for name in {HEAVY!r} if name in sys.modules]
"""
    )
    result = suite.run_anew("-p", "ferrybench", *others)
    assert result.ret == 0, result.stdout.str()
    result.stdout.no_fnmatch_line("*memory of*")


def test_help_and_markers_tell_of_it(suite: Suite) -> None:
    told = suite.run("--help").stdout
    told.fnmatch_lines(
        [
            "ferrybench: memory, measured in isolation:",
            "*--ferrybench-memory * also measure the memory of every benchmark(...)*",
            "*--ferrybench-timeout=DURATION*",
            "*Default: 60s*",
        ]
    )
    suite.run("--markers").stdout.fnmatch_lines(["@pytest.mark.ferrybench(copies=None, peak=*"])
    suite.run("--fixtures").stdout.fnmatch_lines(
        ["ferrybench -- *", "    Measure a call in processes forked from this one*"]
    )


def test_without_pytest_benchmark_the_rest_works(suite: Suite) -> None:
    code = BOTH.replace('@pytest.mark.parametrize("number", range(4))', "@pytest.mark.skip")
    suite.write(code)
    result = suite.run("-p", "no:benchmark")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*- ferrybench: memory of 2 calls -*"])
    refused = suite.run("-p", "no:benchmark", "--ferrybench-memory")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(
        ["ERROR: --ferrybench-memory needs pytest-benchmark: pip install pytest-benchmark"]
    )


def test_where_pytest_benchmark_cannot_be_imported_the_rest_works(suite: Suite) -> None:
    suite.write("import sys\nsys.modules['pytest_benchmark'] = None\n", name="blocked")
    suite.write(
        """
def test_one(ferrybench):
    assert ferrybench(sum, [1, 2]).within(left=0, leaks=False).ok
"""
    )
    suite.run("-p", "blocked", "-p", "no:benchmark").assert_outcomes(passed=1)


def test_workers_of_xdist_measure_too(suite: Suite) -> None:
    suite.write(BOTH)
    result = suite.run_anew("-n", "2", "--ferrybench-memory", "-W", "ignore:Benchmarks are automat")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*- ferrybench: memory of 6 calls -*"])
    for name in (*(f"test_benchmark[[]{number}[]]" for number in range(4)), "test_exceeds copy"):
        result.stdout.fnmatch_lines([f"{name} * 8* MiB *1.0?×*"])
    result.stdout.fnmatch_lines(["*copy: 1.00 copies of the payload at the peak, 0 allowed*"])


@pytest.mark.skipif(not importlib.util.find_spec("pytest_memray"), reason="needs pytest-memray")
def test_the_plugin_of_memray_may_watch_the_same_tests(suite: Suite) -> None:
    suite.write(BOTH)
    result = suite.run_quickly("--memray", "--ferrybench-memory")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*MEMRAY REPORT*"])
    result.stdout.fnmatch_lines(["test_benchmark[[]0[]] * 8* MiB *1.0?×*"])


def test_a_file_of_junit_has_what_was_found(suite: Suite) -> None:
    suite.write(BOTH)
    suite.run("-k", "holds", "--junit-xml=junit.xml", "-o", "junit_family=xunit1")
    assert "'peak_extra_bytes': " in (suite.pytester.path / "junit.xml").read_text()


def test_threads_of_the_session_are_no_obstacle(suite: Suite) -> None:
    suite.write(
        """
import threading, time
import numpy as np, torch

def test_one(ferrybench):
    torch.ones(2**22).sum()  # starts threads that a fork does not take along
    lock = threading.Event()
    other = threading.Thread(target=lock.wait, name="waiting")
    other.start()
    found = ferrybench(lambda: torch.ones(2**22).sum())
    lock.set()
    other.join()
    assert "waiting" in found.other_threads
    found.within(peak="17MiB")
"""
    )
    suite.run("--ferrybench-timeout=30s").assert_outcomes(passed=1)
