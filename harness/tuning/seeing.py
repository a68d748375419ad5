"""What the loader and the step take, together and apart, and where the time of an epoch goes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.schema.loader import LoaderAnswer, LoaderSetting, LoaderStages
from harness.tuning.bench import Bench
from harness.tuning.costs import batch_s, pace_s
from harness.tuning.plan import SEEING_ROUNDS, WHY_ROUNDS
from harness.tuning.ratios import TOLERANCE, Ratio
from harness.tuning.rounds import Rounds

MOST_READY = MOST_WATCHED = 100_000
"""Batches, where time is what ends a trial."""
MUCH = 0.1
"""The share of time that is worth a search, whatever the noise."""
RUN, READY, ALONE, WATCHED = "run", "ready", "alone", "watched"
SINGLE = FETCHING, COLLATING = "fetching", "collating"
"""Stages that are freed alone; a look names the function of each in a field of that name."""


@dataclass(frozen=True)
class Headspace:
    """What could be won at most. Times are medians over processes, in seconds a batch.

    Args:
        both_s: loader and step.
        ready_s: the step on batches that are there already; None where no step is taken.
        alone_s: the loader without a step.
        gain: of ready batches over both; None where no step is taken.
    """

    both_s: float
    ready_s: float | None
    alone_s: float
    gain: Ratio | None

    @property
    def nothing(self) -> bool:
        """Whether what could be won is within the noise, or within what is no difference.

        Where the noise is so large that much could hide in it, nothing is known.
        """
        if self.gain is None or self.gain.low < 1 - MUCH:
            return False
        return self.gain.high >= 1 or self.gain.low >= 1 - TOLERANCE


@dataclass(frozen=True)
class Part:
    """A part of the time of a watched pass.

    Args:
        name: of it.
        seconds: it took.
        within: whether it is a part of the one before.
    """

    name: str
    seconds: float
    within: bool = False


@dataclass(frozen=True)
class Watched:
    """Where the time of passes went that were watched.

    Args:
        parts: those that are not within another add up to the total.
        total_s: by a clock of its own.
        batches: of all passes.
        epochs: that were begun.
        stages: by the process's own stamps; None without a DataLoader.
        cost: what watching costs.
    """

    parts: tuple[Part, ...]
    total_s: float
    batches: int
    epochs: int
    stages: LoaderStages | None
    cost: Ratio


@dataclass(frozen=True)
class Seen:
    """All that was found about the loader as it is."""

    headspace: Headspace
    watched: Watched
    batch_bytes: int | None
    batch_samples: int | None
    loss_finite: bool | None


def see(
    bench: Bench,
    own: LoaderSetting | None,
    length: int | None,
    *,
    stepped: bool,
    long_s: float,
    read: Callable[[str], None] | None = None,
) -> Seen:
    """Go through the loader in four ways, in turns; then watch it for longer.

    Args:
        bench: runs trials.
        own: the setting to look at.
        length: of an epoch.
        stepped: whether a step is taken.
        long_s: how long to watch it: at the beginning of an epoch, workers have only begun.
        read: given the folder with the stamps of that.
    """
    ways: dict[str, Callable[[], LoaderAnswer]] = {
        RUN: lambda: bench.run(own, stepped=stepped),
        WATCHED: lambda: bench.run(own, "watched", stepped=stepped),
    }
    if stepped:
        ways[READY] = lambda: bench.run(own, "ready", batches=MOST_READY, seconds=bench.window_s)
        ways[ALONE] = lambda: bench.run(own, stepped=False)
    rounds = Rounds(ways, seed=1)
    rounds.add(SEEING_ROUNDS)
    found = rounds.found
    runs = found[RUN]
    costs = [batch_s(one, length, own) for one in runs]
    ready = [pace_s(one) for one in found.get(READY, ())]
    alone = [batch_s(one, length, own) for one in found.get(ALONE, runs)]
    headspace = Headspace(
        statistics.median(costs),
        statistics.median(ready) if ready else None,
        statistics.median(alone),
        Ratio.of(ready, costs) if ready else None,
    )
    longer = bench.run(
        own, "watched", stepped=stepped, batches=MOST_WATCHED, seconds=long_s, read=read
    )
    last = runs[-1]
    return Seen(
        headspace,
        _watched(
            longer, Ratio.of([batch_s(one, length, own) for one in found[WATCHED]], costs), own
        ),
        last.batch_bytes,
        last.batch_samples,
        last.loss_finite,
    )


def _watched(answer: LoaderAnswer, cost: Ratio, own: LoaderSetting | None) -> Watched:
    """A trial taken apart."""
    return Watched(
        parts=tuple(_parts(answer, own)),
        total_s=sum(one.total_s for one in answer.passes),
        batches=sum(one.batches for one in answer.passes),
        epochs=len(answer.passes),
        stages=answer.stages,
        cost=cost,
    )


def _parts(answer: LoaderAnswer, own: LoaderSetting | None) -> list[Part]:
    """Start-up, waiting, steps and end follow one another; what waiting consists of, stamps say.
    Of passes that were cut off the end is not known, and not in the total.
    """
    start, wait, step, end = (
        sum(getattr(one, name) for one in answer.passes)
        for name in ("start_s", "wait_s", "step_s", "end_s")
    )
    stages = answer.stages
    meanwhile = f", but for what {answer.accelerator} does meanwhile" if answer.accelerator else ""
    after = [Part(f"steps{meanwhile}", step)]
    if any(one.ended for one in answer.passes):
        after.append(Part("end", end))
    parts = [Part("start-up, to the first batch", start)]
    if stages is None:
        return [*parts, Part("waiting for data", wait), *after]
    if own is not None and own.num_workers:
        behind = min(stages.behind_s, wait)
        parts += [
            Part("waiting for data", wait),
            Part("of it, a later batch was there", behind, within=True),
            Part("receiving batches, at any time", stages.receive_s, within=True),
        ]
    else:
        fetch = sum(one.fetch_s for one in stages.processes)
        collate = sum(one.collate_s for one in stages.processes)
        parts = [
            Part("making batches", start + wait),
            Part("fetching samples", fetch, within=True),
            Part("collating", collate, within=True),
            Part("sampler, iterator and all else", start + wait - fetch - collate, within=True),
        ]
    return [*parts, *after]


@dataclass(frozen=True)
class Freed:
    """What would be won if stages cost nothing: tried, with their earlier output in their place.

    Args:
        stages: in words.
        ratio: to the loader as it is.
    """

    stages: str
    ratio: Ratio


def costliest(freed: Sequence[Freed]) -> Freed | None:
    """The single stage that saves most when it is free; None where none was tried."""
    single = [one for one in freed if one.stages in SINGLE]
    return min(single, key=lambda one: one.ratio.ratio, default=None)


def why(
    bench: Bench, own: LoaderSetting, length: int | None, *, stepped: bool
) -> tuple[Freed, ...]:
    """Replace stages by what they gave before, alone and together."""
    ways: dict[str, Callable[[], LoaderAnswer]] = {
        RUN: lambda: bench.run(own, stepped=stepped),
        FETCHING: lambda: bench.run(own, stepped=stepped, free=("fetch",)),
        COLLATING: lambda: bench.run(own, stepped=stepped, free=("collate",)),
        f"{FETCHING} and {COLLATING}": lambda: bench.run(
            own, stepped=stepped, free=("fetch", "collate")
        ),
    }
    rounds = Rounds(ways, seed=2)
    rounds.add(WHY_ROUNDS)
    costs = {
        name: [batch_s(one, length, own) for one in found] for name, found in rounds.found.items()
    }
    return tuple(
        Freed(name, Ratio.of(times, costs[RUN])) for name, times in costs.items() if name != RUN
    )
