"""Real trials of loaders that read files: cold and warm, training, and the memory of mappings."""

from __future__ import annotations

import mmap
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.host.host import Host
from harness.schema.records import Effort, Trial
from harness.selfcheck.planted import _folder_on_disk, write_file
from harness.trial.base.request import BoundStrategy
from harness.trial.meters.allocated import ACCURATE_BYTES
from harness.trial.meters.page_cache import evict, read_through, resident
from harness.trial.timing.epochs import Fetched, Loader, stepped_epoch
from harness.trial.timing.timed_calls import is_lazy
from tests.journals import planned, write_run
from tests.lab import Lab
from tests.trial.files import scenario

FILE = Path(__file__).with_name("files.py")
PAGE = mmap.PAGESIZE
MIB = 1024**2
SIZE = 8 * MIB
EPOCHS = Effort(trials=1, steady_s=0.001, min_samples=3)


@pytest.fixture
def lab(host: Host, scratch: Path) -> Lab:
    return Lab(host, scratch, FILE, "files")


@pytest.fixture
def cold(scratch: Path) -> None:
    """Only where there is a disk: files in memory cannot be evicted."""
    probe = scratch / "evicted?"
    write_file(probe, 65536)
    if evict(probe):
        pytest.skip(f"{scratch} is in memory; a disk would be at {_folder_on_disk()}")


def point(**changed: Any) -> dict[str, Any]:
    return {"size": SIZE, "page_cache": "warm", "learns": "yes", **changed}


def record_of(lab: Lab, strategy: str, kind: str = "time", **changed: Any) -> dict[str, Any]:
    observe: Any = {"memory": "peak", "tree": "tree"}.get(kind, "")
    return lab.record(strategy, kind=kind, observe=observe, effort=EPOCHS, **point(**changed))


def ok(record: dict[str, Any]) -> dict[str, Any]:
    assert record["outcome"]["name"] == "ok", record["outcome"]
    return record


def made_by(lab: Lab, **changed: Any) -> Path:
    return Path(lab.inputs(point(**changed))).with_suffix(".files") / "data.npy"


# Paths


def test_a_file_is_an_input_with_all_of_its_bytes(lab: Lab) -> None:
    record = ok(record_of(lab, "loads", "memory"))
    assert record["payload_bytes"] == SIZE + 128 + SIZE // 1024
    assert made_by(lab).stat().st_size == SIZE + 128


def test_inputs_that_are_made_a_second_time_for_another_run_do_not_meet_the_first(
    lab: Lab, tmp_path: Path
) -> None:
    other = Lab(lab.host, tmp_path, FILE, "files")
    assert made_by(other) != made_by(lab)


# Memory


def test_pages_of_a_mapped_file_are_file_pages_and_no_copies(lab: Lab) -> None:
    """What a quarter of the file takes as well, is the interpreter's own."""
    part = ok(record_of(lab, "maps", "memory", size=SIZE // 4))["ledger"]
    ledger = ok(record_of(lab, "maps", "memory"))["ledger"]
    assert ledger["peak"]["file_bytes"] == pytest.approx(SIZE, rel=0.05)
    assert ledger["peak"]["anon_bytes"] - part["peak"]["anon_bytes"] < SIZE / 50
    assert ledger["left"]["file_bytes"] < SIZE / 20


def test_a_file_that_is_loaded_is_a_copy_and_touching_adds_nothing(lab: Lab) -> None:
    ledger = ok(record_of(lab, "loads", "memory"))["ledger"]
    assert ledger["peak"]["anon_bytes"] == pytest.approx(SIZE, abs=ACCURATE_BYTES)
    assert ledger["peak"]["file_bytes"] < SIZE / 20


def test_a_batch_of_a_mapping_shares_the_files_memory(lab: Lab) -> None:
    assert ok(record_of(lab, "maps", "memory"))["shares_memory"] is True
    assert ok(record_of(lab, "loads", "memory"))["shares_memory"] is False


def test_the_tree_has_the_pages_that_were_touched_and_none_of_the_check(lab: Lab) -> None:
    grown = ok(record_of(lab, "maps", "tree"))["tree"]
    assert grown["peak"]["pss"]["anon_bytes"] < SIZE / 4
    assert max(s["pss"]["file_bytes"] for s in grown["course"]) > SIZE * 0.8
    loaded = ok(record_of(lab, "loads", "tree"))["tree"]
    assert loaded["peak"]["pss"]["anon_bytes"] == pytest.approx(SIZE, abs=SIZE / 4)


# Page cache


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("kind", ["time", "memory", "tree"])
def test_cold_is_cold_and_every_epoch_reads_the_disk(kind: str, lab: Lab) -> None:
    read_through(made_by(lab, page_cache="cold"))
    record = ok(record_of(lab, "loads", kind, page_cache="cold"))
    found = record["page_cache"]
    assert found["state"] == "cold"
    assert found["before_bytes"] == 0
    assert found["file_bytes"] == SIZE + 128
    assert found["after_bytes"] > 0.99 * SIZE
    steady = record["loading"]["steady"] if kind == "time" else []
    assert found["epochs"] == 1 + len(steady)
    if kind == "time":
        assert len(record["loading"]["rebuilds_s"]) == len(steady) >= 2
        for epoch, made_s, total_s in zip(
            steady, record["loading"]["rebuilds_s"], record["timing"]["samples_s"], strict=True
        ):
            assert total_s == pytest.approx(sum(epoch.values()) + made_s)


@pytest.mark.parametrize("kind", ["time", "memory", "tree"])
def test_warm_is_warm(kind: str, lab: Lab) -> None:
    file = made_by(lab)
    evict(file)
    record = ok(record_of(lab, "maps", kind))
    assert record["page_cache"]["state"] == "warm"
    assert record["page_cache"]["before_bytes"] > 0.99 * SIZE
    assert resident(file) > 0.99 * SIZE
    if kind == "time":
        assert record["loading"]["rebuilds_s"] == []


@pytest.mark.usefixtures("cold")
def test_a_mapping_that_a_strategy_keeps_makes_cold_epochs_impossible(lab: Lab) -> None:
    record = record_of(lab, "keeps_the_mapping", page_cache="cold")
    assert record["outcome"]["name"] == "skipped"
    assert "100% of 8 MiB stayed in memory" in record["outcome"]["reason"]
    assert record["timing"]["samples_s"] == []


@pytest.mark.usefixtures("cold")
def test_a_mapping_that_is_dropped_with_its_loader_does_not(lab: Lab) -> None:
    assert ok(record_of(lab, "maps", page_cache="cold"))["page_cache"]["before_bytes"] == 0


@pytest.mark.usefixtures("cold")
def test_copies_that_setup_makes_are_evicted_along(lab: Lab) -> None:
    record = ok(record_of(lab, "reads_its_copy", page_cache="cold"))
    *_, seen = record["warnings"]
    assert seen == "0 0"
    assert record["page_cache"]["file_bytes"] == 2 * (SIZE + 128)
    # Half of the files were read: the copy.
    assert record["page_cache"]["after_bytes"] == pytest.approx(SIZE, rel=0.01)


# Batches that map a file


@pytest.mark.usefixtures("cold")
@pytest.mark.parametrize("fetched", [True, False])
def test_what_a_batch_maps_is_read_before_the_step(fetched: bool, tmp_path: Path) -> None:
    file = tmp_path / "rows.bin"
    write_file(file, 64 * PAGE)
    evict(file)
    with file.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_RANDOM)  # without reading ahead
    rows = np.frombuffer(mapped, np.uint8).reshape(64, PAGE)
    seen: list[int] = []
    loader = Loader(lambda: [rows[start : start + 16] for start in range(0, 64, 16)])
    stepped_epoch(
        Fetched(loader) if fetched else loader,
        lambda batch: seen.append(resident(file) // PAGE),
        time.perf_counter_ns,
        0.0,
    )
    assert seen == ([16, 32, 48, 64] if fetched else [0, 0, 0, 0])


def test_batches_that_map_a_file_are_told_from_those_that_hold_it(tmp_path: Path) -> None:
    file = tmp_path / "with spaces.npy"
    np.save(file, np.ones((64, 1024), np.float32))
    (tmp_path / "link.npy").symlink_to(file)
    function = scenario.strategies["maps"].function
    for path in (file, tmp_path / "link.npy"):
        work = prepared(path)
        (first, *_) = function(path, None)
        assert is_lazy(work, first)
        assert not is_lazy(work, first.clone())
        assert not is_lazy(prepared(tmp_path / "other.npy"), first)


def prepared(path: Path) -> BoundStrategy:
    return BoundStrategy(scenario.strategies["maps"], (path,), (path, None), {}, (path,))


# The folder of a strategy


def test_the_folder_of_a_strategy_is_empty_before_setup_and_first_call(lab: Lab) -> None:
    found = ok(record_of(lab, "finds_its_folder", kind="memory"))
    assert found["warnings"] == ["PosixPath, 0 files, then 1"]  # warm-up and first call alike


# Training


def test_losses_are_summed_up_and_the_step_is_a_phase(lab: Lab) -> None:
    record = ok(record_of(lab, "loads"))
    batches = record["loading"]["batches"]
    epochs = 1 + len(record["loading"]["steady"])
    training = record["training"]
    assert training["steps"] == batches * epochs
    quarter = batches // 4
    first = [1 / step for step in range(1, quarter + 1)]
    last = [1 / step for step in range(batches * epochs - quarter + 1, batches * epochs + 1)]
    assert training["first_loss"] == pytest.approx(sum(first) / quarter)
    assert training["last_loss"] == pytest.approx(sum(last) / quarter)
    for epoch in (record["loading"]["first"], *record["loading"]["steady"]):
        assert epoch["step_s"] > 0


def test_a_step_whose_loss_goes_up_is_wrong(lab: Lab) -> None:
    record = record_of(lab, "loads", learns="no")
    assert record["outcome"]["name"] == "wrong"
    assert record["outcome"]["kind"] == "no learning"
    assert record["outcome"]["reason"].startswith("it does not learn: the loss was ")
    assert record["training"]["last_loss"] > record["training"]["first_loss"]


def test_a_step_without_losses_is_not_judged(lab: Lab) -> None:
    record = ok(record_of(lab, "loads", learns="nothing"))
    assert record.get("training") is None
    assert record["loading"]["steady"][0]["step_s"] > 0


@pytest.mark.parametrize("kind", ["memory", "tree"])
def test_nothing_is_trained_where_memory_is_measured(kind: str, lab: Lab) -> None:
    record = ok(record_of(lab, "counts_its_steps", kind))
    assert set(record["warnings"]) == {"0 []"}
    assert "training" not in record


def test_the_warm_up_has_a_step_of_its_own_and_the_check_takes_none(lab: Lab) -> None:
    record = ok(record_of(lab, "counts_its_steps"))
    # Of tiny inputs there is but one batch; the losses show that the real step began anew.
    assert record["warnings"] == ["0 []", "1 [1]"]
    epochs = 1 + len(record["loading"]["steady"])
    assert record["training"]["steps"] == record["loading"]["batches"] * epochs


# The record


@pytest.mark.usefixtures("cold")
def test_what_is_recorded_comes_back_from_a_journal(lab: Lab, tmp_path: Path) -> None:
    from harness.journal.read import read_journal

    record = ok(record_of(lab, "loads", page_cache="cold"))
    fields = {"case": 0, "kind": "time", "round": 1, **record}
    trial = msgspec.convert(fields, Trial)
    path = write_run(tmp_path / "run.jsonl", [planned("loads")], [trial])
    (back,) = read_journal(path).trials
    assert back == trial
    assert back.training is not None
    assert back.page_cache is not None
    assert back.loading is not None
    assert back.loading.rebuilds_s


# Failures


def test_a_trial_that_is_killed_is_named(lab: Lab) -> None:
    outcome = lab.outcome("is_killed", kind="time", **point())
    assert outcome.name == "crash"
    assert "SIGKILL" in outcome.reason


def test_a_disk_that_fills_up_is_an_outcome(lab: Lab) -> None:
    outcome = lab.outcome("fills_the_disk", kind="time", **point())
    assert (outcome.name, outcome.kind) == ("error", "disk full")
