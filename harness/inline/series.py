"""Some functions, measured from one and the same state of this process."""

from __future__ import annotations

from collections.abc import Sequence

from harness.closing import Closing
from harness.host import OBSERVED
from harness.inline import remarks, safety
from harness.inline.course import Course
from harness.inline.forked import ForkedHost
from harness.inline.job import Job
from harness.inline.measurement import Measurement
from harness.inline.reference import Reference
from harness.inline.trial import TASK, Trials
from harness.model import Effort, TrialKind
from harness.trial.interpreter import gil


class Series(Closing):
    """Forks this process when it is made; what changes here later is not seen by its trials.

    Args:
        jobs: what is called; without checks of their own, all their results must agree.
        effort: how hard each is measured.
        warm: whether each is called once before its memory is measured.

    Raises:
        UnableError: this process cannot be forked.
    """

    def __init__(self, jobs: Sequence[Job], effort: Effort, *, warm: bool = True) -> None:
        safety.refuse_unless_forkable()
        self.effort = effort
        self.warm = warm
        doubts = remarks.doubts(openmp_paused=safety.pause_openmp(), gil=gil())
        others = safety.other_threads()
        self.courses = [Course(job, others, doubts) for job in jobs]
        self._reference = Reference()
        try:
            self._host = ForkedHost({TASK: Trials(jobs, effort, self._reference).run})
        except BaseException:
            self._reference.close()
            raise

    def close(self) -> None:
        self._host.close()
        self._reference.close()

    def find_memory(self, index: int) -> None:
        """The first call, and then another where there is to be one."""
        self._try(index, "memory", 0)
        if self.warm:
            self._try(index, "memory", 1)

    def find_time(self, index: int, number: int) -> None:
        """One more process that measures time."""
        self._try(index, "time", number)

    def _try(self, index: int, kind: TrialKind, number: int) -> None:
        """One trial, unless the function has failed before."""
        course = self.courses[index]
        if course.failed is not None:
            return
        request = {
            "job": index,
            "kind": kind,
            "warm": kind == "memory" and number > 0,
            "restored": course.changed,
            "probes_changes": not course.trials,
        }
        timeout_s = self.effort.timeout_s
        report = self._host.call(
            TASK, request, timeout_s, observe=OBSERVED.get(kind, ""), file=course.job.file
        )
        course.add(report, kind, number, timeout_s)

    def measurement(self, index: int) -> Measurement:
        """All that is known of a function by now."""
        return self.courses[index].measurement()
