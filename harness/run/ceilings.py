"""What this machine can do at best, measured in the same run as what is held against it.

Which ceilings there are to measure follows from what the trials so far found out: of which kind of
work each case is, of how many bytes, with how many threads. So there is one only where a case will
be held against it, at that case's size, and none before the first trial. Each is measured once, and
again only where the machine has become faster since: a probe before each round tells, and so does a
trial that was faster than its ceiling.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.host.answers import answer_as
from harness.host.environment import available_bytes
from harness.host.host import Host
from harness.host.inputs import FixtureStore
from harness.journal.lines import CeilingLine, Plan
from harness.planning.work import NO_COPYING, work_of
from harness.schema.description import ScenarioInfo
from harness.schema.records import (
    BY_DIRECTION,
    DEVICE_BOTH,
    DEVICE_COPY,
    TIMED,
    Ceiling,
    Trial,
    Work,
)
from harness.schema.request import TOO_LATE, CeilingsRequest

TIMEOUT_S = 120.0
GRACE_S = 10.0  # for the one that is being measured when the time is up
CHANGED = 1.05
"""From this factor on, something is faster than what was measured before allows."""
PROBED_BYTES = 4 * 1024**2
"""The largest copy that a probe repeats; it takes some milliseconds."""
GUESSED_S = 0.03
GUESSED_BYTES_PER_S = 1e9
"""What a ceiling is expected to take before one was measured: some time each, and by its bytes."""
MEMORY_SHARE = 0.25
"""Of the free memory, for what a ceiling reads or writes."""


class Ceilings:
    """The ceilings that the cases of a run are held against, as far as they are known.

    Args:
        plan: of the run.
        infos: its scenarios, by name.
        trials: those that an interrupted run already has.
        lines: its ceilings.
    """

    def __init__(
        self,
        plan: Plan,
        infos: Mapping[str, ScenarioInfo],
        trials: Iterable[Trial] = (),
        lines: Iterable[CeilingLine] = (),
    ) -> None:
        self._plan = plan
        self._infos = infos
        self._works: dict[int, tuple[Work, ...]] = {}
        self._best: dict[Work, float] = {}
        self._beaten: set[Work] = set()
        for line in lines:
            if line.ceiling.bytes_per_s:  # what was not measured, for want of time, may be now
                self._learn(line.ceiling)
        for trial in trials:
            self.note(trial)

    def note(self, trial: Trial) -> None:
        """Take note of a trial that has ended: of its work, and whether it beats its ceiling."""
        if trial.kind in ("probe", "limit"):
            return
        planned = self._plan.cases[trial.case]
        if not self._works.get(trial.case):
            works = work_of(planned, self._infos[planned.case.scenario], [trial])
            self._works[trial.case] = tuple(work for work in works if work.kind)
        works = self._works[trial.case]
        if trial.kind not in TIMED or not (works and trial.timing and trial.timing.samples_s):
            return
        work = works[-1]
        known = self._best.get(work.rounded(), 0.0)
        rate = work.moved_bytes / statistics.median(trial.timing.samples_s)
        if CHANGED * known < rate < NO_COPYING * known:
            self._beaten.add(work.rounded())

    @property
    def wanted(self) -> list[Work]:
        """What is to be measured now: what is not known, and what was beaten."""
        works = [work.rounded() for found in self._works.values() for work in found]
        for ends in (DEVICE_BOTH, DEVICE_COPY):
            links = [work.read_bytes for work in works if work.kind in BY_DIRECTION.values()]
            works += [Work(ends, max(links))] if links else []
        return list(
            dict.fromkeys(work for work in works if work not in self._best or work in self._beaten)
        )

    def expected_s(self) -> float:
        """How long that should take."""
        return math.fsum(
            GUESSED_S + (work.read_bytes + work.written_bytes) / GUESSED_BYTES_PER_S
            for work in self.wanted
        )

    def measure(
        self, host: Host, fixtures: FixtureStore, number: int, allowed_s: float = math.inf
    ) -> Iterator[CeilingLine]:
        """Measure what is wanted.

        Args:
            host: where.
            fixtures: whose files lie on the disk that counts.
            number: of the round that begins.
            allowed_s: how long all of it may take; what does not fit says so.
        """
        free_bytes = MEMORY_SHARE * available_bytes()
        wanted = self.wanted
        for ceiling in _measured(host, fixtures, wanted, allowed_s, free_bytes):
            self._learn(ceiling)
            yield CeilingLine(number, ceiling)
        self._beaten.clear()

    def probe(self, host: Host, fixtures: FixtureStore, number: int) -> Iterator[CeilingLine]:
        """Repeat one ceiling; if it is higher by now, all of memory's are wanted again."""
        copies = [
            work
            for work, rate in self._best.items()
            if rate and work.kind == "copy" and work.read_bytes <= PROBED_BYTES
        ]
        if not copies:
            return
        probed = max(copies, key=lambda work: work.read_bytes)
        before = self._best[probed]
        for ceiling in _measured(host, fixtures, [probed], TIMEOUT_S, math.inf, passes=1):
            self._learn(ceiling)
            yield CeilingLine(number, ceiling)
            if ceiling.bytes_per_s > CHANGED * before:
                self._beaten |= {work for work in self._best if _family(work) == "memory"}

    def _learn(self, ceiling: Ceiling) -> None:
        if ceiling.work is not None:
            known = self._best.get(ceiling.work, 0.0)
            self._best[ceiling.work] = max(known, ceiling.bytes_per_s)


def _family(work: Work) -> str:
    """Kinds that are measured in one process: what cannot be of one leaves the others alone."""
    family = work.kind.partition("_")[0]
    return family if family in ("disk", "device", "handover") else "memory"


def _measured(
    host: Host,
    fixtures: FixtureStore,
    works: Sequence[Work],
    allowed_s: float,
    free_bytes: float,
    passes: int = 2,
) -> Iterator[Ceiling]:
    left_s = allowed_s
    for family in dict.fromkeys(map(_family, works)):
        own = [work for work in works if _family(work) == family]
        fitting = [work for work in own if max(work.read_bytes, work.block_bytes) <= free_bytes]
        yield from _without(set(own) - set(fitting), "there is too little free memory")
        limit_s = min(TIMEOUT_S, left_s)
        request = CeilingsRequest(tuple(fitting), str(fixtures.scratch), limit_s, passes)
        if limit_s <= 0 or not fitting:
            yield from _without(fitting, TOO_LATE)
            continue
        with fixtures.clean_scratch():
            report = host.call(request, limit_s + GRACE_S)
        left_s -= report.wall_s
        if report.answer is None:
            yield from _without(fitting, report.failure(limit_s).reason)
        else:
            yield from answer_as(list[Ceiling], report.answer["ceilings"])


def _without(works: Iterable[Work], why: str) -> Iterator[Ceiling]:
    for work in works:
        note = f"not measured: {why}"
        yield Ceiling(work.kind, work.threads, work.read_bytes, 0.0, note=note, work=work)
