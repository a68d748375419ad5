"""Runs of transfers made by hand, whose figures are planted and were measured nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.schema.description import ScenarioInfo
from harness.schema.records import (
    Case,
    Ceiling,
    DeviceMemory,
    DeviceTiming,
    Outcome,
    Overlap,
    PlannedCase,
    Timing,
    Trial,
)
from tests.journals import MIB, ceiling, parameter, scenario, strategy, trial, write_run

SIZES = (64 * 1024, 1 * MIB, 64 * MIB)
LINK = 50e9
"""Bytes a second that the planted link gives at best."""
CEILINGS = (
    ceiling("copy", 10e9),
    Ceiling("device_to", 1, 64 * MIB, LINK),
    Ceiling("device_from", 1, 64 * MIB, 40e9),
    Ceiling("device_both", 1, 64 * MIB, 80e9),
    Ceiling("device_copy", 1, 64 * MIB, 2e12),
)
SETUP_S = 10e-6
PAGEABLE, PINNED = 5e9, 40e9  # bytes a second
STAGING = 12e9
FIRST_PIN = 2e9
STRATEGIES = {
    "pageable_to": "pageable",
    "pin_then_to": "pageable",
    "pinned_to": "pinned",
    "pin_memory": "pin",
    "there_already": "kept there",
}


def transfers(direction: str = "to") -> ScenarioInfo:
    """A scenario of the shape of the built-in one."""
    made = scenario(
        tuple(
            replace(
                strategy(name, group=group, shares=None, names=("data",)),
                on_device=True,
                crosses=0.0 if group in ("pin", "kept there") else 1.0,
            )
            for name, group in STRATEGIES.items()
        ),
        {"size": parameter(MIB, *SIZES, axis=True)},
        name="sending",
        baseline="pageable_to",
    )
    return replace(made, transfers="to" if direction == "to" else "from")


def seconds(name: str, size: int) -> float:
    """Steady state of a planted strategy: a fixed cost, and the data at its rate."""
    staged = size / STAGING
    return {
        "pageable_to": SETUP_S + size / PAGEABLE,
        "pin_then_to": 3 * SETUP_S + staged + size / PINNED,
        "pinned_to": SETUP_S + size / PINNED,
        "pin_memory": 2 * SETUP_S + staged,
        "there_already": SETUP_S,
    }[name]


def first_seconds(name: str, size: int) -> float:
    return 2 * seconds(name, size) + (size / FIRST_PIN if name == "pin_memory" else 0.0)


def timed(
    index: int,
    number: int,
    done_s: float,
    *,
    first_s: float = 1.0,
    payload: int = MIB,
    blocked: float = 0.25,
    overlaps: tuple[Overlap, ...] = (),
    events: bool = True,
    note: str = "",
) -> Trial:
    """A trial whose calls block the host for a share of their time."""
    one = trial(index, number, done_s, first_s=first_s, payload=payload, shares=None)
    samples = (done_s,) * 4 if one.kind == "time" else ()
    return replace(
        one,
        timing=Timing(first_s, samples, 1, True, 0.0),
        device_timing=DeviceTiming(
            device="cuda",
            first_blocked_s=first_s / 2,
            first_event_s=first_s if events else None,
            context_s=0.25,
            empty_s=5e-6,
            blocked_s=tuple(blocked * one for one in samples),
            events_s=tuple(0.9 * one for one in samples) if events else (),
            overlaps=overlaps,
            note=note,
        ),
    )


def remembered(one: Trial, size: int, pinned: int | None, used: int | None = 0) -> Trial:
    """The trial that read memory: twice the data at the peak, once while the result is alive."""
    taken = None if pinned is None else 1 << max(0, pinned - 1).bit_length() if pinned else 0
    return replace(
        one,
        device_memory=DeviceMemory(
            setup_allocated_bytes=0,
            peak_allocated_bytes=2 * size,
            peak_reserved_bytes=3 * size,
            retained_allocated_bytes=size,
            retained_reserved_bytes=3 * size,
            left_allocated_bytes=0,
            left_reserved_bytes=3 * size,
            emptied_reserved_bytes=0,
            context_bytes=None if used is None else 500 * MIB,
            retained_used_bytes=None if used is None else 3 * size,
            left_used_bytes=None if used is None else 3 * size,
            emptied_used_bytes=used,
            pinned_asked_bytes=pinned,
            pinned_taken_bytes=taken,
            source="planted",
            used_source="planted",
        ),
    )


def device_run(folder: Path, direction: str = "to", rounds: int = 3) -> Run:
    """Every strategy at every size, one that is wrong, and one that was skipped."""
    info = transfers(direction)
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for name in STRATEGIES:
        for size in SIZES:
            index = len(cases)
            planned = PlannedCase(
                Case("sending", name, {"size": size}), name == "pageable_to", on_device=True
            )
            cases.append(planned)
            done_s, first_s = seconds(name, size), first_seconds(name, size)
            hidden = 0.0 if name == "pageable_to" else 1.0
            both_s = 2 * done_s - hidden * done_s
            overlaps = (Overlap(done_s, done_s, both_s),) * 3
            pinned = 0 if name == "pageable_to" else size
            for number in range(rounds + 1):
                one = timed(
                    index,
                    number,
                    done_s,
                    first_s=first_s,
                    payload=size,
                    overlaps=overlaps if number else (),
                )
                trials.append(one if number else remembered(one, size, pinned))
    path = write_run(folder / "device.jsonl", cases, trials, infos=[info], ceilings=CEILINGS)
    return read_journal(path)


def skipped_run(folder: Path, reason: str) -> Run:
    """The same plan where there is no device."""
    info = transfers()
    cases = [
        PlannedCase(Case("sending", name, {"size": size}), name == "pageable_to", skip=reason)
        for name in STRATEGIES
        for size in SIZES
    ]
    return read_journal(write_run(folder / "skipped.jsonl", cases, [], infos=[info]))


def failed(one: Trial, reason: str) -> Trial:
    return replace(one, outcome=Outcome("wrong", reason), timing=None, device_timing=None)
