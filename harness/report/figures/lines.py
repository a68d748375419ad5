"""Figures of lines: what a scenario compares, over the size or another numeric parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.cases.summary import CaseSummary
from harness.charts.axes import linear_axis, log_axis
from harness.charts.chart import Axis, ChartLine, ChartPoint, Emphasis, LineFigure
from harness.charts.ticks import size_ticks, widen
from harness.planning.parameter_values import in_order
from harness.report.figures.measures import RATE, Measure, measure_over, usual_measure
from harness.report.figures.spec import FigureSpec, OtherSpec, Subject, of
from harness.report.words.order import emphasis, own_styles
from harness.report.words.text import capital
from harness.schema.records import Value
from harness.schema.values import is_number, number_of, value_text
from harness.units import format_size

LINES_NAMED = 8
"""So many lines can all be named, and have looks of their own."""
LIMIT_PARAMETERS = ("open_files", "passes")
"""Parameters that say how long a tree is watched or what it may use: no time depends on them."""
SAME_SAMPLES = 1.01
"""Samples whose sizes differ less are of one size: a last batch may be smaller."""
Pointed = Callable[[CaseSummary], ChartPoint | None]


def time_figure(subject: Subject) -> Iterator[LineFigure]:
    """Steady-state time against size, where two sizes were timed."""
    sweep, verdict = subject.sweep, subject.verdict
    measure = usual_measure(sweep)

    def point(row: CaseSummary) -> ChartPoint | None:
        size = row.size_bytes
        return _point(row, measure, float(size), format_size(size)) if size else None

    lines = _lines(sweep, verdict, sweep.main, point)
    sizes = sorted({point.x for line in lines for point in line.points})
    if len(sizes) < 2 or not _compared(lines):
        return
    many = len({line.group for line in lines}) > 1
    flat = "" if sweep.info.epochs else " A level line means the same cost at every size."
    yield LineFigure(
        sweep.info.name,
        "time",
        f"{'Time per sample' if sweep.info.epochs else 'Time'} against size",
        f"{measure.advice}{flat} Named: the baseline and the fastest"
        f"{' of each group' if many else ''}.",
        Axis("size of the data", "bytes", True, *widen(sizes), size_ticks(sizes)),
        _axis(measure, lines),
        lines,
        wide=True,
    )


def _compared(lines: Sequence[ChartLine]) -> bool:
    """Whether more can be followed from size to size than the baseline, where there is more."""
    followed = [line for line in lines if len(line.points) > 1]
    return len(lines) == 1 or any(line.emphasis != "baseline" for line in followed)


def parameter_figures(subject: Subject) -> Iterator[LineFigure | None]:
    """What a scenario compares over every numeric parameter that was varied but the size."""
    sweep, verdict = subject.sweep, subject.verdict
    for name in sweep.info.parameters:
        if name == "size" or (name in LIMIT_PARAMETERS and not sweep.by_memory):
            continue
        rows = [row for row in sweep.variation(name) if is_number(row.parameters[name])]
        yield _parameter_figure(sweep, verdict, name, rows, measure_over(sweep, name))
        if sweep.info.epochs and not sweep.by_memory and _samples_differ(rows):
            yield _parameter_figure(sweep, verdict, name, rows, RATE)


def _samples_differ(rows: Sequence[CaseSummary]) -> bool:
    """Whether throughput is more than time per sample turned upside down."""
    sizes = [row.loading.data_bytes / row.loading.samples for row in rows if row.loading]
    return bool(sizes) and max(sizes) > SAME_SAMPLES * min(sizes)


def _parameter_figure(
    sweep: Sweep, verdict: Verdict, name: str, rows: Sequence[CaseSummary], measure: Measure
) -> LineFigure | None:
    values = in_order(row.parameters[name] for row in rows if sweep.compared(row))
    place = _places(values)

    def point(row: CaseSummary) -> ChartPoint | None:
        value = row.parameters[name]
        return _point(row, measure, place[value], value_text(name, value))

    lines = tuple(line for line in _lines(sweep, verdict, rows, point) if len(line.points) > 1)
    if len(lines) < 2:
        return None
    names = own_styles(sweep, [line.name for line in lines]) if len(lines) <= LINES_NAMED else ()
    if names:
        lines = tuple(ChartLine(one.name, one.group, _named(one), one.points) for one in lines)
    return LineFigure(
        sweep.info.name,
        f"{name}-{measure.key}",
        f"{measure.title} by {name}",
        " ".join(part for part in (measure.advice, _where(sweep, name, rows)) if part),
        _value_axis(sweep, name, values, place),
        _axis(measure, lines),
        lines,
        across=name,
        wide=sweep.info.parameters[name].axis,
        names=names,
    )


def _named(line: ChartLine) -> Emphasis:
    return "baseline" if line.emphasis == "baseline" else "named"


def _places(values: Sequence[Value]) -> dict[Value, float]:
    """Where values stand on their axis: one after the other where a logarithm has no place."""
    numbers = {value: number_of(value) for value in values}
    if any(number <= 0 for number in numbers.values()):
        return {value: float(index) for index, value in enumerate(values)}
    return numbers


def _value_axis(
    sweep: Sweep, name: str, values: Sequence[Value], place: dict[Value, float]
) -> Axis:
    title = sweep.info.parameters[name].doc.partition(";")[0] or name
    ticks = tuple((place[value], value_text(name, value)) for value in values)
    if any(number_of(value) <= 0 for value in values):
        return Axis(title, "count", False, -0.25, len(values) - 0.75, ticks)
    return Axis(title, "count", True, *widen(list(place.values())), ticks)


def _where(sweep: Sweep, name: str, rows: Sequence[CaseSummary]) -> str:
    """What stood still, where a reader could not guess it."""
    size = rows[0].size_bytes
    parts = [] if size is None else [f"at {format_size(size)}"]
    parts += [f"with {key}={value}" for key, value in sweep.info.parameters[name].beside.items()]
    text = ", ".join(parts)
    return f"{capital(text)}." if text else ""


def _lines(
    sweep: Sweep, verdict: Verdict, rows: Sequence[CaseSummary], point: Pointed
) -> tuple[ChartLine, ...]:
    """One line for every strategy that has something to show, its points by x."""
    lines = []
    for strategy in sweep.info.strategies:
        own = [row for row in rows if row.strategy == strategy.name and sweep.compared(row)]
        points = [made for row in own if (made := point(row)) is not None]
        if points:
            weight = emphasis(sweep, verdict, strategy.name)
            ordered = tuple(sorted(points, key=lambda one: one.x))
            lines.append(ChartLine(strategy.name, strategy.group, weight, ordered))
    return tuple(lines)


def _point(row: CaseSummary, measure: Measure, x: float, where: str) -> ChartPoint | None:
    value, low, high = measure.of(row)
    if not (value > 0 or (value == 0 and not measure.log)):
        return None
    return ChartPoint(x, where, value, low, high, measure.tip(row))


def _axis(measure: Measure, lines: Sequence[ChartLine]) -> Axis:
    values = [point.y for line in lines for point in line.points]
    if not measure.log:
        high = 1.0 if measure.unit == "share" else max(values) * 1.08
        return linear_axis(measure.axis, measure.unit, high)
    ends = [end for line in lines for one in line.points for end in (one.low, one.high)]
    (least, most), (lowest, highest) = widen(values, by=1.5), widen([*values, *ends], by=1.1)
    return log_axis(measure.axis, measure.unit, min(least, lowest), max(most, highest))


OVER_SIZE: tuple[FigureSpec, ...] = (OtherSpec(of("time", "training", "transfers"), time_figure),)
FIGURES: tuple[FigureSpec, ...] = (OtherSpec(lambda _: True, parameter_figures),)
