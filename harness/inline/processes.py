"""Some functions, measured from one and the same state of this process."""

from __future__ import annotations

from collections.abc import Sequence

from harness.host.closing import Closing
from harness.host.host import OBSERVED_FOR
from harness.inline import fork_safety, remarks
from harness.inline.call import Job
from harness.inline.forked_host import ForkedHost
from harness.inline.measurement import Measurement
from harness.inline.one_process import ProcessRun
from harness.inline.snapshot import Snapshot
from harness.inline.trial import CallRequest, Trials
from harness.schema.records import Effort, TrialKind
from harness.trial.interpreter import gil
from harness.trial.tasks import Task


class Processes(Closing):
    """Forks this process when it is made; what changes here later is not seen by its trials.

    Args:
        jobs: what is called; without checks of their own, all their results must agree.
        effort: how hard each is measured.
        warm: whether each is called once before its memory is measured.

    Raises:
        UnableError: this process cannot be forked.
        UsageError: a function could change memory that a fork does not isolate.
    """

    def __init__(self, jobs: Sequence[Job], effort: Effort, *, warm: bool = True) -> None:
        fork_safety.refuse_unless_forkable()
        for job in jobs:
            job.refuse_shared()
        self.effort = effort
        self.warm = warm
        doubts = remarks.doubts(openmp_paused=fork_safety.pause_openmp(), gil=gil())
        others = fork_safety.other_threads()
        self.runs = [ProcessRun(job, others, doubts) for job in jobs]
        self._reference = Snapshot()
        try:
            trials = Trials(jobs, effort, self._reference)
            self._host = ForkedHost({CallRequest.task: Task(CallRequest, trials.run)})
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
        run = self.runs[index]
        if run.failed is not None:
            return
        request = CallRequest(
            job=index,
            kind=kind,
            warm=kind == "memory" and number > 0,
            restored=run.changed,
            probes_changes=not run.trials,
            # What is compared has one layout, and the next trial another: this process has but one.
            layout_seed=number if kind == "time" else None,
        )
        timeout_s = self.effort.timeout_s
        report = self._host.call(
            request, timeout_s, observe=OBSERVED_FOR.get(kind, ""), file=run.job.file
        )
        goes_on = self.warm or self.effort.trials > 0
        run.add(report, kind, number, timeout_s, goes_on=goes_on and run.job.setup is None)

    def measurement(self, index: int) -> Measurement:
        """All that is known of a function by now."""
        return self.runs[index].measurement()
