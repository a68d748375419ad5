"""Why strategies are slower or faster than the baseline, as a run's own experiments say it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.sweep import Sweep
from harness.analysis.why import reasons, why_texts
from harness.stats.attribution import LEAST_ROUNDS
from harness.units import plural


@dataclass(frozen=True)
class Reasons:
    """What experiments say of the differences from the baseline."""

    lines: tuple[tuple[str, str], ...]  # the slower strategy, and why
    undecided: str  # how many experiments say nothing, and what they lack; "" where all do


def explained(sweep: Sweep) -> Reasons | None:
    """The experiments of a scenario at its reference size; None where there are none."""
    found = reasons(sweep)
    if not found:
        return None
    lines = tuple(why_texts(found))
    open_ones = [why for why in found if why.found.word == "undecided"]
    few = [why for why in open_ones if why.found.rounds < LEAST_ROUNDS]
    text = ""
    if open_ones:
        text = f"{plural(len(open_ones), 'experiment')} undecided"
        if few:
            text += f", {len(few)} of them for want of rounds: --trials {LEAST_ROUNDS} or more"
    return Reasons(lines, text)
