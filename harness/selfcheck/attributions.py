"""How right "why" is: ``python -m harness.selfcheck.attributions -o attributions.jsonl``.

Two parts:

- ``measured``: 15 strategies of planted causes (:mod:`harness.trial.planted.causes`), and 20 whose
  difference has another cause, in one run, whose journal is continued where it stopped.
- ``simulated``: pairs of strategies of which one is slower by known causes, with and without one of
  them, in rounds that share their luck; and pairs whose difference has nothing to do with what is
  taken away.

Counted are shares within five points, intervals that hold the truth, and reasons that are none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.table import Table

from harness.analysis.sweep import sweep
from harness.analysis.why import reasons
from harness.cases.summaries import summaries
from harness.console import Progress, err, out
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.planning.plan import Request
from harness.run import session as sessions
from harness.run.runner import default_effort
from harness.selfcheck.count import Count
from harness.selfcheck.planted import TRUTHS_FILE
from harness.stats.attribution import Attribution, attribute

CAUSES_FILE = TRUTHS_FILE.with_name("causes.py")
SCENARIO = "planted_causes"
STEADY_S = 0.05
"""Of a process: a few calls, which sleep some milliseconds each."""
UNEXPLAINED = 0.1
NEAR = 0.05
SHARED = 0.5
LATE, LATE_BY = 0.1, 0.3
"""One process in ten is late, by a third on average."""
SETTINGS = ((0.02, 5), (0.02, 10), (0.05, 10), (0.05, 20))
"""How far processes lie apart, and rounds."""


@dataclass(frozen=True)
class Pair:
    """A slower and a faster strategy, in seconds, and the share of one cause in the difference."""

    slow_s: float
    fast_s: float
    share: float

    def attributed(self, noise: float, rounds: int, draw: np.random.Generator) -> Attribution:
        """What an experiment on the cause says, in so many rounds."""
        without_s = self.slow_s - self.share * (self.slow_s - self.fast_s)
        luck = draw.normal(0, SHARED * noise, rounds)
        sides = [
            _times(seconds, noise, luck, draw)
            for seconds in (self.slow_s, self.fast_s, without_s, self.fast_s)
        ]
        found = attribute(*sides)
        assert found is not None
        return found


def _times(
    seconds: float, noise: float, luck: np.ndarray, draw: np.random.Generator
) -> dict[int, float]:
    late = (draw.random(luck.shape) < LATE) * draw.exponential(LATE_BY, luck.shape)
    logs = luck + draw.normal(0, noise, luck.shape) + late
    return dict(enumerate(map(float, seconds * np.exp(logs))))


def drawn(draw: np.random.Generator, share: float | None = None) -> Pair:
    """A pair that is 1.2 to 10 times apart; its cause is nearly all of that, unless it is told."""
    ratio = 10 ** draw.uniform(np.log10(1.2), 1)
    return Pair(ratio * 1e-3, 1e-3, draw.uniform(0.9, 1.0) if share is None else share)


def rows(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """How often a share is near, an interval holds it, and a reason is named that is none."""
    for noise, rounds in SETTINGS:
        draw = np.random.default_rng(seed)
        planted = [drawn(draw) for _ in range(count)]
        found = [(one, one.attributed(noise, rounds, draw)) for one in planted]
        decided = [(one, told) for one, told in found if told.word in ("because", "in part")]
        nulls = [drawn(draw, 0.0).attributed(noise, rounds, draw) for _ in range(count)]
        label = f"{rounds} rounds, {noise:.0%} apart"
        near = sum(abs(told.share.median - one.share) <= NEAR for one, told in decided)
        held = sum(told.share.low <= one.share <= told.share.high for one, told in found)
        because = sum(told.word == "because" for _, told in found)
        yield f"{label}: planted, named as reason", Count(because, count).text()
        yield f"{label}: named in full or in part", Count(len(decided), count).text()
        if decided:
            yield f"{label}: of these, share within 5 points", Count(near, len(decided)).text()
        yield f"{label}: interval holds the share", Count(held, count).text()
        named = sum(told.word in ("because", "in part") for told in nulls)
        yield f"{label}: no reason, yet named", Count(named, count).text()


def measure(path: Path, trials: int, seed: int) -> None:
    """Measure what is missing of the run of planted causes."""
    with Progress(err) as progress:
        if path.exists():
            run = read_journal(path)
            if run.ended != "complete":
                sessions.resume(run, progress, progress.say)
            return
        effort = replace(default_effort("usual"), trials=trials, steady_s=STEADY_S)
        settings = sessions.Settings(effort, seed)
        with (
            sessions.open_session(Request((SCENARIO,)), settings, [CAUSES_FILE]) as session,
            Journal.create(path, session.header) as journal,
        ):
            sessions.measure(session, journal, progress)


def measured_rows(run: Run) -> Iterator[tuple[str, str]]:
    """How near the shares of planted causes are, and what is said where there is none."""
    (info,) = run.header.scenarios
    found = {why.slow.strategy: why.found for why in reasons(sweep(info, summaries(run)))}
    shares = {name: int(name.split("_")[1]) / 100 for name in found if name.startswith("share_")}
    planted = [(share, found[name]) for name, share in shares.items() if share]
    nulls = [found[name] for name, share in shares.items() if not share]
    if not planted or not nulls:
        yield "nothing to tell", "threads=all is one thread here, or no pair was measured"
        return
    near = sum(abs(told.share.median - share) <= NEAR for share, told in planted)
    held = sum(told.share.low <= share <= told.share.high for share, told in planted)
    told = sum(told.word in ("because", "in part") for _, told in planted)
    little = sum(told.left <= UNEXPLAINED for _, told in planted)
    yield "planted: share within 5 points", Count(near, len(planted)).text()
    yield "planted: unexplained at most 10%", Count(little, len(planted)).text()
    yield "planted: interval holds the share", Count(held, len(planted)).text()
    yield "planted: told", Count(told, len(planted)).text()
    named = sum(told.word in ("because", "in part") for told in nulls)
    yield "another cause, yet told", Count(named, len(nulls)).text()


def main() -> None:
    """Measure what is missing, simulate, and print what is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--output", type=Path, default=Path("attributions.jsonl"))
    parser.add_argument("--part", action="append", choices=("measured", "simulated"))
    parser.add_argument("--trials", type=int, default=10, help="rounds of the measured part")
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    for part in options.part or ("simulated", "measured"):
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        if part == "measured":
            measure(options.output, options.trials, options.seed)
            told = measured_rows(read_journal(options.output))
        else:
            told = rows(options.simulations, options.seed)
        for row in told:
            table.add_row(*row)
        out.print(table)


if __name__ == "__main__":
    main()
