"""The accuracy checks: they pass on the real instrument, and fail on one that is bent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.host.host import Host, Report
from harness.schema.records import MISSED, HostSpec, Ledger, Rss
from harness.schema.request import BothWaysRequest, InputsRequest, TaskRequest
from harness.selfcheck import planted
from harness.selfcheck.memory_accuracy import (
    MEMORY_TRUTHS,
    OPERATIONS,
    AccuracyCheck,
    fault_checks,
    memory_checks,
    memory_readings,
    time_checks,
)
from harness.selfcheck.planted import write_file
from harness.trial.meters.process_memory import OBSERVED_SOURCE
from harness.units import MIB

# The real instrument


@pytest.mark.parametrize("size", [MIB, 64 * MIB])
def test_memory_of_known_size_is_found_and_told_apart(host: Host, size: int) -> None:
    readings = list(memory_readings(host, sizes=(size,)))
    assert len(readings) == len(MEMORY_TRUTHS)
    off = [check for each in readings for check in each.values() if not check.ok]
    assert off == []


def test_what_an_allocator_keeps_does_not_make_the_meters_wrong() -> None:
    # GIVEN limits that glibc raises by itself as blocks are freed: by importing torch, for one
    kept = {"MALLOC_MMAP_THRESHOLD_": str(32 * MIB), "MALLOC_TRIM_THRESHOLD_": str(64 * MIB)}
    dropping = ("numpy_dropped", "numpy_dropped_asleep", "torch_dropped", "moved_to_shared")
    with Host(HostSpec("keeping", env=kept)) as host:
        readings = list(memory_readings(host, sizes=(MIB, 8 * MIB), truths=dropping))
    assert len(readings) == 2 * len(dropping)
    assert [check for each in readings for check in each.values() if not check.ok] == []


def test_file_pages_are_no_copies_even_when_unmapped_within_the_call(host: Host) -> None:
    files = ("file_kept", "file_dropped")
    found = list(memory_readings(host, sizes=(32 * MIB,), truths=files))
    assert len(found) == len(files)
    for readings in found:
        assert readings["peak"].measured == pytest.approx(32 * MIB, abs=MIB // 2)
        assert readings["copied"].truth == 0
        assert readings["copied"].measured < MIB // 2


def test_every_fresh_page_is_one_fault(host: Host) -> None:
    checks = fault_checks(host, sizes=(4 * MIB, 16 * MIB))
    assert [check.truth for check in checks] == [1024, 4096]
    assert all(check.ok for check in checks)


def test_a_wait_is_never_measured_shorter_than_it_is(host: Host) -> None:
    checks = {check.name: check for check in time_checks(host, total_s=0.05)}
    assert len(checks) == len(OPERATIONS) + 1
    fastest = checks["wait 1000 µs, as asked"]
    assert fastest.truth == 1_000_000
    assert fastest.measured > 999_000
    assert checks["wait 20 µs, by hand"].truth > 19_990


def test_operations_come_out_near_the_duration_asked_for(host: Host) -> None:
    """The loop by hand is the truth; it must not be of another order of magnitude."""
    answer = host.ask(BothWaysRequest("count", 400, 0.05))
    assert len(answer["rounds"]) > 1
    assert 100 < min(min(each["by_hand_ns"]) for each in answer["rounds"]) < 1600
    assert answer["amount"] > 1


# A bent instrument


class BentHost:
    """Answers like a host whose meters are off."""

    python = "python"

    def __init__(self, ledger: dict[str, Any] | None = None, bias_ns: float = 0) -> None:
        self.ledger = ledger
        self.bias_ns = bias_ns
        self.asked = 0

    def call(self, request: TaskRequest, timeout_s: float, *, observe: str, **_: Any) -> Report:
        assert observe, "memory is split by an observer"
        self.asked += 1
        if self.ledger is None:
            return Report(None, exit_status=-9)
        outcome = {"name": "ok", "reason": ""}
        faults = {"minor": 9.0, "major": 0.0}
        return Report({"ledger": self.ledger, "outcome": outcome, "faults_first": faults})

    def ask(self, request: TaskRequest) -> dict[str, Any]:
        if isinstance(request, InputsRequest):
            return {}
        assert isinstance(request, BothWaysRequest)
        self.asked += 1
        noise = [0.0, 300.0, 40.0, 5000.0, 0.0]
        target = request.target_ns
        rounds = [
            {
                "by_hand_ns": [target + n for n in noise],
                "stopwatch_ns": [target + self.bias_ns + n for n in reversed(noise)],
            }
            for _ in range(9)
        ]
        return {"rounds": rounds}


def bent(**options: Any) -> Host:
    return cast("Host", BentHost(**options))


def ledger(
    peak: Sequence[int],
    retained: Sequence[int] = (0, 0, 0),
    extra: int | None = None,
    source: str = OBSERVED_SOURCE,
) -> dict[str, Any]:
    peak_extra = sum(peak) if extra is None else extra
    found = Ledger(Rss(), peak_extra, Rss(*peak), Rss(*retained), Rss(), "VmHWM", source)
    return asdict(found)


S = 100 * MIB


@pytest.mark.parametrize(
    ("truth", "found", "off"),
    [
        ("numpy_kept", ledger((S, 0, 0), (S, 0, 0)), set()),
        ("numpy_kept", ledger((S + MIB - 1, 0, 0), (S, 0, 0)), set()),
        ("numpy_kept", ledger((S + MIB + 1, 0, 0), (S, 0, 0)), {"peak", "copied"}),
        ("numpy_kept", ledger((S, 0, 0), (0, 0, 0)), {"kept"}),
        ("numpy_kept", ledger((0, S, 0), (0, S, 0)), {"copied"}),
        ("file_dropped", ledger((0, S, 0)), set()),
        ("file_dropped", ledger((S, 0, 0)), {"copied"}),
        ("file_dropped", ledger((0, 0, S)), {"copied"}),
        ("file_dropped", ledger((2 * MIB, S, 0), extra=S), {"copied"}),
        ("shared_dropped", ledger((0, S, 0)), {"copied"}),
        ("moved_to_shared", ledger((S, 0, S), (0, 0, S)), set()),
        ("moved_to_shared", ledger((0, 0, S), (0, 0, S)), {"peak", "copied"}),
    ],
)
def test_memory_that_is_off_is_found(truth: str, found: dict[str, Any], off: set[str]) -> None:
    host = bent(ledger=found)
    (readings,) = memory_readings(host, sizes=(S,), truths=(truth,))
    assert {name for name, check in readings.items() if not check.ok} == off


def test_the_worst_reading_stands_for_its_truth() -> None:
    host = bent(ledger=ledger((S, 0, 0), (0, 0, 0)))
    checks = memory_checks(host, sizes=(S,))
    assert len(checks) == len(MEMORY_TRUTHS)
    assert checks[0].name == "NumPy, kept, 100 MiB: kept"
    assert checks[0].error == -S


def test_a_peak_that_was_missed_is_measured_again_and_is_off_in_the_end() -> None:
    host = BentHost(ledger=ledger((0, 0, 0), extra=S, source=MISSED))
    (readings,) = memory_readings(cast("Host", host), sizes=(S,), truths=("file_dropped",))
    assert host.asked == 3
    assert readings["peak"].ok
    assert readings["copied"].ok, "what nobody saw is not called a copy"
    (readings,) = memory_readings(cast("Host", host), sizes=(S,), truths=("numpy_dropped",))
    assert not readings["copied"].ok


def test_faults_that_are_off_are_found() -> None:
    (check,) = fault_checks(bent(ledger=ledger((0, 0, 0))), sizes=(MIB,))
    assert (check.measured, check.truth, check.ok) == (9, 256, False)


def test_a_trial_that_gives_no_answer_is_off_and_says_why() -> None:
    (check, *_) = memory_checks(bent(), sizes=(MIB,))
    assert not check.ok
    assert check.severity == math.inf
    assert check.note.startswith("SIGKILL")
    assert check.texts() == ("–", check.note, "–", "512 KiB")


@pytest.mark.parametrize(
    ("bias_ns", "off"),
    [
        (0, set()),
        (25, set()),
        (-25, set()),
        (35, {400}),
        (-35, {400}),
        (390, {400}),
        (410, {400, 20_000}),
        (-410, {400, 20_000}),
        (20_400, {400, 20_000, 1_000_000}),
    ],
)
def test_a_bias_is_found_through_noise_many_times_larger(bias_ns: float, off: set[int]) -> None:
    host = BentHost(bias_ns=bias_ns)
    checks = time_checks(cast("Host", host))
    by_hand = [check for check in checks if check.name.endswith("by hand")]
    found = {target for check, (_, target) in zip(by_hand, OPERATIONS, strict=True) if not check.ok}
    assert found == off
    assert all(check.error == pytest.approx(bias_ns) for check in by_hand)
    attempts = sum(3 if target in off else 1 for _, target in OPERATIONS)
    assert host.asked == attempts, "what is off is measured again, three times in all"


# What is shown


@pytest.mark.parametrize(
    ("check", "texts"),
    [
        (
            AccuracyCheck("x", 65 * MIB, 64 * MIB, MIB, MIB // 2, "bytes"),
            ("64 MiB", "65 MiB", "1 MiB", "512 KiB"),
        ),
        (AccuracyCheck("x", 412, 400, 12, 30, "ns"), ("400 ns", "412 ns", "12 ns", "30 ns")),
        (AccuracyCheck("x", 258, 256, 2, 16, "faults"), ("256", "258", "2", "16")),
    ],
)
def test_checks_are_shown_in_their_unit(check: AccuracyCheck, texts: tuple[str, ...]) -> None:
    assert check.texts() == texts


def test_a_missing_measurement_is_never_ok() -> None:
    assert not AccuracyCheck("x", math.nan, 0, math.nan, math.inf, "ns").ok


# The planted files


@pytest.mark.parametrize("size", [1, MIB, 3 * MIB // 2])
def test_a_planted_file_has_its_size_and_no_holes(tmp_path: Path, size: int) -> None:
    write_file(tmp_path / "file", size)
    assert (tmp_path / "file").stat().st_size == size
    assert (tmp_path / "file").read_bytes().count(0) == 0


def test_files_are_planted_where_their_pages_are_file_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mounted(kinds: dict[str, str]) -> None:
        mounts = [SimpleNamespace(mountpoint=at, fstype=kind) for at, kind in kinds.items()]
        monkeypatch.setattr("psutil.disk_partitions", lambda **_: mounts)

    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    mounted({"/": "ext4"})
    assert planted._folder_on_disk() == str(tmp_path.resolve())
    mounted({"/": "ext4", str(tmp_path.resolve()): "tmpfs"})
    assert planted._folder_on_disk() != str(tmp_path.resolve())
