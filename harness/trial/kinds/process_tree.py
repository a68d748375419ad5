"""A trial that watches the memory of a process tree while a strategy is at work.

Nothing is timed here, so the cyclic collector runs as users have it. In a forked worker that is
no detail: a collection writes to the header of every container, and so copies its page.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

from harness.schema.records import Found, Outcome, Tree, TreeSample
from harness.trial.base import pointers
from harness.trial.base.inputs import folder_of
from harness.trial.base.outcomes import judged
from harness.trial.base.request import BoundStrategy, TrialTask
from harness.trial.meters.fill_holes import fill_holes
from harness.trial.meters.page_cache import file_cache
from harness.trial.meters.page_touch import touch_pages
from harness.trial.meters.process_tree import TreePage, TreeReading
from harness.trial.meters.sent_bytes import SentBytes
from harness.trial.timing.epochs import Counted, Loader, check_epoch
from harness.trial.timing.timed_calls import note_result

_COURSE = 200
"""Readings kept in the record; more would not be seen in a figure."""


class ObserverLostError(Exception):
    """The process that watches the tree has ended or does not answer."""


class TreeWatcher:
    """Readings of the tree at the moments that matter, and what began when.

    Args:
        page: where the observer answers.
    """

    def __init__(self, page: TreePage) -> None:
        self._page = page
        self.first = self._sync()
        self.marks: list[tuple[str, float]] = []

    def _sync(self) -> TreeReading:
        reading = self._page.sync()
        if reading is None:
            raise ObserverLostError("the observer of the process tree does not answer")
        return reading

    def mark(self, name: str) -> None:
        """Note that something begins now."""
        at_s = (time.monotonic_ns() - self.first.at_ns) / 1e9
        self.marks.append((name, at_s))

    def sample(self) -> TreeSample:
        """The tree at this moment."""
        return self._sync().since(self.first)

    def tree(
        self, idle: TreeSample | None, left: TreeSample, sent: SentBytes | None, passes: int
    ) -> Tree:
        """Everything that was seen, the course thinned out; None of what was not counted."""
        self._page.finish()
        course = [reading.since(self.first) for reading in self._page.readings()]
        highest = max(course, key=lambda sample: sample.own_bytes)
        return Tree(
            peak=highest,
            # A loader that does not know its length cannot be asked at its last batch.
            idle=idle or course[-2],
            left=left,
            course=tuple(_thinned(course, highest)),
            marks=tuple(self.marks),
            most_open_files=max(sample.open_files for sample in course),
            most_shm_bytes=max(sample.shm_bytes for sample in course),
            started_bytes=sent.started if sent else None,
            sent_bytes=sent.sent // passes if sent else None,
            received_bytes=sent.received // passes if sent else None,
        )


def _thinned(course: Sequence[TreeSample], always: TreeSample) -> list[TreeSample]:
    step = -(-len(course) // _COURSE)
    last = len(course) - 1
    return [
        sample
        for index, sample in enumerate(course)
        if index % step == 0 or index == last or sample is always
    ]


def measure_growth(task: TrialTask, page: TreePage, found: Found) -> Outcome:
    """Watch one call, or some epochs, of a strategy; every epoch is checked as it goes by.

    Where a scenario trains, batches are touched instead, as training would: a check reads the
    files as well, and their pages would be taken for the loader's.

    Raises:
        ObserverLostError: nobody reads the tree.
    """
    work = task.prepare()
    found.payload_bytes = pointers.data_bytes(work.inputs)
    cache = file_cache(work, folder_of(task.fixture))
    cache.prepare()
    gc.unfreeze()  # what the host had put aside
    gc.enable()
    gc.collect()
    fill_holes()
    with SentBytes() as sent:
        watcher = TreeWatcher(page)
        drive = _epochs if task.scenario.epochs else _call
        outcome, idle, passes = drive(task, work, watcher, found)
        gc.collect()
        watcher.mark("dropped")
        left = watcher.sample()
        found.tree = watcher.tree(idle, left, sent, passes)
    found.unverified = work.unverified
    cache.note_after()
    found.page_cache = cache.found()
    return outcome


def _call(
    task: TrialTask, work: BoundStrategy, watcher: TreeWatcher, found: Found
) -> tuple[Outcome, TreeSample, int]:
    watcher.mark("call")
    result = work.strategy.function(*work.args)
    idle = watcher.sample()
    watcher.mark("check")
    note_result(found, work, result)
    return judged(lambda: work.check(task.scenario, result)), idle, 1


def _epochs(
    task: TrialTask, work: BoundStrategy, watcher: TreeWatcher, found: Found
) -> tuple[Outcome, TreeSample | None, int]:
    watcher.mark("build")
    loader = Loader(lambda: work.strategy.function(*work.args))
    passes = max(1, int(work.parameters.get("passes", 1)))
    idle: list[TreeSample] = []
    outcome = Outcome("ok")
    for number in range(1, passes + 1):
        watcher.mark(f"pass {number}")
        at_end = (lambda: idle.append(watcher.sample())) if number == passes else None
        epoch = Counted(loader, work.inputs, at_end)
        if task.scenario.make_step is None:
            outcome = check_epoch(task.scenario, work, epoch)
        else:
            for batch in epoch:
                touch_pages(batch)
        if not outcome.ok:
            break
    found.result = epoch.summary
    found.shares_memory = epoch.shares_memory
    return outcome, idle[-1] if idle else None, passes
