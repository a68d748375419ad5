"""Costs, predictions and crossovers in words; every figure with how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.analysis.models.crossovers import Crossover
from harness.analysis.models.places import between, described
from harness.analysis.models.prediction import NextSize, Prediction
from harness.analysis.models.scaling import WorkerModel
from harness.analysis.models.time_model import TimeModel
from harness.analysis.wording import factor
from harness.stats.intervals import Interval
from harness.stats.size_curve import CONFIDENCE, SizeCurve
from harness.units import MIB, format_seconds, format_share, format_size, plural

FLAT = 0.1
"""A cost per byte that makes less of the time than this at the largest size is none to speak of."""

POOR = 0.15
"""The law describes no throughputs that lie further off it."""


def cost_text(model: TimeModel) -> str:
    """``12 µs + 210 µs/MiB; 2.1× from between 16 MiB and 64 MiB on``; or why it is not known."""
    curve = model.curve
    if curve is None:
        return f"not known: {model.unknown}"
    return "; ".join((_plain_cost(model, curve), *_steps(curve)))


def _plain_cost(model: TimeModel, curve: SizeCurve) -> str:
    """The time without its steps."""
    fixed, per_byte = curve.fixed, curve.per_byte
    grown = per_byte.high * model.sizes[-1]
    if grown < FLAT * (fixed.median + grown):
        return f"{format_seconds(fixed.median)} whatever the size"
    rate = f"{format_seconds(per_byte.median * MIB)}/MiB"
    if per_byte.low <= 0:
        rate = f"at most {format_seconds(per_byte.high * MIB)}/MiB"
    if fixed.low > 0:
        return f"{format_seconds(fixed.median)} + {rate}"
    return f"at most {format_seconds(fixed.high)} + {rate}" if fixed.high > 0 else rate


def _steps(curve: SizeCurve) -> Iterator[str]:
    for index, (low, high) in enumerate(curve.fit.around):
        times = factor(curve.fit.steps[index])
        yield f"{times} from between {format_size(low)} and {format_size(high)} on"


def half_text(model: TimeModel) -> str:
    """``n½ 64 KiB (41 KiB to 98 KiB)``; "" where it is not known."""
    half = model.curve.half if model.curve else None
    return "" if half is None else f"n½ {_sizes(half)}"


def _sizes(interval: Interval) -> str:
    ends = f"{format_size(interval.low)} to {format_size(interval.high)}"
    return f"{format_size(interval.median)} ({ends})"


def seconds_text(interval: Interval) -> str:
    """``1.2 ms (1.1 ms to 1.3 ms)``."""
    ends = f"{format_seconds(interval.low)} to {format_seconds(interval.high)}"
    return f"{format_seconds(interval.median)} ({ends})"


def prediction_text(prediction: Prediction) -> str:
    """``1.2 ms, 90% between 1.1 ms and 1.3 ms``, and what there is to beware of."""
    time = prediction.time
    ends = f"{format_seconds(time.low)} and {format_seconds(time.high)}"
    parts = [f"{format_seconds(time.median)}, {format_share(CONFIDENCE)} between {ends}"]
    if prediction.outside:
        parts.append("extrapolated")
    if prediction.steps:
        parts.append(f"a step may come before it ({described(prediction.steps)})")
    return "; ".join(parts)


def misfit_text(model: TimeModel) -> str:
    """How far the sizes lie off the fit; "" where there is none."""
    if model.curve is None:
        return ""
    worst = max(abs(math.expm1(left)) for left in model.curve.left)
    return (
        f"sizes lie off this by {format_share(round(worst, 2))} at most: "
        f"{plural(len(model.sizes), 'size')}, {format_size(model.sizes[0])} to "
        f"{format_size(model.sizes[-1])}, with {plural(model.processes, 'process', 'processes')} "
        "or more at each"
    )


def step_texts(model: TimeModel) -> Iterator[str]:
    """Each step with its interval, and the known places near it: none need be the cause."""
    curve = model.curve
    if curve is None:
        return
    for index, (low, high) in enumerate(curve.fit.around):
        step = curve.step(index)
        near = between(model.places, low, high)
        yield (
            f"step {factor(step.median)} ({factor(step.low)} to {factor(step.high)}) between "
            f"{format_size(low)} and {format_size(high)}, where there are: {described(near)}"
        )


def crossover_text(crossover: Crossover) -> str:
    """``from_numpy is faster below 3.1 MiB (2 MiB to 4 MiB), torch_tensor above``."""
    crossing = crossover.crossing
    around = f"{format_size(crossing.low)} to {format_size(crossing.high)}"
    where = f"{format_size(crossing.size)} ({around})"
    return f"{crossover.below} is faster below {where}, {crossover.above} above"


def next_text(found: NextSize) -> str:
    """``2 MiB, where the prediction is uncertain by 1.4×: …``."""
    low, high = map(format_size, found.around)
    text = f"{format_size(found.size)}, where the prediction is uncertain by {factor(found.factor)}"
    if found.step:
        return f"{text}: a step lies somewhere between {low} and {high}"
    if found.places:
        return f"{text}: between {low} and {high} there are {described(found.places)}"
    return text


def workers_text(model: WorkerModel) -> str:
    """The law of one strategy in a sentence, or why it is undecided."""
    law = model.law
    if law is None:
        return f"undecided: {model.undecided}"
    parts = [
        f"one worker gives {law.one_per_s.median:,.0f} samples/s",
        f"queueing σ {_share(law.queueing)}",
        f"crosstalk κ {_share(law.crosstalk)}",
    ]
    if math.isfinite(law.best.median):
        parts.append(f"most throughput with {law.best.median:.0f} ({_counts(law.best)})")
    elif math.isfinite(law.best.low):
        parts.append(f"most throughput with {law.best.low:.0f} or more, how many is not known")
    else:
        parts.append("no number beyond which throughput falls")
    off = "nothing left to check it by"
    if law.misfit is not None:
        off = f"off by {law.misfit:.0%} at most"
        off += ", so that it does not describe them" if law.misfit > POOR else ""
    return f"{', '.join(parts)}; {', '.join(map(str, law.counts))} workers, {off}"


def _share(interval: Interval) -> str:
    return f"{interval.median:.3g} ({interval.low:.2g} to {interval.high:.2g})"


def _counts(interval: Interval) -> str:
    high = f"{interval.high:.0f}" if math.isfinite(interval.high) else "any"
    return f"{interval.low:.0f} to {high}"
