"""Does a layout that is drawn vary as much as a new interpreter's?

``python -m harness.selfcheck.round_luck -o FILE [--rounds 200]`` measures calls that depend on
where memory lies, round by round, once in a trial of a new host and once in a trial that has its
layout drawn, in random order; hosts of the latter serve 50 rounds each. What FILE has already is
not measured again. The spread of the logarithms of the times is compared, and that of page faults
and of memory kept where holes are not filled: by Gini's mean difference, with intervals from rounds
drawn with replacement. Exits with 1 where the lower end of an interval of 95% is below 0.8.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from harness.console import out
from harness.errors import EXIT_OK, EXIT_WORSE
from harness.host.host import Host
from harness.schema.records import Found, HostSpec
from harness.selfcheck.planted import LUCK_FILE, planted
from harness.units import KIB, MIB

CASES = {
    "luck_of_copying": ("copied", 512 * KIB),
    "luck_of_stacking": ("stacked", 4 * MIB),
    "luck_of_loading": ("loaded", MIB),
}
NEW, DRAWN = "new interpreter", "layout drawn"
ROUNDS_A_HOST = 50
LEAST_RATIO = 0.8
STEADY_S = 0.03
_RESAMPLES = 2000

QUANTITIES: Mapping[str, Callable[[Found], float]] = {
    "first call": lambda found: math.log(found.timing.first_call_s),  # type: ignore[union-attr]
    "steady state": lambda found: math.log(found.timing.median_s),  # type: ignore[union-attr]
    "page faults": lambda found: found.faults_steady.minor,  # type: ignore[union-attr]
    "memory kept": lambda found: found.ledger.retained.anon_bytes,  # type: ignore[union-attr]
}
Reading = dict[str, Any]


def measured(rounds: Sequence[int], layout_seed: int) -> Iterator[Reading]:
    """What each case was found to be in these rounds, both ways."""
    draw = random.Random(layout_seed)
    with ExitStack() as stack:
        hosts = {way: stack.enter_context(Host(HostSpec(way))) for way in (NEW, DRAWN)}
        plantings = {way: stack.enter_context(planted(host)) for way, host in hosts.items()}
        for number in rounds:
            if number % ROUNDS_A_HOST == 0:
                hosts[DRAWN].renew()
            for way in draw.sample((NEW, DRAWN), 2):
                if way == NEW:
                    hosts[NEW].renew()
                seed = draw.getrandbits(32) if way == DRAWN else None
                for scenario, (strategy, size) in CASES.items():
                    found, _, problem = plantings[way].trial(
                        scenario,
                        strategy,
                        {"size": size},
                        kind="time",
                        steady_s=STEADY_S,
                        file=LUCK_FILE,
                        layout_seed=seed,
                    )
                    if found is None or problem:
                        raise AssertionError(f"{scenario}: {problem}")
                    values = {name: read(found) for name, read in QUANTITIES.items()}
                    yield {"way": way, "round": number, "case": scenario, **values}


def spread(values: np.ndarray) -> float:
    """Gini's mean difference: how far two of them are apart, in the mean."""
    ordered = np.sort(values)
    places = 2 * np.arange(1, len(values) + 1) - len(values) - 1
    return float(2 * places @ ordered / (len(values) * (len(values) - 1)))


def ratio_of_spreads(drawn: Sequence[float], new: Sequence[float]) -> tuple[float, float, float]:
    """The spread of layouts that were drawn, in multiples of that of new interpreters.

    Returns:
        The ratio, and the ends of an interval of 95% (percentiles of resampled rounds).
    """
    rng = np.random.default_rng(0)
    sides = [np.asarray(side) for side in (drawn, new)]

    def ratio(one: np.ndarray, other: np.ndarray) -> float:
        apart = spread(other)
        return spread(one) / apart if apart else math.nan

    resampled = [ratio(*(rng.choice(side, len(side)) for side in sides)) for _ in range(_RESAMPLES)]
    low, high = np.nanpercentile(resampled, (2.5, 97.5))
    return ratio(*sides), float(low), float(high)


def show(readings: Sequence[Reading]) -> bool:
    """Print the ratios; returns whether all are large enough."""
    enough = True
    for case in CASES:
        for quantity in QUANTITIES:
            drawn, new = (
                [one[quantity] for one in readings if one["case"] == case and one["way"] == way]
                for way in (DRAWN, NEW)
            )
            if not spread(np.asarray(new)):
                out.print(f"{case} {quantity}: the same in {len(new)} new interpreters")
                continue
            ratio, low, high = ratio_of_spreads(drawn, new)
            enough = enough and bool(low >= LEAST_RATIO)
            out.print(
                f"{case} {quantity}: {ratio:.2f} ({low:.2f} to {high:.2f}) of the spread of "
                f"{len(new)} new interpreters",
                soft_wrap=True,
            )
    return enough


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.selfcheck.round_luck")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--output", "-o", type=Path, required=True)
    options = parser.parse_args(arguments)
    lines = options.output.read_text().splitlines() if options.output.exists() else []
    readings: list[Reading] = [json.loads(line) for line in lines]
    begin = 1 + max((one["round"] for one in readings), default=-1)
    with options.output.open("a") as stream:
        for reading in measured(range(begin, options.rounds), begin + 1):
            readings.append(reading)
            stream.write(json.dumps(reading) + "\n")
            stream.flush()
    return EXIT_OK if show(readings) else EXIT_WORSE


if __name__ == "__main__":
    sys.exit(main())
