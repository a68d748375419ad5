"""How far the numbers can be trusted: what to know first, how they were made, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.analysis.wording import percent
from harness.cases.summary import CaseSummary
from harness.host.machine_checks import BUSY_LOAD
from harness.journal.lines import Run
from harness.report.content.imported import foreign_method, is_foreign
from harness.report.words.text import plural
from harness.units import format_seconds

UNSTEADY_SHARE = 0.2
"""From this share of cases with two speeds on, the machine itself was not steady."""
EXACT_MEMORY = "VmHWM"
_STOPPED = {
    "budget": "its budget was spent",
    "interrupted": "it was interrupted",
    "": "it was cut off",
}


def notices(run: Run, rows: Sequence[CaseSummary]) -> tuple[str, ...]:
    """What limits the whole report, the gravest first."""
    return tuple(_notices(run, rows))


def _notices(run: Run, rows: Sequence[CaseSummary]) -> Iterator[str]:
    reached = {trial.case for trial in run.trials}
    planned = [one for one in run.header.plan.cases if not one.skip]
    missing = sum(
        not one.skip and index not in reached for index, one in enumerate(run.header.plan.cases)
    )
    if run.ended != "complete":
        why = _STOPPED.get(run.ended, run.ended)
        yield (
            f"This run is incomplete: {why} when {missing} of {len(planned)} cases had not been "
            "reached. Verdicts speak of the rest."
        )
    for remark in run.remarks:
        yield remark.replace(str(run.path), run.path.name)
    timed = [row for row in rows if row.timed]
    unsteady = sum(row.two_modes for row in timed)
    if timed and unsteady >= UNSTEADY_SHARE * len(timed):
        yield (
            f"The machine was not steady: {unsteady} of {len(timed)} timed cases ran at two "
            "speeds. Trust ratios more than times, and memory more than both."
        )
    environment = run.header.environment
    if environment.load_1m > BUSY_LOAD * max(1, environment.processors):
        yield (
            f"Other work was running as this began: load {environment.load_1m:.2f} on "
            f"{plural(environment.processors, 'processor')}."
        )
    if timed and not run.ceilings and not is_foreign(run):
        yield "No ceilings were measured, so throughput has nothing to be compared with."
    sources = {row.memory_source for row in rows if row.memory_source}
    for source in sorted(source for source in sources if "lower bound" in source):
        yield f"Peak memory is not exact here: {source}."


def method(run: Run, rows: Sequence[CaseSummary]) -> tuple[str, ...]:
    """How the numbers came about, one sentence or two each."""
    return tuple(_method(run, rows))


def _method(run: Run, rows: Sequence[CaseSummary]) -> Iterator[str]:
    if is_foreign(run):
        yield from foreign_method(run, rows)
        return
    effort = run.header.plan.effort
    processes = plural(effort.trials, "process", "processes")
    yield from (
        f"**Every case runs in processes of its own**: one watched for memory, {processes} for "
        "time. Their order is drawn from the seed, and a strategy and its baseline stay "
        "neighbours, so that a drifting machine slows both.",
        "**First call** is the first one in a fresh process with data of this size, after the "
        "same function has met a tiny input. **Steady state** is what follows: "
        f"{format_seconds(effort.steady_s)} of samples in each process, a call's result freed "
        "outside the timed region wherever a sample is one call.",
        "**Ratios** pair each process with the baseline's of the same round; below 1× is faster.",
        f"**Intervals** are over processes, each counted by its median sample. {_coverage(rows)}",
        "**Extra memory** is the high-water mark of resident memory (VmHWM, reset before the "
        "first call) above what the process held before, with the inputs made beforehand. "
        "**Copies** leave file pages out. Both are multiples of the data.",
        "**Share of ceiling** compares with what memcpy reaches in the same run into memory of "
        "the same kind: already touched, or fresh pages. Above 100% the data comes from a cache, "
        "or is only read, as by a sum. A cast counts as the mean of what it reads and writes.",
        *_of_loaders(rows),
        *_of_trees(rows),
        *_of_training(rows),
        *_of_page_cache(run, rows),
        *_of_limits(rows),
        "**Shares memory** is proved by addresses, and every result is compared with the "
        "reference: a fast wrong answer is an outcome, never a time.",
        "**A winner** is named only when its intervals of times and of ratios to the baseline "
        "both lie apart from those of every rival, or its ratios by a quarter. Where none is, "
        "choose by taste.",
    )


def _of_loaders(rows: Sequence[CaseSummary]) -> Iterator[str]:
    if not any(row.loading for row in rows):
        return
    yield (
        "**Loaders** are driven as a training loop would, with nothing done to a batch, and each "
        "is dropped once the next has come. **First batch** is the time from making the loader to "
        "its first batch in a fresh process; **per sample** is the time of a whole later epoch, "
        "from `iter()` to its end, divided by its samples. Workers start and end within that "
        "time unless they persist. Extra memory is that of the loading process alone."
    )
    yield (
        "**Phases** follow each other: making the loader, `iter()`, the first batch, the other "
        "batches, the end. The throughput of a loader is the bytes of its batches a second; "
        "batches that workers made are compared with no ceiling."
    )


def _of_trees(rows: Sequence[CaseSummary]) -> Iterator[str]:
    if not any(row.tree for row in rows):
        return
    yield (
        "**The whole tree** is a process with its workers, watched from outside in a process of "
        "its own that is never timed. Its memory is summed as PSS, which divides every page by "
        "the number of processes that share it, and given as growth since before the strategy was "
        "called. File pages, which the system can take back and other programs share, are left "
        "out. **Adding up RSS**, as `top` invites to, counts shared pages once for each "
        "process. Memory that workers take and give back between two readings is missed."
    )


def _of_training(rows: Sequence[CaseSummary]) -> Iterator[str]:
    if not any(row.training for row in rows):
        return
    yield (
        "**Training** is real: on every batch an optimiser's step is taken, or as much is "
        "multiplied as takes the milliseconds asked for. The step **stands still** in all of an "
        "epoch that is not within a step: starting, waiting for batches, and the end. A step that "
        "does not lower the loss is wrong. Times per sample and a second contain the steps. "
        "Extra memory is without pages of files, which are told apart: the system can take them "
        "back. "
        "Where memory is watched nothing is learnt, but every page of every batch is touched."
    )


def _of_page_cache(run: Run, rows: Sequence[CaseSummary]) -> Iterator[str]:
    cold = [row.cache for row in rows if row.cache and row.cache.state == "cold"]
    if not cold:
        return
    stayed = max(cache.before for cache in cold)
    virtual = (
        " This is a virtual machine, whose host may still keep what was evicted here: the ceilings "
        "of the disk say whether reading it again was faster."
        if run.header.environment.hypervisor
        else ""
    )
    yield (
        "**Cold** files are evicted from the page cache before every epoch, with the loader "
        "dropped, and what stays is counted (mincore): a trial in which 1% of a file does is "
        f"skipped. At the most {percent(stayed)} stayed, in {plural(len(cold), 'case')}. The time "
        "in which the loader is made anew is part of a cold epoch. **Warm** files are read once "
        f"before.{virtual}"
    )


def _of_limits(rows: Sequence[CaseSummary]) -> Iterator[str]:
    if not any(row.limit for row in rows):
        return
    yield (
        "**The largest size** is searched in fresh processes, each under a limit that the system "
        "enforces, from where the cost model expects it, until a size that survives and one that "
        "fails lie half a percent of the budget apart. The budget is everything the process may "
        "have: Python, NumPy and torch have a part of it before any data. What a byte of data "
        "**takes** is what is left of the budget by the largest size. **Predicted** is what is "
        "left by the data in memory and the declared copies."
    )
    yield (
        "**Limits differ in what they count.** `RLIMIT_DATA` counts private memory that can be "
        "written to, touched or not; neither shared memory nor mapped files. `RLIMIT_AS` counts "
        "all addresses, also those that are only reserved, as threads and allocators do. A "
        "control group counts what is resident of all processes in it, with their page cache, "
        "from when they entered it: what a trial shares with the process it was forked from is "
        "not charged to it. It ends in a kill, not in an exception. The first two hold for each "
        "process by itself, so that workers have a budget each."
    )
    yield (
        "**Larger memories** are told of only where the model agrees with what was found, to 2% "
        "of the largest size: what is taken before any data is taken off, the rest grows in "
        "proportion. Nothing else on the machine is counted."
    )


def _coverage(rows: Sequence[CaseSummary]) -> str:
    timed = Counter((row.trials, round(row.steady.coverage, 4)) for row in rows if row.timed)
    if not timed:
        return "No case was timed."
    coverage = timed.most_common(1)[0][0][1]
    if coverage == 0:
        return "One process has no interval."
    held = f"{coverage:.0%}" if coverage < 0.995 else f"{coverage:.1%}"
    return (
        "The narrowest range that holds the true median with 95% probability is shown; with few "
        f"processes it is the whole range, which holds it with {held} here."
    )


def not_measured(run: Run) -> tuple[str, ...]:
    """What these numbers are silent about."""
    effort = run.header.plan.effort
    silent = [
        "What other programs on the same machine cost, and what workers cost each other's caches."
        if any(trial.tree for trial in run.trials)
        else "What other programs, and other processes of the same one, cost each other.",
        *_device_silence(run),
        "Memory that is reserved but never touched.",
        "What else uses the disk, and what its own cache holds: a cold file is read from both."
        if any(trial.page_cache and trial.page_cache.state == "cold" for trial in run.trials)
        else "Anything slower than the page cache: all data is in memory.",
    ]
    if not effort.collect_garbage:
        silent.append("Pauses of Python's cyclic collector, which is off while timing.")
    return tuple(silent)


def _device_silence(run: Run) -> list[str]:
    """What is not known of an accelerator."""
    if not any(trial.device_timing for trial in run.trials):
        return ["Memory on an accelerator, and copies to and from one."]
    if any(trial.device_memory and trial.device_memory.context_bytes for trial in run.trials):
        return ["Work that an accelerator does for other processes."]
    return ["What an accelerator's context takes: that needs nvidia-ml-py, and a device of NVIDIA."]
