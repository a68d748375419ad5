"""What watching costs: a loop of two lines, with and without."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.trial.profiling.line_watch import LineWatch
from harness.trial.profiling.lines_page import BOUNDARIES, LinesPage

_TIMES, _TIMES_BEFORE = 300, 30


def _loop(times: int) -> None:
    for _ in range(times):
        pass


def line_event_s() -> float:
    """Seconds that one more line event costs in this process, all that is read at it included.

    What only the first ones need is left out: pages of the process that it was forked from.
    """
    _watched_s(_TIMES_BEFORE)
    watched_s, events = _watched_s(_TIMES)
    return max(0.0, watched_s - _seconds(lambda: _loop(_TIMES))) / max(1, events)


def _watched_s(times: int) -> tuple[float, int]:
    own, page = _loop.__code__, LinesPage()
    watch = LineWatch(page, lambda frame: frame.f_code is own, observed=False)
    taken_s = _seconds(lambda: watch.run(lambda: _loop(times)))
    return taken_s, int(page.words[BOUNDARIES])


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
