"""Line by line, memory of programs that is known another way: what they say in their comments."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from harness.host.answers import answer_as
from harness.host.host import Host, Report
from harness.profiling.figures import accurate_to, kept_bytes, peak_bytes
from harness.schema.profile import FileProfileRequest, LineRow, Lines, Profiled, Watching
from harness.schema.records import HostSpec
from harness.trial.profiling.statements import first_lines
from harness.units import MIB
from tests.profiling import programs
from tests.some import some

PROGRAMS = Path(programs.__file__)
SAID = re.compile(r"(peak|keeps|files) (-?[\d.]+)")


@cache
def known() -> dict[int, dict[str, float]]:
    """What each statement of the programs says, by its first line."""
    firsts = first_lines(str(PROGRAMS))
    found = {}
    for number, text in enumerate(PROGRAMS.read_text().splitlines(), start=1):
        said = SAID.findall(text.rpartition("  # ")[2])
        if said:
            found[firsts[number]] = {name: float(mib) * MIB for name, mib in said}
    return found


@cache
def watch(host: Host, function: str, timeout_s: float = 60.0) -> Report:
    """One call, once for all tests."""
    request = FileProfileRequest(str(PROGRAMS), function, (), Watching("lines"))
    return host.call(request, timeout_s, observe="lines")


def lines_of(report: Report) -> Lines:
    return answer_as(Lines, report.noted)


def check(row: LineRow) -> None:
    """A row has what its line says, and nothing else."""
    said = {"peak": 0.0, "keeps": 0.0, "files": 0.0, **known().get(row.line, {})}
    found = {"peak": peak_bytes(row), "keeps": kept_bytes(row), "files": row.peak.file_bytes}
    for name, expected in said.items():
        # Libraries are mapped files, too: a line that calls them for the first time reads some.
        slack = 4 * MIB if name == "files" else accurate_to(expected)
        assert abs(found[name] - expected) <= slack, (row.line, name, found[name] / MIB)


@pytest.mark.usefixtures("_file")
@pytest.mark.parametrize("function", programs.KNOWN)
def test_each_line_shows_what_it_is_known_to_take(function: str, host: Host) -> None:
    report = watch(host, function)
    assert report.answer is not None, report
    assert report.answer["outcome"]["name"] == "ok"
    lines = lines_of(report)
    assert not lines.missed
    for row in some(lines.rows[1:]):
        check(row)
    reached = {row.line for row in lines.rows}
    assert reached & known().keys()


@pytest.mark.usefixtures("_file")
def test_a_mapped_file_is_no_memory_of_the_process(host: Host) -> None:
    whole = lines_of(watch(host, "mapped")).rows[0]
    assert peak_bytes(whole) < MIB
    assert whole.peak.file_bytes > 32 * MIB


def test_how_high_a_line_comes_is_counted_from_the_beginning_of_the_call(host: Host) -> None:
    whole, *rows = lines_of(watch(host, "called")).rows
    levels = {row.line: row.level_bytes / MIB for row in rows}
    first = min(levels)
    assert whole.level_bytes >= max(row.level_bytes for row in rows)
    assert abs(levels[first] - 48) < 1
    assert abs(levels[first + 1] - 32) < 1


def test_shared_memory_is_named_apart(host: Host) -> None:
    rows = lines_of(watch(host, "shared")).rows
    (row,) = [row for row in rows if row.peak.shmem_bytes > MIB and row.file >= 0]
    assert row.kept.shmem_bytes == 32 * MIB
    assert row.peak.anon_bytes < MIB


def test_visits_count_how_often_a_line_is_entered(host: Host) -> None:
    rows = lines_of(watch(host, "looped")).rows
    assert [row.visits for row in rows] == [1, 1, 5, 4, 4, 1]


def test_a_generator_is_gone_through(host: Host) -> None:
    whole, *rows = lines_of(watch(host, "yields")).rows
    for row in some(rows):
        check(row)
    assert [row.visits for row in rows] == [1, 1]
    assert abs(kept_bytes(whole)) < MIB


def test_time_is_the_lines_own_without_what_watching_took(host: Host) -> None:
    lines = lines_of(watch(host, "waits"))
    whole, loop, body, sleep = lines.rows
    assert (loop.visits, body.visits, sleep.visits) == (201, 200, 1)
    assert 0.2 <= sleep.time_s <= whole.time_s
    assert loop.time_s + body.time_s < lines.watching_s


def test_page_faults_belong_to_the_line_that_touches_pages(host: Host) -> None:
    rows = lines_of(watch(host, "shared")).rows[1:]
    pages = 32 * MIB // 4096
    (touching,) = [row for row in rows if row.faults_minor >= pages]
    assert touching.kept.shmem_bytes == 32 * MIB
    assert touching.faults_minor < 1.05 * pages


def test_what_raised_half_way_is_shown_up_to_there(host: Host) -> None:
    report = watch(host, "raises")
    assert report.answer is not None
    assert report.answer["outcome"]["reason"] == "ValueError: no1.0"
    assert "raise ValueError" in report.answer["outcome"]["where"]
    first, last = lines_of(report).rows[1:]
    check(first)
    assert last.visits == 1


@pytest.mark.parametrize("function", ["never_ends", "dies"])
def test_what_was_seen_outlives_the_process(function: str, host: Host) -> None:
    report = watch(host, function, timeout_s=2.0)
    assert report.answer is None
    whole, first, last = lines_of(report).rows
    check(first)
    assert (whole.running, first.running, last.running) == (True, False, True)
    assert 32 * MIB <= whole.peak_bytes < 40 * MIB


def test_what_ended_within_a_line_that_did_not_is_part_of_it(host: Host) -> None:
    whole, outer, made, last = lines_of(watch(host, "dies_within")).rows
    check(made)
    assert [row.running for row in (whole, outer, made, last)] == [True, True, False, True]
    for row in (whole, outer):
        assert abs(row.peak_bytes - 48 * MIB) < MIB
        assert row.level_bytes >= made.kept.anon_bytes
    assert last.peak_bytes < 4 * MIB


def test_of_forked_processes_nothing_is_in_the_table(host: Host) -> None:
    lines = lines_of(watch(host, "forks"))
    assert lines.forks == 1
    assert all(row.peak_bytes < 4 * MIB for row in some(lines.rows))
    assert all(row.visits < 2 for row in lines.rows)


def test_code_without_source_has_numbers(host: Host) -> None:
    (row,) = lines_of(watch(host, "sourceless")).rows[1:]
    assert row.line == 2
    assert abs(kept_bytes(row) - 32 * MIB) < accurate_to(32 * MIB)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("np.empty", "empty is written in C and has no lines: profile a function that calls it"),
        ("sleeps", "sleeps is a coroutine function"),
        ("nothing", "has no nothing"),
        ("N", "is not callable"),
    ],
)
def test_what_has_no_lines_is_refused_in_one(function: str, words: str, host: Host) -> None:
    report = watch(host, function)
    assert report.answer is not None
    assert words in report.answer["refused"]
    assert "\n" not in report.answer["refused"]
    assert not report.noted


def test_the_cost_of_one_more_line_is_measured(host: Host) -> None:
    lines = lines_of(watch(host, "looped"))
    assert lines.boundaries == 16
    assert lines.boundary_s is not None
    assert lines.boundary_s > 0


def test_a_cost_that_was_not_measured_is_not_known(host: Host) -> None:
    assert lines_of(watch(host, "dies")).boundary_s is None


@pytest.mark.slow
def test_without_an_observer_kinds_of_pages_are_not_known() -> None:
    with Host(HostSpec(), method="spawn") as spawning:
        report = watch(spawning, "called")
    assert report.answer is not None
    assert not report.noted
    lines = answer_as(Profiled, report.answer).lines
    assert lines is not None
    assert all(row.split_missed for row in some(lines.rows))
    (made,) = [row for row in lines.rows if row.peak_bytes > 40 * MIB and row.file >= 0]
    assert abs(kept_bytes(made) - 16 * MIB) < accurate_to(16 * MIB)
