"""How often is memory called heavier by chance?

``python -m harness.selfcheck.memory_false_alarms`` counts.

Suites are simulated in which nothing changed, of several kinds of noise, and judged by the code
that judges real ones, with every further look that it asks for: in pairs, as ``ab`` measures them,
and against a baseline, as the script for CI does. Then one case is made heavier. Everything is
seeded; it takes some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.table import Table

from harness.comparison import counted
from harness.comparison.sides import Match, MeasuredCase, Side
from harness.comparison.tolerance import Tolerance
from harness.comparison.verdicts import Finding
from harness.console import out
from harness.host.environment import Environment
from harness.schema.records import Case, Ledger, Outcome, PlannedCase, Rss, Trial
from harness.selfcheck.count import Count
from harness.selfcheck.simulated_noise import MEMORY_NOISE, Noise
from harness.units import MIB

SEED = 20260601
CASES = 24
PAYLOAD = 16 * MIB
BASES = 10
"""Readings of a baseline."""
FIRST_PAIRS = 3
MOST_LOOKS = 20
LONGEST = BASES + 2 * MOST_LOOKS
"""Processes of one case."""
TOLERANCE = Tolerance()


@dataclass(frozen=True)
class Plant:
    """What the candidate has more, in the first case of a suite."""

    peak_bytes: int = 0
    left_bytes: int = 0


NOTHING = Plant()
PLANTS = {"5% more": Plant(peak_bytes=PAYLOAD // 20), "1 MiB leaked": Plant(left_bytes=MIB)}


@dataclass
class Simulated:
    """One case, measured process after process, on whichever side.

    Args:
        noise: what each process takes more than the data.
        plant: what those of the candidate have beside it.
    """

    noise: Iterator[float]
    plant: Plant
    base: list[Trial] = field(default_factory=list)
    candidate: list[Trial] = field(default_factory=list)

    def measure_base(self) -> None:
        self.base.append(self._trial(NOTHING, len(self.base)))

    def measure_candidate(self) -> None:
        self.candidate.append(self._trial(self.plant, len(self.candidate)))

    def measure_pair(self, *, base_first: bool, again: bool) -> None:
        number = len(self.base)
        for is_base in (base_first, not base_first):
            trial = self._trial(NOTHING if is_base else self.plant, number, again=again)
            (self.base if is_base else self.candidate).append(trial)

    def _trial(self, plant: Plant, number: int, *, again: bool = False) -> Trial:
        left = plant.left_bytes
        peak = round(PAYLOAD + next(self.noise)) + plant.peak_bytes + left
        ledger = Ledger(
            before=Rss(),
            peak_extra_bytes=peak,
            peak=Rss(anon_bytes=peak),
            retained=Rss(anon_bytes=left),  # never more than the peak, whatever the noise
            left=Rss(anon_bytes=left),
            source="simulated",
            split_source="simulated",
        )
        return Trial(
            outcome=Outcome("ok"), payload_bytes=PAYLOAD, ledger=ledger,
            case=0, kind="memory", round=number, again=again,
        )  # fmt: skip

    def both(self) -> tuple[MeasuredCase, MeasuredCase]:
        base, candidate = (
            MeasuredCase(_PLANNED, Outcome("ok"), tuple(trials))
            for trials in (self.base, self.candidate)
        )
        return base, candidate


_PLANNED = PlannedCase(Case("simulated", "case", {}))
_ENVIRONMENT = Environment.__new__(Environment)
"""Nothing is asked of it."""


def suite_of(noise: Noise, plant: Plant, rng: np.random.Generator) -> list[Simulated]:
    """Cases of which the first has what is planted."""
    return [
        Simulated(iter(noise(rng, LONGEST).tolist()), NOTHING if index else plant)
        for index in range(CASES)
    ]


def judged_in_pairs(suite: Sequence[Simulated], rng: np.random.Generator) -> list[bool]:
    """Which cases ``ab`` calls heavier."""
    for case in suite:
        for _ in range(FIRST_PAIRS):
            case.measure_pair(base_first=bool(rng.integers(2)), again=False)
    for _ in range(MOST_LOOKS):
        for key in counted.unconfirmed(dict(enumerate(c.both() for c in suite)), TOLERANCE):
            suite[key].measure_pair(base_first=bool(rng.integers(2)), again=True)
    return _heavier(counted.of_pairs(_match(suite), _keys(suite), TOLERANCE))


def judged_against_baseline(suite: Sequence[Simulated], rng: np.random.Generator) -> list[bool]:
    """Which cases the script for CI calls heavier: one reading, then more of what is suspect."""
    for case in suite:
        for _ in range(BASES):
            case.measure_base()
        case.measure_candidate()
    for _ in range(MOST_LOOKS - 1):
        found = counted.of_runs_apart(_match(suite), _keys(suite), TOLERANCE)
        suspects = [key for key, some in found.items() if any(one.further for one in some)]
        if not suspects:
            break
        for key in suspects:
            suite[int(key)].measure_candidate()
    return _heavier(counted.of_runs_apart(_match(suite), _keys(suite), TOLERANCE))


WAYS = {"in pairs (ab)": judged_in_pairs, "against a baseline": judged_against_baseline}


def _keys(suite: Sequence[Simulated]) -> list[str]:
    return [str(index) for index in range(len(suite))]


def _match(suite: Sequence[Simulated]) -> Match:
    both = [case.both() for case in suite]
    base, candidate = (
        Side(name, _ENVIRONMENT, {str(index): pair[which] for index, pair in enumerate(both)})
        for which, name in enumerate(("base", "candidate"))
    )
    return Match(base, candidate)


def _heavier(found: dict[str, list[Finding]]) -> list[bool]:
    return [any(one.word == "heavier" for one in some) for some in found.values()]


def counts(way: str, noise: Noise, plant: Plant, suites: int) -> tuple[Count, Count]:
    """Suites in which the planted case was found, and in which any other was called heavier."""
    rng = np.random.default_rng(SEED)
    found, false = Count(of=suites), Count(of=suites)
    for _ in range(suites):
        first, *others = WAYS[way](suite_of(noise, plant, rng), rng)
        found.found += first
        false.found += any(others) or (first and plant == NOTHING)
    return found, false


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", type=int, default=1000, help="of each kind of noise")
    parser.add_argument("--planted", type=int, default=200, help="the same, with a heavier case")
    chosen = parser.parse_args(arguments)
    for way in WAYS:
        table = Table(title=f"Simulated, {CASES} cases, {way}", title_justify="left")
        table.add_column("noise", no_wrap=True)
        table.add_column("suites falsely called heavier", no_wrap=True)
        for name in PLANTS:
            table.add_column(f"{name}: found", justify="right")
        for name, noise in MEMORY_NOISE.items():
            _, false = counts(way, noise, NOTHING, chosen.suites)
            powers = [counts(way, noise, plant, chosen.planted)[0] for plant in PLANTS.values()]
            table.add_row(name, false.text(), *(power.share() for power in powers))
        out.print(table)


if __name__ == "__main__":
    main()
