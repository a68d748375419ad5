"""viztracer's timeline, with all workers, and what perf counts."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from harness.host.host import Host
from harness.profiling.mappings import mappings
from harness.profiling.timeline import TIMELINE, Timeline, write_timeline
from harness.schema.profile import FileProfileRequest, Tool, Watching
from harness.trial.profiling import by_perf
from harness.trial.profiling.target import Target
from harness.units import MIB
from tests.profiling import loaders, programs
from tests.some import some

ROUNDING_US = 0.002
"""Times are written in thousandths of a microsecond."""


def watched(host: Host, tool: Tool, path: str, function: str, output: Path) -> dict[str, Any]:
    request = FileProfileRequest(path, function, (), Watching(tool, str(output)))
    report = host.call(request, 120.0)
    assert report.answer is not None, report
    assert report.answer["outcome"]["name"] == "ok"
    return report.answer


def timeline_of(
    host: Host, path: str, function: str, folder: Path
) -> tuple[Timeline, list[dict[str, Any]]]:
    watched(host, "viztracer", path, function, folder / "records")
    found = write_timeline(folder / "records", folder)
    return found, json.loads((folder / TIMELINE).read_text())["traceEvents"]


def nested(events: list[dict[str, Any]]) -> None:
    """Of two spans of one row, one is within the other, or they have nothing in common."""
    rows: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            rows[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in some(rows.values()):
        around: list[float] = []
        for begins, ends in some(sorted(spans, key=lambda span: (span[0], -span[1]))):
            while around and around[-1] <= begins + ROUNDING_US:
                around.pop()
            assert not around or ends <= around[-1] + ROUNDING_US
            around.append(ends)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_every_worker_is_on_the_timeline(method: str, host: Host, tmp_path: Path) -> None:
    pytest.importorskip("viztracer")
    found, events = timeline_of(host, loaders.__file__, method, tmp_path)
    assert found.processes == ("the call", "worker 0", "worker 1")
    assert found.full == ()
    taken = [event for event in events if event["name"].startswith("Slow.__getitem__")]
    assert len(taken) == loaders.SAMPLES
    assert len({event["pid"] for event in taken}) == loaders.WORKERS
    assert [event for event in events if event["name"] == "aten::sum"]
    nested(events)


def test_a_call_without_workers_has_a_timeline(host: Host, tmp_path: Path) -> None:
    pytest.importorskip("viztracer")
    found, events = timeline_of(host, programs.__file__, "called", tmp_path)
    assert found.processes == ("the call",)
    (made,) = [event for event in events if event["name"].startswith("_made ")]
    (call,) = [event for event in events if event["name"].startswith("called ")]
    assert call["ts"] <= made["ts"]
    assert made["dur"] <= call["dur"]
    nested(events)


def test_a_process_that_ended_while_it_wrote_is_named(tmp_path: Path) -> None:
    name = {"ph": "M", "name": "process_name", "pid": 7, "args": {"name": "the call"}}
    span = {"ph": "X", "cat": "FEE", "name": "f", "pid": 7, "tid": 7, "ts": 1, "dur": 1}
    whole = json.dumps({"traceEvents": [name, span]})
    records = tmp_path / "records"
    records.mkdir()
    (records / "7.json").write_text(whole)
    assert write_timeline(records, tmp_path).text == "1 span of the call"
    (records / "8.json").write_text(whole[:-9])
    found = write_timeline(records, tmp_path)
    assert found.text == "1 span of the call; 1 process ended before all was written"


@pytest.mark.usefixtures("_file")
def test_a_mapped_file_is_named_where_memray_counts_it(host: Host, tmp_path: Path) -> None:
    pytest.importorskip("memray")
    record = tmp_path / "memray.bin"
    watched(host, "memray", programs.__file__, "copied_on_write", record)
    (said,) = mappings(record, [programs.__file__])
    line = programs.copied_on_write.__code__.co_firstlineno + 1
    assert said.startswith(
        f"32 MiB of the flame graph's peak is a mapped file (numpy.memmap), by programs.py:{line}:"
    )


def test_memory_of_its_own_is_no_mapping(host: Host, tmp_path: Path) -> None:
    pytest.importorskip("memray")
    record = tmp_path / "memray.bin"
    watched(host, "memray", programs.__file__, "kept", record)
    assert mappings(record, [programs.__file__]) == []


@pytest.mark.skipif(shutil.which("perf") is None, reason="perf is not installed")
def test_perf_counts_the_faults_of_the_call(host: Host, tmp_path: Path) -> None:
    answer = watched(host, "perf", programs.__file__, "shared", tmp_path / "perf.csv")
    if answer.get("refused"):
        pytest.skip(answer["refused"])
    counted = {one["name"]: one["count"] for one in answer["counted"]}
    pages = 32 * MIB // 4096
    assert pages <= counted["page faults"] < 1.2 * pages
    for one in some(answer["counted"]):
        assert one["count"] is not None or one["why"]


def test_where_perf_is_missing_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    target = Target(lambda: None, programs.kept)
    _, outcome, why = by_perf.by_perf(target, str(tmp_path / "out"))
    assert outcome.ok
    assert why.startswith("perf is not installed")


def test_where_perf_is_not_permitted_its_own_words_are_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "perf"
    fake.write_text("#!/bin/sh\necho 'No permission to enable page-faults event.' >&2\nexit 255\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    called: list[int] = []
    target = Target(lambda: called.append(1), programs.kept)
    counted, _, why = by_perf.by_perf(target, str(tmp_path / "out"))
    assert why == "perf does not count here: No permission to enable page-faults event."
    assert counted == ()
    assert called == []
