"""What a case has to do at least: by its kind, its bytes, its threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.planning.work import work_of
from harness.schema.description import ScenarioInfo
from harness.schema.records import PageCache, PlannedCase, Trial, Work
from tests.journals import MIB, case, loaded, scenario, strategy, trial

INFO = scenario([strategy("base")])
COLD = PageCache("cold", 8 * MIB, 0, 0, 1, "evicted")


def work(one: Trial, info: ScenarioInfo = INFO, **parameters: Any) -> tuple[Work, ...]:
    return work_of(PlannedCase(case("base", **parameters)), info, [one])


def declaring(word: str, **more: Any) -> ScenarioInfo:
    return replace(scenario([replace(strategy("base"), work=word)]), **more)


MEMORY = trial(0, 0, kind="memory", payload=8 * MIB)
LOADER = loaded(trial(0, 0, kind="memory", payload=8 * MIB), 1e-3, data_bytes=8 * MIB, batches=32)


@pytest.mark.parametrize(
    ("one", "info", "parameters", "expected"),
    [
        (MEMORY, INFO, {}, [("copy", 8 * MIB, 8 * MIB, 0, 0)]),
        (replace(MEMORY, result_bytes=2 * MIB), INFO, {}, [("copy", 8 * MIB, 2 * MIB, 0, 0)]),
        (MEMORY, declaring("read"), {}, [("read", 8 * MIB, 0, 0, 0)]),
        (
            replace(MEMORY, result_bytes=MIB, row_bytes=512),
            declaring("gather"),
            {},
            [("gather", 8 * MIB, MIB, 0, 512)],
        ),
        (replace(MEMORY, shares_memory=True), INFO, {}, []),
        (replace(MEMORY, payload_bytes=0), INFO, {}, []),
        (MEMORY, replace(INFO, epochs=True), {}, []),  # another trial may tell of batches
        (LOADER, INFO, {}, [("copy", 8 * MIB, 8 * MIB, MIB // 4, 0)]),
        (LOADER, INFO, {"shuffle": False}, [("copy", 8 * MIB, 8 * MIB, MIB // 4, 0)]),
        (LOADER, INFO, {"shuffle": True}, [("gather", 8 * MIB, 8 * MIB, MIB // 4, 8192)]),
        (LOADER, INFO, {"num_workers": 2}, [("handover", 8 * MIB, 8 * MIB, MIB // 4, 0)]),
        (LOADER, replace(INFO, trains=True), {}, [("", 8 * MIB, 8 * MIB, MIB // 4, 0)]),
        (replace(LOADER, page_cache=COLD), INFO, {}, [("disk_sequential", 8 * MIB, 0, 0, 0)]),
        (
            replace(LOADER, page_cache=COLD),
            INFO,
            {"shuffle": True},
            [("disk_random", 8 * MIB, 0, 0, 8192), ("disk_sequential", 8 * MIB, 0, 0, 0)],
        ),
        (
            replace(LOADER, page_cache=COLD),
            INFO,
            {"shuffle": True, "num_workers": 2},
            [("", 8 * MIB, 0, 0, 0)],
        ),
    ],
)
def test_what_a_trial_tells_of_it(
    one: Trial, info: ScenarioInfo, parameters: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert [
        (one.kind, one.read_bytes, one.written_bytes, one.block_bytes, one.piece_bytes)
        for one in work(one, info, **parameters)
    ] == expected


def test_threads_are_those_of_the_trial_and_workers_have_one_each() -> None:
    two = replace(MEMORY, threads=2)
    assert work(two)[0].threads == 2
    (handed,) = work(two, num_workers=2)
    assert (handed.threads, handed.workers) == (1, 2)


@pytest.mark.parametrize(
    ("size", "rounded"),
    [(1, 1), (7, 7), (65536, 65536), (65600, 65536), (MIB + MIB // 5, MIB + MIB // 4)],
)
def test_about_equal_sizes_have_one_ceiling(size: int, rounded: int) -> None:
    one = Work("copy", size, size).rounded()
    assert (one.read_bytes, one.written_bytes) == (rounded, rounded)
    assert one.rounded() == one


@pytest.mark.parametrize("size", [4096, 100_000, 33_333_333, 2**30 - 1])
def test_no_size_is_far_from_its_ceiling_s_and_a_cast_keeps_its_proportion(size: int) -> None:
    one = Work("cast", size, 4 * size).rounded()
    assert one.read_bytes == pytest.approx(size, rel=1 / 8)
    assert one.written_bytes == 4 * one.read_bytes
