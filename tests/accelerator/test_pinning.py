"""When pinning pays, where it is known when; all figures are planted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.analysis.pinning import Pinning, pays_from, pinning_sentences, pinnings
from harness.analysis.sweep import Sweep, sweep
from harness.cases.summaries import summaries
from tests.accelerator.device_runs import (
    FIRST_PIN,
    PAGEABLE,
    PINNED,
    SIZES,
    device_run,
    first_seconds,
    seconds,
)
from tests.journals import MIB


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    run = device_run(tmp_path_factory.mktemp("device"))
    return sweep(run.header.scenarios[0], summaries(run))


def test_costs_and_savings_are_told_at_every_size(sending: Sweep) -> None:
    found = pinnings(sending)
    assert [one.size_bytes for one in found] == list(SIZES)
    for one in found:
        size = one.size_bytes
        assert one.saved_s == pytest.approx(size / PAGEABLE - size / PINNED)
        assert one.first_pin_s == pytest.approx(first_seconds("pin_memory", size))
        assert one.kept_pin_s == pytest.approx(seconds("pin_memory", size))


def test_pinning_once_pays_after_so_many_transfers() -> None:
    assert Pinning(MIB, 3.0, 1.0, 7.0, 1.0).transfers == 4
    assert Pinning(MIB, 3.0, 1.0, 8.0, 1.0).transfers == 4
    assert Pinning(MIB, 1.0, 1.0, 8.0, 1.0).transfers == math.inf
    assert Pinning(MIB, 1.0, 2.0, 8.0, 1.0).transfers == math.inf


def test_pinning_as_one_goes_pays_from_the_size_at_which_the_lines_cross(sending: Sweep) -> None:
    # 3 · 10 µs + x/12 + x/40 against 10 µs + x/5, in GB/s: they cross at about 0.2 MB.
    size = next(
        size for size in SIZES if seconds("pin_then_to", size) < seconds("pageable_to", size)
    )
    assert size == MIB
    assert pays_from(sending) == {"pin_then_to": MIB}


def test_what_is_slower_at_the_largest_size_never_pays(sending: Sweep) -> None:
    rows = [
        replace(row, ratio=replace(row.ratio, median=2.0, low=1.9, high=2.1))
        if row.strategy == "pin_then_to" and row.size_bytes == SIZES[-1]
        else row
        for row in sending.main
    ]
    assert pays_from(replace(sending, main=tuple(rows))) == {"pin_then_to": None}


def test_sentences_give_the_numbers(sending: Sweep) -> None:
    said = " ".join(pinning_sentences(sending))
    assert "`pin_then_to` is faster than `pageable_to` from 1 MiB on." in said
    first_s = first_seconds("pin_memory", 64 * MIB)
    times = math.ceil(first_s / (64 * MIB / PAGEABLE - 64 * MIB / PINNED))
    assert f"it pays off after {times} transfers" in said
    assert first_s > 64 * MIB / FIRST_PIN


def test_where_pinned_memory_is_no_faster_that_is_said(sending: Sweep) -> None:
    rows = [
        replace(row, steady=replace(row.steady, median=1.0)) if row.group == "pinned" else row
        for row in sending.main
    ]
    said = pinning_sentences(replace(sending, main=tuple(rows)))
    assert sum("saves nothing" in sentence for sentence in said) == len(SIZES)


def test_the_other_direction_says_nothing_of_pinning(sending: Sweep) -> None:
    assert pinning_sentences(replace(sending, info=replace(sending.info, transfers="from"))) == ()
