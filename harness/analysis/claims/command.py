"""The command that would decide a claim, and about how long it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.claims.declared import Claim, Part, names
from harness.cases.summary import CaseSummary
from harness.schema.records import Value
from harness.units import format_duration

TRIAL_S = {False: 1.0, True: 3.0}
"""What a trial is taken to last where none like it was seen, without a device and with one."""
START_S = 5.0
"""Of an interpreter, with torch."""
REPEATS = 7
"""Times that memory is measured where one reading says too little."""


@dataclass(frozen=True)
class Deciding:
    """A command, and seconds that it is expected to take."""

    text: str
    takes_s: float

    @property
    def duration(self) -> str:
        """How long, in words."""
        return f"about {format_duration(self.takes_s)}"


def deciding(
    claim: Claim, rows: Sequence[CaseSummary], trials: int, *, memory_again: bool
) -> Deciding | None:
    """What to run for a claim; None where nothing that can be run decides it.

    Args:
        claim: that is undecided.
        rows: of the run, whose trials say how long such trials last.
        trials: processes that measure time, for each case.
        memory_again: memory must be measured in several processes, too.
    """
    if not claim.parts:
        return None
    targets: dict[str, None] = {}
    sets: dict[str, dict[str, None]] = {}
    for part in claim.parts:
        scenario = part.scenario or claim.scenario
        for name in (*names(part.of), *names(part.against)):
            targets[f"{scenario}/{name}"] = None
        for name, values in _values(part).items():
            sets.setdefault(name, {}).update(dict.fromkeys(map(str, values)))
    words = ["ferrybench run", *targets]
    words += [f"--set {name}={','.join(values)}" for name, values in sets.items()]
    if any(part.metric not in ("largest size", "can be caught") for part in claim.parts):
        words.append(f"--trials {trials}")
    if memory_again:
        words.append(f"--memory-trials {REPEATS}")
    grid = math.prod(len(values) for values in sets.values())
    each = trials + (REPEATS if memory_again else 2)
    takes_s = sum(_trial_s(target, rows, device=claim.device) for target in targets) * grid * each
    return Deciding(" ".join(words), START_S + takes_s)


def _values(part: Part) -> Mapping[str, list[Value]]:
    """The values that parameters take in a part, as the command line writes them."""
    found: dict[str, list[Value]] = {name: list(values) for name, values in part.over.items()}
    for given in (part.where, part.against_where):
        for name, value in given.items():
            found.setdefault(name, []).append(value)
    return found


def _trial_s(target: str, rows: Sequence[CaseSummary], *, device: bool) -> float:
    """Seconds of a trial of a strategy: its own, else those of its scenario, else a guess."""
    scenario, _, strategy = target.partition("/")
    own = [row for row in rows if row.scenario == scenario]
    for some in ([row for row in own if row.strategy == strategy], own):
        times = [one.wall_s for row in some for one in row.measured]
        if times:
            return sum(times) / len(times)
    return TRIAL_S[device]
