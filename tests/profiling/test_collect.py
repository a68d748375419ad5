"""Which tools have something to say of a call."""

from __future__ import annotations

from harness.host.host import Report
from harness.profiling.collect import Wanted, collect
from harness.schema.profile import Lines, Profiled, SampledLine, Watching
from harness.schema.records import Outcome
from harness.schema.strict import set_fields
from harness.trial.meters.process_memory import EXACT

LINES = Lines((), (), (), 0, 0.0, None, EXACT, "", 0, False, 0, False)
OK, ERROR = Outcome("ok"), Outcome("error", "FileExistsError: out")


def told(lines: Outcome, memory_profiler: Outcome) -> tuple[set[str], str]:
    """Which tools are found, and what is said of memory_profiler, where the call ended so."""

    def ask(watching: Watching) -> Report:
        said = Profiled(outcome=lines, lines=LINES)
        if watching.tool == "memory_profiler":
            said = Profiled(outcome=memory_profiler, sampled=(SampledLine("mine.py", 2, 0.0, 1),))
        return Report(answer=set_fields(said))

    found = collect(ask, Wanted())
    return set(found.found), found.missing.get("memory_profiler", "")


def test_a_call_that_ended_otherwise_tells_nothing_of_the_one_that_is_shown() -> None:
    names, why = told(OK, ERROR)
    assert names == {"lines"}
    assert why == (
        "memory_profiler: the call ended otherwise when it was watched: error: FileExistsError: out"
    )
    assert told(ERROR, OK)[0] == {"lines"}


def test_a_call_that_ended_likewise_is_the_same_call() -> None:
    both = {"lines", "memory_profiler"}
    assert told(OK, OK) == (both, "")
    assert told(ERROR, ERROR) == (both, "")
