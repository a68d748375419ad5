"""One call in this process, watched by one tool."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.schema.profile import Lines, Profiled, Tool, Watching
from harness.schema.records import Outcome
from harness.schema.strict import from_fields, set_fields
from harness.trial.base.process import (
    keep_no_free_memory,
    release_free_memory,
    use_small_pages,
)
from harness.trial.base.queued_work import accelerator_in_use
from harness.trial.meters.fill_holes import fill_holes, give_back_pools
from harness.trial.meters.python_arenas import Arenas
from harness.trial.profiling.by_memory_profiler import by_memory_profiler
from harness.trial.profiling.by_memray import by_memray
from harness.trial.profiling.by_perf import by_perf
from harness.trial.profiling.by_viztracer import by_viztracer
from harness.trial.profiling.calibration import line_event_s
from harness.trial.profiling.line_watch import LineWatch
from harness.trial.profiling.lines_page import BOUNDARY_NS, LinesPage
from harness.trial.profiling.outcome import outcome_of
from harness.trial.profiling.target import Target

_Watch = Callable[[Target, Watching, LinesPage | None, Profiled], Profiled]
"""Has one tool watch a target, and adds what it saw to what is known."""


def watch_call(target: Target, watching: Watching, page: LinesPage | None) -> dict[str, Any]:
    """Make the call, and say what the tool saw; what was seen line by line is on the page.

    Args:
        target: what to call.
        watching: how.
        page: shared with an observer; None where there is none, and the answer has what it holds.
    """
    found = Profiled(
        outcome=Outcome("ok"),
        label=target.label,
        file=target.file,
        payload_bytes=target.payload_bytes,
        refused=target.refused,
    )
    if not found.refused:
        found = _TOOLS[watching.tool](target, watching, page, found)
    return set_fields(found)


def _warm(target: Target, watching: Watching) -> None:
    if watching.warm:
        outcome_of(target)


def _by_lines(
    target: Target, watching: Watching, page: LinesPage | None, found: Profiled
) -> Profiled:
    """Memory is brought into the state in which trials measure it, and watched by line."""
    keep_no_free_memory()
    use_small_pages()
    own_page = page or LinesPage()
    _warm(target, watching)
    watch = LineWatch(own_page, target.watched(watching.files), observed=page is not None)
    watch.learn([target.file, *watching.files])
    gc.collect()
    gc.disable()
    give_back_pools(fill_holes())
    release_free_memory()
    if page is not None and not page.start():
        watch.observed = False
    outcome = outcome_of(target, watch.run)
    room_bytes = Arenas.now().room_bytes
    own_page.words[BOUNDARY_NS] = round(line_event_s() * 1e9)
    lines = from_fields(Lines, own_page.read()) if page is None else None
    return replace(
        found,
        outcome=outcome,
        arenas_room_bytes=room_bytes,
        lines=lines,
        accelerator=accelerator_in_use(),
    )


def _by_memory_profiler(
    target: Target, watching: Watching, page: LinesPage | None, found: Profiled
) -> Profiled:
    _warm(target, watching)
    sampled, outcome, refused = by_memory_profiler(target)
    return replace(found, sampled=sampled, outcome=outcome, refused=refused)


def _recorded(by_tool: Callable[[Target, str], tuple[Outcome, str]]) -> _Watch:
    """By a tool that writes all it has to say to its output."""

    def watch(
        target: Target, watching: Watching, page: LinesPage | None, found: Profiled
    ) -> Profiled:
        _warm(target, watching)
        outcome, refused = by_tool(target, watching.output)
        return replace(found, outcome=outcome, refused=refused)

    return watch


def _by_perf(
    target: Target, watching: Watching, page: LinesPage | None, found: Profiled
) -> Profiled:
    _warm(target, watching)
    counted, outcome, refused = by_perf(target, watching.output)
    return replace(found, counted=counted, outcome=outcome, refused=refused)


_TOOLS: Mapping[Tool, _Watch] = {
    "lines": _by_lines,
    "memory_profiler": _by_memory_profiler,
    "memray": _recorded(by_memray),
    "viztracer": _recorded(by_viztracer),
    "perf": _by_perf,
}
