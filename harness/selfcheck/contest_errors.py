"""How often does a sweep name a winner that is none, or level what is not?

``python -m harness.selfcheck.contest_errors [--sweeps 400] [--noise NAME]`` simulates it: nothing
here is measured. Whole sweeps of 40 contests are decided and given further rounds by the code that
does so in a run, and the times are drawn. In half of the contests the fastest two are equal, so
that any winner is false; in an eighth they differ by a little more than the margin, so that level
is; in the rest by 5% to seven times. Up to three slower rivals stand beside them.

Half of all contests have the noise that a row is about, and the rest plain noise of 1%: of two
whose luck is of one kind it is certain which is faster. Every
trial takes as long as any other, and beside each case of a contest two more are timed that are in
none, as in the quick sweep: a part of what all of them take goes into further rounds.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from harness.console import out
from harness.planning.deciding import Deciding
from harness.run.runner import default_effort
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import Case, Effort, Outcome, PlannedCase, Timing, Trial
from harness.selfcheck.count import Count
from harness.stats.contest import MARGIN

SEED = 20261126
CONTESTS = 40
MOST_RIVALS = 5
TRIAL_S = 0.06
BESIDE = 2
"""Cases that are in no contest, for each that is in one."""
USUAL_S = 1e-3
Luck = Callable[[], float]
"""The logarithm of what a process takes longer than usual, round after round."""


def plain(draw: random.Random, machine: Luck, scale: float = 0.01) -> Luck:
    return lambda: draw.gauss(0, scale)


def noisy(draw: random.Random, machine: Luck) -> Luck:
    return plain(draw, machine, 0.05)


def busy(draw: random.Random, machine: Luck) -> Luck:
    """Something else runs all the time."""
    return plain(draw, machine, 0.25)


def heavy_tailed(draw: random.Random, machine: Luck) -> Luck:
    """Student's t with three degrees of freedom, of scale 3%."""

    def luck() -> float:
        squares = sum(draw.gauss(0, 1) ** 2 for _ in range(3))
        return 0.03 * draw.gauss(0, 1) / math.sqrt(squares / 3)

    return luck


def skewed(draw: random.Random, machine: Luck) -> Luck:
    """Each process waits for something, now and then for long: a tenth in the mean."""
    return lambda: 0.1 * draw.expovariate(1)


def spiky(draw: random.Random, machine: Luck) -> Luck:
    """One process in ten takes twice the time."""
    return lambda: draw.gauss(0, 0.01) + math.log(2) * (draw.random() < 0.1)


def two_layouts(draw: random.Random, machine: Luck) -> Luck:
    """With every second layout of memory it is 30% slower."""
    return lambda: draw.gauss(0, 0.01) + math.log(1.3) * (draw.random() < 0.5)


def rare_layout(draw: random.Random, machine: Luck) -> Luck:
    """With one layout in five it is twice as fast."""
    return lambda: draw.gauss(0, 0.01) - math.log(2) * (draw.random() < 0.2)


def uneven(draw: random.Random, machine: Luck) -> Luck:
    """Each strategy scatters as it likes, from half a percent to ten."""
    scale = 0.02 * math.exp(draw.gauss(0, 0.8))
    return lambda: draw.gauss(0, scale)


def carried_over(draw: random.Random, machine: Luck) -> Luck:
    """Half of what a process has of 5%, that of the next round has too."""
    last = draw.gauss(0, 0.05)

    def luck() -> float:
        nonlocal last
        last = 0.5 * last + math.sqrt(1 - 0.5**2) * draw.gauss(0, 0.05)
        return last

    return luck


def unequally_slowed(draw: random.Random, machine: Luck) -> Luck:
    """A machine whose speed wanders slows this one by up to a tenth more or less than others."""
    share = 1 + draw.uniform(-0.1, 0.1)
    return lambda: draw.gauss(0, 0.01) + (share - 1) * machine()


NOISE: Mapping[str, Callable[[random.Random, Luck], Luck]] = {
    "plain, 1%": plain,
    "plain, 5%": noisy,
    "busy, 25%": busy,
    "heavy tails, 3%": heavy_tailed,
    "waits, 10%": skewed,
    "spikes": spiky,
    "two layouts": two_layouts,
    "a rare layout": rare_layout,
    "uneven": uneven,
    "half carries over": carried_over,
    "unequally slowed": unequally_slowed,
}


@dataclass
class Machine:
    """How slow it is in a round; all that is measured in that has it in common.

    What one round has of 15%, the next keeps to 70%.
    """

    draw: random.Random
    now: float = 0.0

    def next_round(self) -> None:
        self.now = 0.7 * self.now + math.sqrt(1 - 0.7**2) * self.draw.gauss(0, 0.15)


@dataclass
class Found:
    """What came of some sweeps."""

    false_winners: Count = field(default_factory=Count)  # sweeps with one, of all
    false_levels: Count = field(default_factory=Count)  # contests, of all that are level
    ended: Count = field(default_factory=Count)  # contests
    seconds: float = 0.0  # of further rounds, as a share of the planned ones


def sweeps(noise: str, count: int, effort: Effort, seed: int = SEED) -> Found:
    """Hold many sweeps."""
    found = Found()
    for number in range(count):
        _one_sweep(random.Random(f"{seed}/{noise}/{number}"), NOISE[noise], effort, found)
    found.seconds /= max(1, count)
    return found


def _one_sweep(
    draw: random.Random,
    noise: Callable[[random.Random, Luck], Luck],
    effort: Effort,
    found: Found,
) -> None:
    machine = Machine(draw)
    offsets: list[float] = []
    cases: list[PlannedCase] = []
    lucks: list[Luck] = []
    for number in range(CONTESTS):
        kind = noise if draw.random() < 0.5 else plain
        for rival, offset in enumerate(_offsets(draw, number)):
            case = Case("simulated", _name(number, rival), {})
            cases.append(PlannedCase(case, baseline=not cases))
            offsets.append(offset)
            lucks.append(kind(draw, lambda: machine.now))
    deciding = Deciding(cases, {INFO.name: INFO}, effort)

    def measure(index: int, number: int) -> None:
        seconds = USUAL_S * math.exp(offsets[index] + machine.now + lucks[index]())
        timing = Timing(seconds, (seconds,), 1, False, 0.0)
        ended = Trial(
            case=index,
            kind="time",
            round=number,
            wall_s=TRIAL_S,
            outcome=Outcome("ok"),
            timing=timing,
        )
        deciding.note(ended)

    for number in range(1, effort.trials + 1):
        machine.next_round()
        for index in range(len(cases)):
            if not deciding.spares(index):
                measure(index, number)
    number, further = effort.trials, 0
    beside_s = BESIDE * len(cases) * effort.trials * TRIAL_S
    while lap := deciding.lap(_trial_s, deciding.allowed_s(_trial_s, beside_s)):
        for groups in lap:
            machine.next_round()
            number += 1
            for index in itertools.chain.from_iterable(groups):
                further += 1
                measure(index, number)
    found.seconds += further / (1 + BESIDE) / len(cases) / effort.trials
    _count(deciding, offsets, found)


def _trial_s(case: int) -> float:
    return TRIAL_S


def _offsets(draw: random.Random, number: int) -> list[float]:
    """The logarithms of what strategies take: two, and up to three that are slower."""
    apart = 0.0
    if number % 8 == 1:
        apart = math.log1p(MARGIN) * 1.05
    elif number % 2:
        apart = math.exp(draw.uniform(math.log(0.05), math.log(2)))
    slower = [apart + draw.expovariate(1 / 0.3) for _ in range(draw.randrange(MOST_RIVALS - 1))]
    made = [0.0, apart, *slower]
    draw.shuffle(made)
    return made


def _count(deciding: Deciding, offsets: Sequence[float], found: Found) -> None:
    false_winners = 0
    for contest in deciding.contests:
        assert contest.answer is not None
        leaders = [contest.looked[place] for place in contest.answer.leaders]
        true = sorted(offsets[case] for case in contest.rivals.cases)
        if contest.answer.word == "winner":
            false_winners += not (offsets[leaders[0]] == true[0] < true[1])
        elif contest.answer.word == "level":
            found.false_levels.of += 1
            own = [offsets[case] for case in leaders]
            # One that is faster than those which are level is a difference beyond the margin too.
            widest = max(own) - true[0]
            found.false_levels.found += widest > math.log1p(MARGIN)
        found.ended.found += contest.answer.word != "undecided"
        found.ended.of += 1
    found.false_winners.found += bool(false_winners)
    found.false_winners.of += 1


def _name(number: int, rival: int) -> str:
    return f"way {rival} of {number}"


INFO = ScenarioInfo(
    name="simulated",
    path="",
    question="",
    baseline=_name(0, 0),
    probe=False,
    parameters={},
    strategies=tuple(
        StrategyInfo(name=_name(number, rival), doc="", source="", group=f"purpose {number}")
        for number in range(CONTESTS)
        for rival in range(MOST_RIVALS)
    ),
    variants=(),
    input_parameters=(),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m harness.selfcheck.contest_errors")
    parser.add_argument("--sweeps", type=int, default=400)
    parser.add_argument("--noise", choices=NOISE, action="append")
    options = parser.parse_args(arguments)
    table = Table(title=f"Simulated, sweeps of {CONTESTS} contests", title_justify="left")
    table.add_column("noise", no_wrap=True)
    table.add_column("sweeps with a false winner", no_wrap=True)
    table.add_column("false among level", no_wrap=True)
    table.add_column("contests ended")
    table.add_column("further rounds")
    for name in options.noise or NOISE:
        found = sweeps(name, options.sweeps, default_effort("quick"))
        level = found.false_levels
        table.add_row(
            name,
            found.false_winners.text(),
            f"{level.found} of {level.of}",
            found.ended.share(),
            f"{found.seconds:.0%}",
        )
    out.print(table)


if __name__ == "__main__":
    main()
