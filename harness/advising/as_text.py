"""The advice as it is printed."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Sequence

from harness.advising.advice import NOT_TRIED, Advice, Way
from harness.advising.code import code_of
from harness.advising.figures import Figure
from harness.units import format_seconds, format_size, plural

_SHOWN = 8
"""Of all ways that were tried, so many are listed; the others are counted."""


def text(advice: Advice, command: Sequence[str] = ()) -> str:
    """All of it, the code last.

    Args:
        advice: the answer.
        command: what was typed, to be typed again; nothing where it was not typed.
    """
    lines = [headline(advice), *_figures(advice), "", *_table(advice), "", *_measured(advice)]
    lines.append(f"not tried: {advice.task.not_tried}")
    if command:
        lines.append(f"measure it again: {shlex.join(command)}")
    if (way := advice.way) is not None:
        lines += ["", f"# {way.name}: {way.doc.splitlines()[0]}", code_of(advice, way).rstrip()]
    return "\n".join(lines)


def headline(advice: Advice) -> str:
    """The answer in one sentence."""
    return _answer(advice) + _doubt(advice)


def _doubt(advice: Advice) -> str:
    """Which of the ways that the answer is about may not fit."""
    if advice.chosen is None or advice.way is None:
        return ""
    named = {one.name: one for one in (advice.way, advice.chosen)}
    unknown = [name for name, one in named.items() if one.fits == "unknown"]
    return f"; whether {' or '.join(unknown)} fits is not known" if unknown else ""


def _answer(advice: Advice) -> str:
    what = f"{advice.task.name}, {advice.data}"
    chosen, usual = advice.chosen, advice.usual
    if chosen is None:
        return f"{what}: no advice: {_why_none(advice)}"
    if advice.verdict == "keep":
        return f"{what}: don't bother: {_to_win(advice)}; {usual.name} will do"
    if advice.verdict == "undecided":
        return f"{what}: undecided: {_unsure(advice)}; until it is known, {usual.name} will do"
    if usual.failed:
        return f"{what}: use {chosen.name}; {usual.name} cannot be used: {usual.failed}"
    return f"{what}: use {chosen.name} instead of {usual.name}: {_gain(advice)}"


def _why_none(advice: Advice) -> str:
    working = [one for one in advice.ways if not one.failed]
    if not working:
        return "none of the ways works with this data"
    if all(one.fits == "no" for one in working):
        return "none fits into memory"
    return "time was too short; a larger --budget says more"


def _to_win(advice: Advice) -> str:
    saved = advice.saved_s
    if advice.chosen is advice.usual or saved is None or saved <= 0:
        return "nothing that was tried is better"
    return f"{format_seconds(saved)} to win in each {advice.task.unit}"


def _unsure(advice: Advice) -> str:
    assert advice.chosen is not None
    if advice.chosen is advice.usual:
        return _unsure_of_others(advice)
    if advice.cut_short and advice.little:
        late = "time was too short to try the others"
        return f"{_to_win(advice)}, but {late}; a larger --budget says more"
    if advice.ratio is None or math.isinf(advice.ratio[2]):
        how = "time was too short to tell how fast it is"
    else:
        how = f"{_times(advice.ratio)}"
    return f"{advice.chosen.name} may be better, {how}; a larger --budget says more"


def _unsure_of_others(advice: Advice) -> str:
    rival = advice.rival
    if advice.cut_short or rival is None or rival.time is None:
        return "time was too short to try the others; a larger --budget says more"
    if advice.usual.time and rival.time.measured_bytes < advice.usual.time.measured_bytes:
        with_ = format_size(rival.time.measured_bytes)
        return (
            f"{rival.name} may be faster, but was timed with no more than {with_}; "
            "a larger --budget or more free memory says more"
        )
    return f"{rival.name} is faster, but whether it fits is not known"


def _gain(advice: Advice) -> str:
    parts = []
    if advice.ratio is not None and advice.ratio[1] > 1:
        saved = advice.saved_s or 0.0
        parts.append(f"{_times(advice.ratio)}, {format_seconds(saved)} less in each")
        parts[-1] += f" {advice.task.unit}"
    if advice.saved_bytes is not None and advice.saved_bytes >= 1024**2:
        parts.append(f"{format_size(advice.saved_bytes)} less memory")
    if advice.usual.fits == "no":
        parts.append(f"{advice.usual.name} does not fit")
    return "; ".join(parts)


def _times(ratio: tuple[float, float, float]) -> str:
    middle, low, high = (_multiple(one) for one in ratio)
    return f"{middle} as fast ({low} to {high})"


def _multiple(ratio: float) -> str:
    return f"{ratio:.3g}×" if ratio < 1000 else f"{float(f'{ratio:.2g}'):,.0f}×"


def _figures(advice: Advice) -> Iterator[str]:
    way = advice.way
    if way is None or way.time is None:
        return
    yield f"  time of a{'n' if advice.task.unit == 'epoch' else ''} {advice.task.unit}: " + (
        f"{_known(way.time, format_seconds)}"
    )
    if way.first_s is not None:
        yield f"  the first one in a new process: {format_seconds(way.first_s)}"
    if way.peak is not None:
        known = _known(way.peak, format_size)
        if way.at_least:
            known = f"at least {format_size(way.peak.value)}"
        yield f"  memory at its peak: {known}: {_parts(advice, way)}"
    yield f"  {_limit(advice)}: {_fits(way)}"


def _known(figure: Figure, say: Callable[[float], str]) -> str:
    interval = "" if math.isinf(figure.high) else f" ({say(figure.low)} to {say(figure.high)})"
    of = plural(figure.count, "process", "processes")
    how = f"measured with all of the data, {of}"
    if figure.extrapolated:
        how = f"extrapolated from {format_size(figure.measured_bytes)}, {of}"
    return f"{say(figure.value)}{interval or ', without an interval'}; {how}"


def _parts(advice: Advice, way: Way) -> str:
    assert way.peak is not None
    parts = [f"Python with torch {format_size(advice.base_bytes)}"]
    held = advice.held(way)
    parts += [f"{name} {format_size(size)}" for name, size in held.items()]
    beside = way.peak.value - advice.base_bytes - sum(held.values())
    return ", ".join([*parts, f"the {advice.task.unit} {format_size(max(0.0, beside))}"])


def _limit(advice: Advice) -> str:
    if advice.goal.memory_bytes is None:
        return f"the {format_size(advice.limit_bytes)} that are free here"
    return f"--memory {format_size(advice.limit_bytes)}"


def _fits(way: Way) -> str:
    words = {"yes": "fits", "no": "does not fit"}
    return words.get(way.fits, "unknown: the limit lies within what is not known of the peak")


def _table(advice: Advice) -> Iterator[str]:
    """The ways that were tried, the fastest first."""
    timed = [one for one in advice.ways if one.time is not None]
    timed.sort(key=lambda one: one.time.value if one.time else math.inf)
    shown = timed[:_SHOWN]
    shown += [] if advice.usual in shown or advice.usual not in timed else [advice.usual]
    width = max((len(one.name) for one in shown), default=0)
    for one in shown:
        assert one.time is not None
        at_least = "at least " if one.at_least else ""
        memory = f"peak {at_least}{format_size(one.peak.value)}" if one.peak else "peak not known"
        note = f", {one.note}" if one.note else ""
        far = f", from {format_size(one.time.measured_bytes)}" if one.time.extrapolated else ""
        yield f"  {one.name:{width}}  {format_seconds(one.time.value):>8}{far}, {memory}" + (
            f"{note}" if one.fits != "no" else f", does not fit{note}"
        )
    untimed = [one for one in advice.ways if one.time is None and not one.failed]
    dropped = [one.name for one in untimed if one.note != NOT_TRIED]
    if dropped:
        yield f"  not timed after a first look: {', '.join(dropped)}"
    if late := [one.name for one in untimed if one.note == NOT_TRIED]:
        yield f"  {NOT_TRIED}: {', '.join(late)}"
    for one in advice.ways:
        if one.failed:
            yield f"  {one.name}: {one.failed}"


def _measured(advice: Advice) -> Iterator[str]:
    full = advice.data.nbytes
    sizes = [format_size(size) for size in advice.sizes if size != full]
    whole = f"all {format_size(full)}" if full in advice.sizes else ""
    first = f"the first {', '.join(sizes)}" if sizes else ""
    of = " and ".join(filter(None, (first, whole))) or "no data: all of them failed"
    yield f"measured: {plural(advice.trials, 'process', 'processes')} with {of}, " + (
        f"in {advice.took_s:.0f} s"
    )
    if full not in advice.sizes:
        yield f"not measured: all {format_size(full)}, for want of time or memory"
    if not advice.task.holds:
        state = "on disk: it takes most of the memory" if advice.cold else "in memory"
        yield f"before each epoch the file was {state}"
    if advice.level:
        yield f"as fast, within the accuracy of this: {', '.join(advice.level)}"
    if advice.sizes and advice.way is not None and not advice.way.unverified:
        yield f"results were compared, value by value, with {format_size(advice.sizes[0])} of it"
    if advice.way is not None and advice.way.unverified:
        yield f"not verified of {advice.way.name}: {advice.way.unverified}"


def summary(advice: Advice) -> str:
    """The answer and its figures, without code."""
    return "\n".join([headline(advice), *_figures(advice)])
