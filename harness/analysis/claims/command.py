"""The command that would decide a claim, and about how long it takes."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.claims.declared import Claim, Part, names
from harness.analysis.claims.metrics import METRICS
from harness.cases.summary import CaseSummary
from harness.errors import UsageError
from harness.planning.command import scenario_option
from harness.planning.plan import Request, expand
from harness.schema.description import ScenarioInfo
from harness.schema.records import Value
from harness.units import format_duration

TRIAL_S = {False: 1.0, True: 3.0}
"""What a trial is taken to last where none like it was seen, without a device and with one."""
START_S = 5.0
"""Of an interpreter, with torch."""
BETWEEN = 1.2
"""What a run takes for each second in its trials, with making inputs and beginning rounds."""
REPEATS = 8
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
    claim: Claim,
    rows: Sequence[CaseSummary],
    infos: Sequence[ScenarioInfo],
    trials: int,
    *,
    memory_again: bool,
) -> Deciding | None:
    """What to run for a claim; None where nothing that can be run decides it.

    Args:
        claim: that is undecided.
        rows: of the run, whose trials say how long such trials last.
        infos: its scenarios, where what a quick sweep varies beside is told not to vary.
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
    own = [info for info in infos if any(one.startswith(f"{info.name}/") for one in targets)]
    for info in own:
        sets |= {name: {value: None} for name, value in _held(info, targets, sets)}
    words = ["ferrybench", "run", "--quick", *targets]
    words += [word for info in own for word in scenario_option(info)]
    for name, chosen in sets.items():
        words += ["--set", f"{name}={','.join(chosen)}"]
    if any(METRICS[part.metric].kind != "limit" for part in claim.parts):
        words += ["--trials", str(trials)]
    if memory_again:
        words += ["--memory-trials", str(REPEATS)]
    each = trials + (REPEATS if memory_again else 2)
    takes_s = 0.0
    for target, count in _counted(targets, sets, own).items():
        takes_s += count * each * _trial_s(target, rows, device=claim.device)
    return Deciding(shlex.join(words), START_S + BETWEEN * takes_s)


def _held(
    info: ScenarioInfo, targets: Iterable[str], sets: Container[str]
) -> Iterator[tuple[str, str]]:
    """Parameters that a quick sweep would vary beside, with the value that they are to keep."""
    chosen = [one for one in info.strategies if f"{info.name}/{one.name}" in {*targets}]
    for name, parameter in info.parameters.items():
        if name in sets or parameter.axis or len(parameter.values("quick")) < 2:
            continue
        if not any(name in one.at for one in chosen):
            yield name, str(parameter.default)


def _counted(
    targets: Iterable[str], sets: Mapping[str, Iterable[str]], infos: Sequence[ScenarioInfo]
) -> Mapping[str, int]:
    """How many cases the command has, by strategy; guessed where the run does not know it.

    A run may be older than the claim, and its scenarios have other strategies and parameters.
    """
    counts = dict.fromkeys(targets, math.prod(len([*values]) for values in sets.values()))
    known = {f"{info.name}/{one.name}" for info in infos for one in info.strategies}
    own = tuple(one for one in counts if one in known)
    if not own:
        return counts
    overrides = {name: tuple(values) for name, values in sets.items()}
    try:
        planned = expand(infos, Request(own, "quick", overrides))
    except UsageError:
        return counts
    cases = Counter(f"{one.case.scenario}/{one.case.strategy}" for one in planned)
    return {**{one: count for one, count in counts.items() if one not in own}, **cases}


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
