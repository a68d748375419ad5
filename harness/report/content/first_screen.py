"""What a reader sees first: every question in one picture, then what could be gained."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.analysis.opportunities import Opportunity, State, StateName, in_order
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.wording import comparison, per
from harness.cases.summary import CaseSummary
from harness.charts.chart import DotFigure
from harness.charts.ticks import Tick
from harness.codes.code import Code
from harness.codes.registry import code_for
from harness.report.content.gains import Gain, gain
from harness.report.content.overview import Question, overview
from harness.report.words.text import format_ratio
from harness.units import format_multiple, format_seconds, format_size, plural

LEAST_DECADES = 1
MOST_TICKS = 3
SHOWN = 6
"""Opportunities that are listed without being asked for."""


@dataclass(frozen=True)
class Track:
    """A line from the usual way to what to use, and to what else there is; in percent of it."""

    base: float
    best: float
    other: float  # nan where there is nothing else
    said: str  # in words, for those who do not see it


@dataclass(frozen=True)
class PictureLine:
    """One scenario: from the usual way to what to use."""

    scenario: str
    question: str
    place: str
    state: StateName
    use: str  # a strategy; "" where there is none
    condition: str
    time: str  # ``18 ms → 3.64 ms``
    faster: str
    time_track: Track | None
    memory: str
    memory_track: Track | None
    other: str  # ``or 561 ns with `from_numpy`, if the memory may be shared``


@dataclass(frozen=True)
class Unanswered:
    """Questions that have no opportunity, of one state."""

    code: Code
    questions: tuple[tuple[tuple[tuple[str, str], ...], str], ...]
    """Scenarios and places, and why they are unanswered or what was found."""


@dataclass(frozen=True)
class FirstScreen:
    """All of it."""

    headline: str
    lines: tuple[PictureLine, ...]
    time_ticks: tuple[Tick, ...]  # in percent
    memory_ticks: tuple[Tick, ...]
    gains: tuple[Gain, ...]
    unanswered: tuple[Unanswered, ...]
    figures: tuple[DotFigure, ...]  # the picture, as files


@dataclass(frozen=True)
class Answered:
    """A scenario's cases, what they say, and what could be gained."""

    sweep: Sweep
    answer: Verdict
    found: Sequence[Opportunity]
    state: State


def first_screen(answered: Sequence[Answered]) -> FirstScreen:
    """What stands above all else."""
    shown = [one for one in answered if one.state.name in ("opportunity", "passed", "undecided")]
    chosen = [(one, *_chosen(one.found)) for one in shown]
    times, memory = _times([picked for _, *picked in chosen]), _most(chosen)
    found = in_order([each for one in answered for each in one.found])
    return FirstScreen(
        headline=_headline(answered),
        lines=tuple(_line(one, best, other, times, memory) for one, best, other in chosen),
        time_ticks=tuple(
            (_time_share(10.0**-power, times), _decade(power))
            for power in range(0, times + 1, math.ceil(times / MOST_TICKS))
        ),
        memory_ticks=tuple((100 * at / memory, f"{at:g}×") for at in (0.0, memory)),
        gains=tuple(gain(one) for one in found),
        unanswered=tuple(_unanswered(answered)),
        figures=overview(
            [
                Question(one.sweep.info.name, baseline, best, partial(_multiple, one))
                for one, best, _ in chosen
                for baseline in (_baseline(one),)
                if baseline is not None and not one.sweep.by_size
            ]
        ),
    )


def _headline(answered: Sequence[Answered]) -> str:
    """How many questions have which state; none of them is left out."""
    counts = Counter(one.state.name for one in answered)
    better = counts.pop("opportunity", 0)
    said: dict[StateName, str] = {
        "passed": "with nothing to win",
        "undecided": "undecided",
        "not applicable": "not applicable here",
        "not measured": "not measured",
    }
    rest = [f"{counts[name]} {words}" for name, words in said.items() if counts[name]]
    whole = plural(len(answered), "question")
    said_first = (
        f"A better way than the usual one was measured for {better} of {whole}"
        if better
        else f"No better way than the usual one was measured, of {whole}"
    )
    return f"{said_first}; {', '.join(rest)}" if rest else said_first


def _chosen(found: Sequence[Opportunity]) -> tuple[Opportunity | None, Opportunity | None]:
    """What to use without changing what is asked for, and what gains most otherwise."""
    own = next((one for one in found if one.code.name == "same promise"), None)
    others = [one for one in found if one is not own and one.weighs != "memory"]
    most = min(others, key=_ratio, default=None)
    if own is None:
        return (most, None) if most else (next(iter(found), None), None)
    gains_more = most is not None and _ratio(most) < _ratio(own)
    return own, most if gains_more else None


def _ratio(one: Opportunity) -> float:
    ratio = one.best.ratio.median
    return math.inf if math.isnan(ratio) else ratio


def _times(chosen: Sequence[Sequence[Opportunity | None]]) -> int:
    """Decades of the axis of time, which ends at the baseline."""
    ratios = [_ratio(one) for pair in chosen for one in pair if one and one.weighs == "time"]
    least = min((ratio for ratio in ratios if ratio > 0), default=1.0)
    return max(LEAST_DECADES, math.ceil(-math.log10(least)))


def _time_share(ratio: float, decades: int) -> float:
    """Where a ratio to the baseline stands; what is slower is at the end."""
    return min(100.0, max(0.0, 100 * (1 + math.log10(ratio) / decades)))


def _decade(power: int) -> str:
    return f"1/{10**power:,}".replace(",", "\u202f") if power else "usual"


def _most(
    chosen: Sequence[tuple[Answered, Opportunity | None, Opportunity | None]],
) -> float:
    """Where the axis of memory ends, in multiples of the data."""
    multiples = [
        _multiple(one, row) for one, *pair in chosen for row in (_baseline(one), *_rows(pair))
    ]
    most = max((value for value in multiples if not math.isnan(value)), default=1.0)
    return float(max(1, math.ceil(most)))


def _rows(pair: Sequence[Opportunity | None]) -> list[CaseSummary | None]:
    return [one.best for one in pair if one]


def _baseline(one: Answered) -> CaseSummary | None:
    return one.sweep.baseline_at(one.answer.size_bytes)


def _multiple(one: Answered, row: CaseSummary | None) -> float:
    if row is None or one.sweep.by_size:
        return math.nan
    return row.tree_multiple if one.sweep.by_memory else row.peak_multiple


def _line(
    one: Answered,
    best: Opportunity | None,
    other: Opportunity | None,
    decades: int,
    most: float,
) -> PictureLine:
    baseline, info = _baseline(one), one.sweep.info
    use = best.best if best else baseline
    return PictureLine(
        scenario=info.name,
        question=info.question,
        place=one.answer.place,
        state=one.state.name,
        use=_use(best),
        condition=best.condition if best else "",
        time=_time(one, baseline, best),
        faster=_faster(best),
        time_track=_time_track(baseline, use, other, decades) if not one.sweep.by_size else None,
        memory=_memory(one, baseline, best),
        memory_track=_memory_track(one, baseline, use, other, most),
        other=_other(other),
    )


def _use(best: Opportunity | None) -> str:
    return best.best.strategy if best else ""


def _faster(best: Opportunity | None) -> str:
    return comparison(best.best.ratio) if best and best.weighs == "time" else ""


def _time(one: Answered, baseline: CaseSummary | None, best: Opportunity | None) -> str:
    rows = [row for row in (baseline, best.best if best else None) if row is not None]
    times = " → ".join(format_seconds(row.pace.median) for row in rows if row.timed)
    return f"{times}{per(rows[0])}" if times else ""


def _memory(one: Answered, baseline: CaseSummary | None, best: Opportunity | None) -> str:
    rows = [row for row in (baseline, best.best if best else None) if row is not None]
    if one.sweep.by_size:
        sizes = [format_size(row.limit.survived_bytes) for row in rows if row.limit]
        return f"fits {' → '.join(sizes)}"
    return " → ".join(format_multiple(_multiple(one, row)) for row in rows)


def _time_track(
    baseline: CaseSummary | None,
    use: CaseSummary | None,
    other: Opportunity | None,
    decades: int,
) -> Track | None:
    if baseline is None or use is None or not (baseline.timed and use.timed):
        return None
    ratio = use.ratio.median if use is not baseline else 1.0
    if math.isnan(ratio):
        return None
    elsewhere = other.best.ratio.median if other else math.nan
    same = "nothing was measured to be certainly better"
    said = same if use is baseline else f"{format_ratio(ratio)} of its time"
    return Track(
        _time_share(1.0, decades),
        _time_share(ratio, decades),
        math.nan if math.isnan(elsewhere) else _time_share(elsewhere, decades),
        said,
    )


def _memory_track(
    one: Answered,
    baseline: CaseSummary | None,
    use: CaseSummary | None,
    other: Opportunity | None,
    most: float,
) -> Track | None:
    shares = [100 * _multiple(one, row) / most for row in (baseline, use)]
    if any(math.isnan(share) for share in shares):
        return None
    elsewhere = 100 * _multiple(one, other.best) / most if other else math.nan
    return Track(shares[0], shares[1], elsewhere, "extra memory in multiples of the data")


def _other(other: Opportunity | None) -> str:
    if other is None:
        return ""
    how = f"with `{other.variables}`" if other.variables else f"with `{other.best.strategy}`"
    when = f", {other.condition}" if other.condition else ""
    return f"or {format_seconds(other.best.pace.median)} {how}{when}"


def _unanswered(answered: Sequence[Answered]) -> list[Unanswered]:
    by_state: Mapping[StateName, list[Answered]] = {
        "undecided": [],
        "not measured": [],
        "not applicable": [],
        "passed": [],
    }
    for one in answered:
        if one.state.name in by_state:
            by_state[one.state.name].append(one)
    return [
        Unanswered(code_for("state", name), _by_reason(ones))
        for name, ones in by_state.items()
        if ones
    ]


def _by_reason(
    answered: Sequence[Answered],
) -> tuple[tuple[tuple[tuple[str, str], ...], str], ...]:
    alike: dict[str, list[tuple[str, str]]] = {}
    for one in answered:
        why = one.state.why or one.answer.sentences[0]
        alike.setdefault(why, []).append((one.sweep.info.name, one.answer.place))
    return tuple((tuple(names), why) for why, names in alike.items())
