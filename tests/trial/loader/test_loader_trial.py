"""One fresh process with a user's loader: its times against what planted loaders really slept."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.host.answers import answer_as
from harness.host.host import Host
from harness.schema.loader import LoaderAnswer, LoaderRequest, LoaderSetting
from harness.trial.planted import users_loaders
from tests.some import some

PLANTED = Path(users_loaders.__file__)


@pytest.fixture
def planted(tmp_path: Path) -> str:
    """A copy of the planted loaders, as a user's file would lie anywhere."""
    return str(shutil.copy(PLANTED, tmp_path / "train.py"))


def asked(host: Host, file: str, name: str, **fields: Any) -> LoaderAnswer:
    request = replace(LoaderRequest(file=file, name=name, batches=24, seconds=20.0), **fields)
    report = host.call(request, 60.0)
    assert report.answer is not None, report
    return answer_as(LoaderAnswer, report.answer)


def noted(folder: Path, stage: str) -> float:
    return sum(float(one) for path in folder.glob(f"{stage}-*") for one in path.read_text().split())


def test_parts_of_a_pass_follow_one_another(host: Host, planted: str) -> None:
    answer = asked(host, planted, "sleeping", stepped=True, step_ms=1.0)
    for one in some(answer.passes):
        parts = one.start_s + one.wait_s + one.step_s + one.end_s
        assert one.ended
        assert one.batches == 24
        assert parts == pytest.approx(one.total_s, rel=1e-6)
    assert len(answer.passes) == 2, "a short epoch is gone through twice"
    assert answer.batch_bytes == 4 * 8 * 4
    assert answer.batch_samples == 4
    assert answer.look is not None
    assert answer.look.fetching.startswith("Rows.__getitem__ (train.py:")
    assert answer.look.collating.startswith("default_collate (collate.py:")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["sleeping", "collating", "tailed", "together"])
def test_stages_are_what_was_slept(
    host: Host, planted: str, tmp_path: Path, name: str, workers: int
) -> None:
    log, stamps = tmp_path / "log", tmp_path / "stamps"
    log.mkdir()
    stamps.mkdir()
    Path(planted).write_text(
        f"import os\nos.environ['PLANTED_LOG'] = {str(log)!r}\n" + body(planted)
    )
    answer = asked(
        host, planted, name, way="watched", folder=str(stamps), setting=LoaderSetting(workers)
    )
    assert answer.stages is not None
    processes = answer.stages.processes
    assert {one.process for one in processes} == (
        {"main"} if not workers else {"worker 0", "worker 1"}
    )
    assert sum(one.batches for one in processes) == 48
    fetched, collated = noted(log, "fetch"), noted(log, "collate")
    # What comes beside the sleeps is Python, and a loaded machine's.
    assert sum(one.fetch_s for one in processes) >= fetched
    assert sum(one.collate_s for one in processes) >= collated
    slower = "collate" if name == "collating" else "fetch"
    sums = {
        "fetch": sum(one.fetch_s for one in processes),
        "collate": sum(one.collate_s for one in processes),
    }
    assert max(sums, key=lambda stage: sums[stage]) == slower
    assert sums[slower] < 3 * max(fetched, collated)


def body(file: str) -> str:
    """A planted file without the line that must come first."""
    return Path(file).read_text().replace("from __future__ import annotations\n", "")


def test_slow_samples_are_told_from_the_others(host: Host, planted: str, tmp_path: Path) -> None:
    answer = asked(host, planted, "tailed", way="watched", folder=str(tmp_path))
    assert answer.stages is not None
    costs = answer.stages.samples
    assert costs.count == 192
    assert costs.p99_s > 5 * costs.median_s
    assert costs.slowest_share > 0.05


def test_a_free_stage_takes_no_time(host: Host, planted: str, tmp_path: Path) -> None:
    both = asked(host, planted, "collating", free=("collate",), way="run", skip=1)
    usual = asked(host, planted, "collating", way="run", skip=1)
    assert both.passes[1].total_s < usual.passes[1].total_s / 2
    fetched = asked(host, planted, "sleeping", free=("fetch",), way="run", skip=1)
    assert fetched.passes[1].total_s < usual.passes[1].total_s / 2


def test_ready_batches_leave_the_step(host: Host, planted: str) -> None:
    answer = asked(
        host, planted, "sleeping", way="ready", stepped=True, step_ms=2.0, batches=20, skip=1
    )
    (one,) = answer.passes
    assert one.step_s >= 20 * 0.002
    assert one.wait_s + one.start_s < one.step_s / 10


@pytest.mark.parametrize("name", ["ready", "generator", "endless", "sleeping", "several.train"])
def test_whatever_gives_batches_is_gone_through(host: Host, planted: str, name: str) -> None:
    answer = asked(host, planted, name, batches=12)
    assert answer.outcome.ok
    assert sum(one.batches for one in answer.passes) >= 12
    assert answer.look is not None
    assert (answer.look.own is None) == (name in ("ready", "generator"))
    assert answer.look.length == {"ready": 24, "sleeping": 24, "several.train": 24}.get(name)


def test_a_loader_within_another_object_is_the_one_to_set(
    host: Host, planted: str, tmp_path: Path
) -> None:
    answer = asked(
        host, planted, "wrapped", way="watched", folder=str(tmp_path), setting=LoaderSetting(1)
    )
    assert answer.look is not None
    assert answer.look.kind == "Wrapped"
    assert answer.look.own == LoaderSetting(0)
    assert answer.stages is not None
    assert [one.process for one in answer.stages.processes] == ["worker 0"]


def test_workers_by_spawn_import_what_they_need(host: Host, planted: str, tmp_path: Path) -> None:
    answer = asked(host, planted, "spawned", way="watched", folder=str(tmp_path), batches=6)
    assert answer.outcome.ok
    assert answer.look is not None
    assert answer.look.start_method == "spawn"
    assert answer.stages is not None
    assert [one.process for one in answer.stages.processes] == ["worker 0"]
    assert answer.stages.processes[0].pickled_bytes > 0


def test_the_trees_memory_is_seen(host: Host, planted: str) -> None:
    peaks = []
    for workers in (0, 2):
        request = LoaderRequest(
            file=planted, name="sleeping", batches=24, setting=LoaderSetting(workers)
        )
        report = host.call(request, 60.0, observe="tree")
        assert report.answer is not None
        memory = answer_as(LoaderAnswer, report.answer).memory
        assert memory is not None
        peaks.append(memory)
    assert peaks[1].processes >= peaks[0].processes + 2
    assert peaks[1].peak_bytes > peaks[0].peak_bytes
