"""The answer as people read it: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.schema.loader import LoaderSetting
from harness.tuning.memory import MARGIN
from harness.tuning.ratios import DECIDING, TOLERANCE, Ratio
from harness.tuning.result import Tuning
from harness.tuning.seeing import Freed, Headspace, Watched, costliest
from harness.units import (
    format_duration,
    format_multiple,
    format_seconds,
    format_share,
    format_size,
)

_UNEXPLAINED = 0.2


def text(tuning: Tuning) -> str:
    """All of it."""
    parts = [
        _verdict(tuning),
        *_sections(tuning),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def verdict_line(tuning: Tuning) -> str:
    """What to do, in one sentence."""
    own, confirmed = tuning.reference, tuning.confirmed
    name = tuning.name
    if tuning.word == "stop":
        gain = tuning.seen.headspace.gain
        assert gain is not None
        most = max(0.0, 1 - gain.low)
        return f"{name}: stop here; ready batches would save {most:.1%} of the time at most"
    if tuning.word == "no search":
        return f"{name}: {tuning.look.kind} is no DataLoader, so no setting was tried"
    assert own is not None
    if tuning.word == "keep":
        return f"{name}: keep your setting; {_kept(tuning)}"
    if tuning.word == "fits":
        return _fits(tuning)
    assert confirmed is not None
    change = _change(confirmed.setting, own)
    ratio = confirmed.ratio
    if tuning.word == "undecided":
        return (
            f"{name}: keep your setting; {change} looked better, but {ratio.pairs} fresh pairs do "
            f"not confirm it: {_times(1 / ratio.ratio)} as fast ({_times(1 / ratio.high)} to "
            f"{_times(1 / ratio.low)}), and pairs like these would have shown "
            f"{ratio.detectable:.0%} less time; a larger --budget has more of them"
        )
    if tuning.word == "lighter":
        saved = _peak(tuning, own) - _peak(tuning, confirmed.setting)
        return (
            f"{name}: {change} is as fast ({_times(1 / ratio.high)} to {_times(1 / ratio.low)}) "
            f"and takes {format_size(saved)} less memory"
        )
    return (
        f"{name}: {change} is {_times(1 / ratio.ratio)} as fast "
        f"({_times(1 / ratio.high)} to {_times(1 / ratio.low)}, {ratio.pairs} fresh pairs)"
    )


def _kept(tuning: Tuning) -> str:
    """Why no other setting is recommended, as far as any was tried."""
    if tuning.rejected:
        return "what looked faster gives other data"
    if all(one.ratio is None or one.setting == tuning.reference for one in tuning.tried):
        return "no other could be timed"
    return "none that was tried is faster beyond the noise"


def _fits(tuning: Tuning) -> str:
    own, chosen, limit = tuning.look.own, tuning.chosen, tuning.limit_bytes
    assert own is not None
    assert chosen is not None
    assert limit is not None
    seen, predicted = tuning.memory.get(own), tuning.refused.get(own)
    room = format_size(limit)
    if seen is not None:
        said = f"does not fit into {room} (it took {format_size(seen.peak_bytes)})"
    elif predicted is None:
        said = f"is not known to fit into {room}"
    elif predicted > limit:
        said = f"does not fit into {room} (predicted: {format_size(predicted)})"
    else:
        margin = f"{MARGIN - 1:.0%}"
        said = f"may not fit into {room} (predicted: {format_size(predicted)}, and {margin} more)"
    return f"{tuning.name}: your setting {said}; use {chosen.text()}"


def _beyond(tuning: Tuning) -> str:
    """That the setting to use is not known to keep to the limit; empty where it is, or any may."""
    limit, chosen = tuning.limit_bytes, tuning.chosen
    if limit is None:
        return ""
    memory = tuning.own_memory if chosen is None else tuning.memory.get(chosen)
    if memory is None:
        return "whether it keeps to --memory is not known: its peak could not be read"
    if memory.peak_bytes > limit:
        return f"it does not keep to --memory: it took {format_size(memory.peak_bytes)} in a trial"
    return ""


def _peak(tuning: Tuning, setting: LoaderSetting) -> int:
    return tuning.memory[setting].peak_bytes


def _times(ratio: float) -> str:
    return format_multiple(ratio)


def _change(setting: LoaderSetting, own: LoaderSetting) -> str:
    """What differs from the user's setting."""
    before = own.arguments()
    changed = [
        f"{name}={value}" + (f" instead of {before[name]}" if name in before else "")
        for name, value in setting.arguments().items()
        if before.get(name) != value
    ]
    return ", ".join(changed) or setting.text()


def _verdict(tuning: Tuning) -> list[str]:
    lines = [verdict_line(tuning)]
    waits = _waits(tuning.seen.headspace)
    if waits:
        lines.append(waits)
    because = cause(tuning)
    if because:
        lines.append(because)
    beyond = _beyond(tuning)
    if beyond:
        lines.append(beyond)
    if tuning.changed and tuning.chosen is not None:
        lines.append(f"paste  DataLoader(…, {tuning.chosen.text()})")
    if tuning.data is not None:
        lines.append(f"data   {tuning.data.text}")
    lines += [
        f"not    {setting.text()}: {found.text}" for setting, found in tuning.rejected.items()
    ]
    if tuning.seen.loss_finite is False:
        lines.append(
            "the step diverges: its loss is no finite number, so its time may not be usual"
        )
    return lines


def _waits(headspace: Headspace) -> str:
    if headspace.gain is None or headspace.ready_s is None:
        return ""
    share = headspace.gain.saved()
    if headspace.nothing:
        return f"ready batches would save {share} of the time, which is no difference or noise"
    return f"training waits for data {share} of the time; that is what could be won at most"


def _sections(tuning: Tuning) -> Iterator[list[str]]:
    yield _headspace(tuning)
    yield _where(tuning.seen.watched)
    yield list(_processes(tuning.seen.watched))
    yield list(_why(tuning.why, tuning.seen.headspace))
    yield list(_tried(tuning))
    yield [
        *(["Not measured"] if tuning.not_measured else []),
        *(f"  {one}" for one in tuning.not_measured),
    ]
    yield [f"{tuning.trials} fresh processes in {format_duration(tuning.took_s)}"]


def _headspace(tuning: Tuning) -> list[str]:
    head = tuning.seen.headspace
    with_step = f"with {tuning.step}" if tuning.step else "without a step"
    rows = [(f"the loader {with_step}", format_seconds(head.both_s))]
    if head.ready_s is not None:
        rows = [
            ("the step, with batches that are ready", format_seconds(head.ready_s)),
            ("the loader alone", format_seconds(head.alone_s)),
            *rows,
        ]
    extra = []
    if tuning.seen.batch_bytes is not None:
        samples = tuning.seen.batch_samples
        of = f", {samples} samples" if samples else ""
        extra.append(f"  a batch is {format_size(tuning.seen.batch_bytes)}{of}")
    memory = tuning.own_memory
    if memory is not None:
        peak, files = format_size(memory.peak_bytes), format_size(memory.file_bytes)
        extra.append(f"  the process tree takes {peak} at its peak, and {files} of mapped files")
    return ["Time of a batch (medians of processes)", *_table(rows), *extra]


def _where(watched: Watched) -> list[str]:
    rows = []
    for part in watched.parts:
        indent = "  " if part.within else ""
        rows.append(
            (
                indent + part.name,
                format_seconds(part.seconds),
                f"{part.seconds / watched.total_s:.1%}" if watched.total_s else "",
            )
        )
    added = sum(part.seconds for part in watched.parts if not part.within)
    rows.append(("all of it, by a clock of its own", format_seconds(watched.total_s), ""))
    cost = watched.cost
    known = f" ({cost.low - 1:+.1%} to {cost.high - 1:+.1%})" if cost.known else ""
    epochs = "an epoch" if watched.epochs == 1 else f"{watched.epochs} epochs"
    off = abs(added - watched.total_s) / watched.total_s if watched.total_s else 0.0
    return [
        f"Where the time goes, in {watched.batches} batches from the beginning of {epochs}",
        *_table(rows),
        f"  the parts add up to within {off:.2%}; watching costs {cost.ratio - 1:+.1%}{known}",
    ]


def cause(tuning: Tuning) -> str:
    """What is to blame, where an experiment bears it out: the single stage that saves most when it
    is free, surely, if no more than a fifth of what could be won is left unexplained.
    """
    gain = tuning.seen.headspace.gain
    first = costliest(tuning.why)
    if gain is None or first is None or tuning.seen.headspace.nothing:
        return ""
    left = _unexplained(tuning.why, gain)
    if first.ratio.high >= 1 - TOLERANCE or left is None or left > _UNEXPLAINED:
        return ""
    where = getattr(tuning.look, first.stages)
    named = f"{first.stages}, by {where}" if where else first.stages
    return f"mostly because of {named}: if it cost nothing, it would save {first.ratio.saved()}"


def _unexplained(freed: tuple[Freed, ...], gain: Ratio) -> float | None:
    """Of what could be won at most, the share that no stage which was freed accounts for; None
    where nothing seems to be won.
    """
    most = 1 - gain.ratio
    return (most - max(1 - one.ratio.ratio for one in freed)) / most if most > 0 else None


def _processes(watched: Watched) -> Iterator[str]:
    stages = watched.stages
    if stages is None:
        return
    yield "What processes did for batches"
    rows = [("", "batches", "fetching", "collating", "pickling", "idle or else")]
    for one in stages.processes:
        rest = max(0.0, one.span_s - one.fetch_s - one.collate_s)
        rows.append(
            (
                one.process,
                str(one.batches),
                format_seconds(one.fetch_s),
                format_seconds(one.collate_s),
                format_seconds(one.pickle_s) if one.process != "main" else "–",
                format_seconds(rest),
            )
        )
    yield from _table(rows)
    dropped = sum(one.dropped for one in stages.processes)
    if dropped:
        yield f"  there was no room for {dropped} stamps: it is at least so much"
    costs = stages.samples
    if costs.count:
        yield (
            f"  a sample takes {format_seconds(costs.median_s)} (median); 90%: "
            f"{format_seconds(costs.p90_s)}, 99%: {format_seconds(costs.p99_s)}, slowest: "
            f"{format_seconds(costs.highest_s)}"
        )
        yield f"  the slowest hundredth takes {format_share(round(costs.slowest_share, 3))} of it"


def _why(freed: tuple[Freed, ...], headspace: Headspace) -> Iterator[str]:
    if not freed:
        return
    yield "If stages cost nothing (tried, with their earlier output in their place)"
    yield from _table([(one.stages, f"saves {one.ratio.saved()}") for one in freed])
    gain = headspace.gain
    if gain is None or headspace.nothing:
        return
    left = _unexplained(freed, gain)
    if left is None:
        return
    yield f"  not explained by these stages: {max(0.0, left * (1 - gain.ratio)):.1%} of the time"
    if left > _UNEXPLAINED:
        yield "  so no cause is named: pickling, transport, start-up or the processors may be it"


def _tried(tuning: Tuning) -> Iterator[str]:
    if not tuning.tried:
        return
    reference = tuning.reference
    against = "yours" if reference == tuning.look.own or reference is None else reference.text()
    yield f"What was tried (time against {against} in the race; only fresh pairs decide)"
    rows = []
    for one in sorted(tuning.tried, key=lambda one: one.ratio or 1e9):
        memory = tuning.memory.get(one.setting)
        unknown = "failed" if one.failed else "not run"
        ratio = f"{one.ratio:.2f}×" if one.ratio is not None else unknown
        peak = format_size(memory.peak_bytes) if memory is not None else ""
        mark = " (yours)" if one.setting == tuning.look.own else ""
        rows.append((one.setting.text() + mark, ratio, peak, one.failed))
    yield from _table(rows)
    for setting, predicted in tuning.refused.items():
        takes = format_size(predicted) if predicted is not None else "an unknown peak"
        yield f"  not run, for its predicted memory: {setting.text()} ({takes})"
    yield from _left_out(tuning)
    if tuning.confirmed is not None:
        fresh, pairs = tuning.confirmed, tuning.confirmed.ratio
        yield (
            f"  {pairs.pairs} fresh pairs: {format_seconds(fresh.own_s)} → "
            f"{format_seconds(fresh.other_s)} a batch; with {DECIDING:.0%} confidence "
            f"{_times(1 / pairs.sure_high)} to {_times(1 / pairs.sure_low)} as fast"
        )


def _left_out(tuning: Tuning) -> Iterator[str]:
    """Settings that were run, and cannot be used for what was then seen of their memory."""
    if tuning.limit_bytes is None:
        return
    for setting, memory in tuning.memory.items():
        if memory.peak_bytes > tuning.limit_bytes:
            yield f"  above --memory: {setting.text()} ({format_size(memory.peak_bytes)})"
    for setting in tuning.predicted:
        if setting not in tuning.memory:
            yield f"  not used, for its peak could not be read: {setting.text()}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns, the first to the left and the others to the right."""
    width = max(len(row) for row in rows)
    filled = [(*row, *[""] * (width - len(row))) for row in rows]
    widths = [max(len(row[column]) for row in filled) for column in range(width)]
    return [
        (
            "  "
            + "  ".join(
                cell.ljust(size) if not column else cell.rjust(size)
                for column, (cell, size) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in filled
    ]
