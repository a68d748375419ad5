"""``--ferrybench-memory``: what is told of tests that were written for pytest-benchmark."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.suites import Suite
from tests.some import some

MIB = 1024**2
KNOWN = """
import functools
import numpy as np, pytest, torch

MIB = 1024**2
ARRAY, TENSOR = np.ones(16 * MIB // 8), torch.ones(16 * MIB // 4)

def kept(data, copies):
    return [data.copy() if isinstance(data, np.ndarray) else data.clone() for _ in range(copies)]

def dropped(data, copies):
    return len(kept(data, copies))

@pytest.mark.parametrize("copies", [0, 1, 2, 3])
@pytest.mark.parametrize("function", [kept, dropped])
@pytest.mark.parametrize("data", [ARRAY, TENSOR], ids=["numpy", "torch"])
def test_known(benchmark, data, function, copies):
    benchmark(function, data, copies)

@pytest.mark.parametrize("copies", [0, 1, 2, 3])
class TestWays:
    @pytest.fixture
    def data(self):
        return np.ones(16 * MIB // 8)

    def test_closure(self, benchmark, data, copies):
        benchmark(lambda: kept(data, copies))

    def test_partial(self, benchmark, data, copies):
        benchmark(functools.partial(kept, data, copies=copies))

    def test_method(self, benchmark, data, copies):
        benchmark(self.made, data=data, copies=copies)

    def made(self, data, copies):
        return kept(data, copies)

    def test_pedantic(self, benchmark, data, copies):
        benchmark.pedantic(kept, (data,), {"copies": copies}, rounds=2)

    def test_setup(self, benchmark, data, copies):
        benchmark.pedantic(kept, setup=lambda: ((data.copy(), copies), {}), rounds=2)
"""


def test_copies_are_those_that_are_made_however_a_test_is_written(suite: Suite) -> None:
    suite.write(KNOWN)
    found = suite.benchmarks("--ferrybench-memory")
    assert len(found) == 4 * 9
    for name, told in found.items():
        copies = int(name.rstrip("]").rpartition("[")[2].rpartition("-")[2])
        assert told["outcome"] == "ok", name
        assert told["copies"] == pytest.approx(copies, rel=0.02, abs=0.02), name
        assert told["payload_bytes"] == 16 * MIB, name
        kept = 0 if "dropped" in name else copies
        assert told["retained_bytes"] == pytest.approx(kept * 16 * MIB, abs=0.3 * MIB), name
        assert told["left_bytes"] == pytest.approx(0, abs=0.3 * MIB), name
        if copies and "dropped" not in name:
            assert told["shares_memory"] is False, name


def test_a_setup_is_not_called_once_more_in_the_session(suite: Suite) -> None:
    suite.write(
        """
import os
import numpy as np, pytest

HERE = os.getpid()
rounds = iter(range(3))
called = []

def setup():
    number = next(rounds)  # one more would be too many
    called.append(number)
    return ([np.ones(2**20)],), {"count": 2}

def drain(arrays, count):
    array = arrays.pop()  # nothing is left for a second call
    return [array.copy() for _ in range(count)]

def test_made(benchmark):
    assert len(benchmark.pedantic(drain, setup=setup, rounds=3)) == 2
    assert called == [0, 1, 2]

state = []

def test_state(benchmark):
    benchmark.pedantic(lambda: state.pop(), setup=lambda: state.append(1), rounds=3)
    assert state == []

def test_broken(benchmark):
    with pytest.raises(ZeroDivisionError):
        benchmark.pedantic(list, setup=lambda: 1 / 0)
"""
    )
    found = suite.benchmarks("--ferrybench-memory")
    assert found["test_made"]["copies"] == pytest.approx(2, rel=0.02)
    assert found["test_state"]["outcome"] == "ok"


def test_what_shares_the_data_is_told_from_what_copies_them(suite: Suite) -> None:
    suite.write(
        """
import numpy as np, torch

ARRAY = np.ones(2**20)

def test_shares(benchmark):
    benchmark(torch.from_numpy, ARRAY)

def test_copies(benchmark):
    benchmark(torch.tensor, ARRAY)
"""
    )
    found = suite.benchmarks("--ferrybench-memory")
    assert found["test_shares"]["shares_memory"] is True
    assert found["test_copies"]["shares_memory"] is False


def test_nothing_is_added_without_the_option(suite: Suite) -> None:
    suite.write(
        """
def test_one(benchmark):
    assert type(benchmark).__mro__[1] is object
    benchmark(list)
"""
    )
    assert suite.benchmarks() == {"test_one": None}
    result = suite.run_quickly()
    result.stdout.no_fnmatch_line("*ferrybench: memory*")


def test_the_second_table_follows_the_first_one(suite: Suite) -> None:
    suite.write(
        """
import numpy as np, pytest

@pytest.mark.parametrize("path", ["a::b"])
def test_one(benchmark, path):
    benchmark(np.copy, np.ones(2**20))
"""
    )
    result = suite.run_quickly("--ferrybench-memory")
    result.stdout.fnmatch_lines(
        [
            "*- benchmark: 1 tests -*",
            "*- ferrybench: memory of 1 call -*",
            "Name * Peak * Copies * Kept * Left * Faults * Shares",
            "test_one[[]a::b[]] * MiB * 1.0?× * MiB * no",
        ]
    )


def test_a_measured_call_leaves_no_trace_in_the_test(suite: Suite) -> None:
    suite.write(
        """
import os, threading

calls = []

def noisy():
    calls.append(os.getpid())
    print("called")
    return len(calls)

def test_one(benchmark, capfd):
    print("before")
    before = set(os.listdir("/proc/self/fd"))
    assert benchmark.pedantic(noisy, rounds=3) == 3
    assert calls == [os.getpid()] * 3
    assert capfd.readouterr().out == "before\\n" + "called\\n" * 3
    assert set(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == 1
"""
    )
    assert suite.benchmarks("--ferrybench-memory")["test_one"]["outcome"] == "ok"


@pytest.mark.parametrize("stream", ["-s", "--capture=sys", "--capture=fd", "--capture=tee-sys"])
def test_output_comes_once_however_it_is_caught(suite: Suite, stream: str) -> None:
    suite.write(
        """
def test_one(benchmark):
    print("written but not flushed", end="")
    benchmark(list)
    assert 0
"""
    )
    result = suite.run_quickly("--ferrybench-memory", stream)
    assert result.stdout.str().count("written but not flushed") == (
        # the source line in the traceback, and the captured text; tee-sys shows it at once, too
        {"-s": 2, "--capture=tee-sys": 3}.get(stream, 2)
    )


def test_failures_of_the_function_are_the_tests_own_matter(suite: Suite) -> None:
    suite.write(
        """
import os, time
import pytest

HERE = os.getpid()

def raises():
    raise ValueError("as meant")

def test_raises(benchmark):
    with pytest.raises(ValueError):
        benchmark(raises)

def test_crashes(benchmark):
    benchmark(lambda: os.getpid() == HERE or os.abort())

def test_hangs(benchmark):
    benchmark(lambda: os.getpid() == HERE or time.sleep(60))

def test_random(benchmark):
    benchmark(os.urandom, 8)

def test_leaves(benchmark):
    benchmark(lambda: os.getpid() == HERE or os._exit(3))

async def later():
    pass

def test_coroutine(benchmark):
    benchmark.pedantic(later).close()

def test_uncallable(benchmark):
    with pytest.raises(TypeError):
        benchmark(3)
"""
    )
    result = suite.run_quickly("--ferrybench-memory", "--ferrybench-timeout=1s")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(
        [
            "test_raises: error: ValueError: as meant",
            "test_crashes: crash: SIGABRT*",
            "test_hangs: timeout: no answer within 1 s",
            "test_random * –",
            "test_leaves: crash: exited with status 3*",
            "test_coroutine: skipped: later is a coroutine function*",
            "test_uncallable: skipped: 3 is not callable*",
        ]
    )
    result.stderr.no_fnmatch_line("*Fatal Python error*")


def test_memory_is_measured_where_times_are_not(suite: Suite) -> None:
    suite.write(
        """
def test_one(benchmark):
    benchmark(lambda: b"1" * 2**24)
"""
    )
    result = suite.run("--ferrybench-memory", "--benchmark-disable")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_one * 16 MiB *"])
    result = suite.run("--ferrybench-memory", "--benchmark-skip")
    result.assert_outcomes(skipped=1)
    result.stdout.no_fnmatch_line("*ferrybench: memory*")


def test_what_cannot_be_forked_is_told_in_one_line(suite: Suite) -> None:
    suite.write(
        """
import sys, types
import pytest

sys.modules["torch"] = types.SimpleNamespace(
    cuda=types.SimpleNamespace(is_initialized=lambda: True)
)

def test_benchmark(benchmark):
    benchmark(list)

@pytest.mark.ferrybench(left=0)
def test_budget(benchmark):
    benchmark(list)

def test_fixture(ferrybench):
    ferrybench(list)
"""
    )
    result = suite.run_quickly("--ferrybench-memory")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["test_benchmark: skipped: this process has begun to use CUDA*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_fixture_of_the_users_own_may_stand_before_it(suite: Suite) -> None:
    suite.write(
        """
import pytest

@pytest.fixture
def benchmark(benchmark):
    benchmark.group = "mine"
    return benchmark

@pytest.fixture
def wrapped(benchmark):
    return lambda function: benchmark(function)

def test_overridden(benchmark):
    benchmark(lambda: b"1" * 2**24)

def test_wrapped(wrapped):
    wrapped(lambda: b"1" * 2**24)
"""
    )
    found = suite.benchmarks("--ferrybench-memory")
    for told in some(found.values()):
        assert told["peak_extra_bytes"] == pytest.approx(16 * MIB, rel=0.02)


def test_a_foreign_fixture_of_that_name_is_left_alone(suite: Suite) -> None:
    suite.write(
        """
import pytest

@pytest.fixture
def benchmark():
    yield 3

def test_one(benchmark):
    assert benchmark == 3

@pytest.mark.ferrybench(copies=1)
def test_marked(benchmark):
    assert benchmark == 3
"""
    )
    suite.run("--ferrybench-memory", "-p", "no:benchmark").stderr.fnmatch_lines(
        ["*--ferrybench-memory needs pytest-benchmark*"]
    )
    suite.run("-p", "no:benchmark").assert_outcomes(passed=2)
