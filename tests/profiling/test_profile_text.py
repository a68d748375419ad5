"""What a profile says, from rows that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.profiling.as_text import as_text
from harness.profiling.collect import Collected, Wanted
from harness.profiling.profile import Profile
from harness.schema.profile import Function, LineRow, Lines, Profiled, SampledLine
from harness.schema.records import Outcome, Rss
from harness.trial.meters.process_memory import EXACT
from harness.units import MIB

SOURCE = """\
def f(x):
    y = g(
        x,
    )
    return y


def g(x):
    return x * 2
"""
QUIET = Rss()
OK = Outcome("ok")


def row(line: int, peak: Rss = QUIET, kept: Rss = QUIET, **changed: Any) -> LineRow:
    plain = LineRow(0, line, 0, 1, 0.001, peak.total_bytes, peak, kept, 0, 10, 0, 0, 0)
    return replace(plain, **changed)


def profile_of(
    folder: Path,
    *rows: LineRow,
    sampled: tuple[SampledLine, ...] = (),
    outcome: Outcome = OK,
    whole: LineRow | None = None,
    accelerator: str = "",
    **changed: Any,
) -> Profile:
    file = folder / "mine.py"
    file.write_text(SOURCE)
    functions = (Function("f", 0, 1), Function("g", 0, 8))
    whole = whole or row(0, file=-1, function=-1)
    plain = Lines(
        (str(file),), functions, (whole, *rows), 4, 0.001, 1e-5, EXACT, "", 0, False, 0, False
    )
    lines = replace(plain, **changed)
    call = Profiled(outcome=outcome, label="f", file=str(file), accelerator=accelerator)
    found = {"lines": call}
    if sampled:
        found["memory_profiler"] = Profiled(outcome=outcome, sampled=sampled)
    missing = {} if sampled else {"memory_profiler": "memory_profiler is not installed"}
    return Profile("mine.py:f", Collected(lines, found, missing, Wanted()))  # type: ignore[arg-type]


def test_each_function_has_its_lines_and_what_was_seen_of_them(tmp_path: Path) -> None:
    big = Rss(anon_bytes=64 * MIB)
    text = as_text(profile_of(tmp_path, row(2, big), row(9, big, big), row(5)))
    assert "f, mine.py:1" in text
    assert "g, mine.py:8" in text
    (line,) = [line for line in text.splitlines() if "return x * 2" in line]
    assert line.split()[:7] == ["9", "1", "1", "ms", "64", "MiB", "64"]
    (rest,) = [one for one in text.splitlines() if one.endswith("        x,")]
    assert rest.split() == ["3", "x,"]


def test_the_line_of_the_peak_is_the_one_that_took_most_for_it(tmp_path: Path) -> None:
    rows = (
        row(2, Rss(anon_bytes=8 * MIB), level_bytes=8 * MIB),
        row(9, Rss(anon_bytes=4 * MIB), level_bytes=8 * MIB),
        row(3, Rss(anon_bytes=6 * MIB), level_bytes=6 * MIB),
    )
    whole = row(0, Rss(anon_bytes=8 * MIB), file=-1, function=-1)
    found = profile_of(tmp_path, *rows, whole=whole)
    assert found.highest == rows[0]
    assert "peak 8 MiB in line 2" in as_text(found)
    assert profile_of(tmp_path, row(2)).highest is None


@pytest.mark.parametrize("accelerator", ["", "CUDA"])
def test_of_work_that_a_line_queues_it_is_said_that_it_is_not_waited_for(
    accelerator: str, tmp_path: Path
) -> None:
    said = as_text(profile_of(tmp_path, row(2), accelerator=accelerator))
    assert ("a line ends when its work is queued there" in said) is bool(accelerator)


def test_what_is_not_known_is_no_number(tmp_path: Path) -> None:
    big = Rss(anon_bytes=64 * MIB)
    text = as_text(profile_of(tmp_path, row(2, big, running=True, faults_minor=0)))
    (line,) = [line for line in text.splitlines() if "y = g(" in line]
    assert line.split()[1:8] == ["1", "1", "ms", "≥", "64", "MiB", "–"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"running": True}, "≥ 64 MiB"),
        ({"room_bytes": None}, "≥ 64 MiB"),
        ({"split_missed": True}, "≤ 64 MiB"),
        ({"split_missed": True, "swapped": True}, "–"),
        ({}, "64 MiB"),
    ],
)
def test_a_bound_is_none_less_for_the_whole_call(
    changed: dict[str, Any], text: str, tmp_path: Path
) -> None:
    whole = row(0, Rss(anon_bytes=64 * MIB), file=-1, function=-1, **changed)
    said = as_text(profile_of(tmp_path, row(5), whole=whole))
    assert f"the call: peak {text} in line 5, " in said
    assert ("the call: ≥, because pages were swapped out" in said) is whole.swapped


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"forks": 2}, "forked this process 2 times"),
        ({"full": True}, "no room for more lines"),
        ({"lost_trace": True}, "took sys.settrace for itself"),
        ({"allocator": "libjemalloc.so.2"}, "malloc is that of libjemalloc.so.2"),
        ({"allocator": "libjemalloc.so.2"}, "what lines keep is counted by pages alone"),
        ({"missed": 1}, "≤ is for all kinds together"),
    ],
)
def test_doubts_are_said(changed: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in as_text(profile_of(tmp_path, row(5), **changed))
    assert words not in as_text(profile_of(tmp_path, row(5)))


def test_room_in_the_heap_makes_a_lower_bound(tmp_path: Path) -> None:
    text = as_text(profile_of(tmp_path, row(5, Rss(anon_bytes=MIB), room_bytes=8 * MIB)))
    assert "≥ 1 MiB" in text
    assert "the heap had up to 8 MiB free" in text


def test_what_the_heap_had_free_counts(tmp_path: Path) -> None:
    text = as_text(profile_of(tmp_path, row(5, heap_bytes=8 * MIB)))
    assert "line 5 took 8 MiB from memory that the heap had free" in text


def test_differences_are_explained_where_figures_bear_it_out(tmp_path: Path) -> None:
    file = str(tmp_path / "mine.py")
    rows = (
        row(2, Rss(anon_bytes=96 * MIB), Rss(anon_bytes=32 * MIB)),
        row(5, Rss(file_bytes=64 * MIB), Rss(file_bytes=64 * MIB)),
        row(9, Rss(anon_bytes=16 * MIB), Rss(anon_bytes=16 * MIB)),
    )
    sampled = (
        SampledLine(file, 2, 30.0 * MIB, 1),
        SampledLine(file, 3, 2.0 * MIB, 1),
        SampledLine(file, 5, 64.0 * MIB, 1),
        SampledLine(file, 9, 48.0 * MIB, 1),
    )
    said = profile_of(tmp_path, *rows, sampled=sampled).differences
    assert [text for text in said if text.startswith("line 2: 64 MiB of its peak of 96 MiB")]
    assert [text for text in said if text.startswith("line 5: 64 MiB of what memory_profiler")]
    assert [text for text in said if text.startswith("line 9") and "not explained" in text]
    assert len(said) == 4


def test_equal_figures_need_no_explanation(tmp_path: Path) -> None:
    same = Rss(anon_bytes=32 * MIB)
    sampled = (SampledLine(str(tmp_path / "mine.py"), 9, 32.2 * MIB, 1),)
    assert profile_of(tmp_path, row(9, same, same), sampled=sampled).differences == []


def test_what_python_had_free_is_named_where_it_is_not_known(tmp_path: Path) -> None:
    found = profile_of(tmp_path, row(5))
    words = "what Python's own allocator had free at the end is not known"
    assert words in as_text(found)
    known = replace(found.collected.call, arenas_room_bytes=0)
    collected = replace(found.collected, found={"lines": known})
    assert words not in as_text(replace(found, collected=collected))


def test_what_failed_is_in_the_headline(tmp_path: Path) -> None:
    outcome = Outcome("error", "ValueError: no", where="mine.py:5: return y")
    headline = profile_of(tmp_path, row(5), outcome=outcome).headline
    assert headline.startswith("error: ValueError: no (mine.py:5: return y)")


def test_a_call_that_did_not_end_names_the_line_it_was_in(tmp_path: Path) -> None:
    outcome = Outcome("timeout", "no answer within 3 s")
    headline = profile_of(tmp_path, row(2, running=True), outcome=outcome).headline
    assert "it was in line 2" in headline
