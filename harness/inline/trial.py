"""One trial of a function that this process inherited from the one it was forked from.

The first trial of a function calls it once: what comes of it is the reference for all others,
and whether it changed its arguments is known from then on. Where it did, later trials
restore them before each call, from copies made before anything is measured.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness.inline.call import Job
from harness.inline.call_faults import median_faults
from harness.inline.costs import UNVERIFIED, UNVERIFIED_AS_ASKED, Repeats
from harness.inline.probe import Probe, blaming_ferrybench
from harness.inline.restoring import Saved
from harness.inline.snapshot import DifferentError, Snapshot
from harness.inline.threads_and_children import Holdings, holdings, left_since
from harness.schema.records import UNFINISHED, Effort, Found, Outcome
from harness.schema.request import TaskRequest
from harness.schema.strict import set_fields
from harness.trial.base import pointers
from harness.trial.base.contents import contents_of
from harness.trial.base.outcomes import failure, judged, one_line
from harness.trial.base.process import keep_no_free_memory, release_free_memory, use_small_pages
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_memory import open_meter
from harness.trial.tasks import Provided
from harness.trial.timing.clock import Stopwatch
from harness.trial.timing.heap_layout import lay_out, layout_can_be_drawn
from harness.trial.timing.steps import SteadyState, noted_warnings, take_steps

BY_CHECK = "by check="
_TRACEBACK_CHARACTERS = 4000
_HARNESS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class CallRequest(TaskRequest):
    """Which trial of which function."""

    task: ClassVar[str] = "inline"
    job: int
    kind: str  # memory or time
    warm: bool  # call it once before anything is measured
    restored: tuple[int, ...]  # inputs to be restored before each call
    probes_changes: bool  # see which inputs a call changes
    layout_seed: int | None = None  # see harness.trial.timing.heap_layout; as it is, if not given


@dataclass(kw_only=True)
class CallFound(Found):
    """What a trial of a function finds out: some of it is in no journal."""

    verified: str = ""  # how the result was checked
    lazy: bool = False  # the result has yet to be gone through
    changed: tuple[int, ...] = ()  # inputs that the call changed
    unclear: str = ""  # an input of which that cannot be told
    used_up: str = ""  # what of its arguments the call used up
    once_only: str = ""  # what of them it may have used up
    payload_source: str = ""  # whose the payload is
    payload_unknown: str = ""  # why its bytes are not known
    sharing_unknown: str = ""  # why it is not known whether the result shares memory
    left: Holdings | None = None  # what was open or running after it, and not before
    accelerator: str = ""  # which one it used; calls ended when nothing was left to do there
    repeats: Repeats | None = None  # what calls in the steady state added
    traceback: str = ""


class Trials:
    """Runs steps; lives in the host, and is inherited by each trial."""

    def __init__(self, jobs: Sequence[Job], effort: Effort, reference: Snapshot) -> None:
        self.jobs = jobs
        self.effort = effort
        self.reference = reference

    def run(self, step: CallRequest, provided: Provided) -> dict[str, Any]:
        """One trial; returns what was found out: fields of CallFound, those that are set."""
        job = self.jobs[step.job]
        leave_parent_behind()
        if step.kind == "memory":
            keep_no_free_memory()
            use_small_pages()
        if step.layout_seed is not None and layout_can_be_drawn():
            lay_out(step.layout_seed)
        found = CallFound(outcome=UNFINISHED)
        if not self.effort.collect_garbage:
            gc.disable()
        try:
            assert provided.page is None or isinstance(provided.page, WatchPage)
            found.outcome = self._measure(job, step, provided.page, found)
        except BaseException as error:  # noqa: BLE001 — whatever a function raises is a result
            found.outcome = failure(error, job.file)
            found.traceback = _traceback(error)
        torch = sys.modules.get("torch")
        found.threads = torch.get_num_threads() if torch is not None else 0
        return set_fields(found)

    def _measure(
        self, job: Job, step: CallRequest, page: WatchPage | None, found: CallFound
    ) -> Outcome:
        if job.setup is not None:
            job = job.prepared()
            job.refuse_shared()
        live = Live(job, self.reference, step)
        found.payload_bytes = job.payload.nbytes
        found.payload_source, found.payload_unknown = job.payload.said_source, job.payload.unknown
        if step.warm:
            with noted_warnings(found):
                live.watch.one_call()
            live.restore()
        probe = Probe(job) if step.probes_changes else None
        before = holdings()
        outcome = take_steps(live, page, self.effort, found, timed=step.kind == "time")
        found.left = left_since(before)
        found.accelerator = live.watch.accelerator
        if probe is not None:
            found.used_up, found.once_only = probe.used_up(), probe.once_only()
            found.changed = probe.changed()
            found.unclear = probe.unclear(found.changed)
        return outcome


class NoFiles:
    """There are none that would have to be kept in some state."""

    def prepare(self) -> None:
        """Nothing to be put into it."""

    def note_after(self) -> None:
        """Nothing to be seen."""

    def found(self) -> None:
        """Nothing was."""


class Live:
    """A call of a function with the very arguments it was given."""

    reuses_result = False  # results are made anew
    cache = NoFiles()

    def __init__(self, job: Job, reference: Snapshot, step: CallRequest) -> None:
        function, kwargs = job.call
        self.job = job
        self.reference = reference
        self.step = step
        self.watch = Stopwatch(function, job.args, kwargs=kwargs)
        self.clock_cost_s = self.watch.clock_cost_ns / 1e9
        self.first_s = 0.0
        self.result: Any = None
        with blaming_ferrybench("copying its arguments"):
            self._pristine = [Saved(job.inputs[index]) for index in step.restored]

    def restore(self) -> None:
        """Undo what a call did to its arguments."""
        with blaming_ferrybench("restoring its arguments"):
            for saved in self._pristine:
                if self.step.kind == "memory":
                    saved.restore_pages()
                else:
                    saved.restore()

    def first(self) -> None:
        self.result, first_ns = self.watch.one_call()
        self.first_s = first_ns / 1e9
        release_free_memory()  # what the allocator keeps is not kept by the function

    def verify(self, found: CallFound) -> Outcome:
        self._note(found)
        outcome = judged(lambda: self._check(found))
        release_free_memory()  # of the check, or dropping the result would seem to give it back
        return outcome

    def _note(self, found: CallFound) -> None:
        """What can be said of the result without looking at its values."""
        found.lazy = _is_lazy(self.result)
        with blaming_ferrybench("looking at its result"):
            made = contents_of([self.result])
            shares, found.sharing_unknown = pointers.sharing(self.job.payload.contents, made)
            found.shares_memory = shares
            found.result_bytes = made.nbytes
            found.result = pointers.summary(self.result)

    def _check(self, found: CallFound) -> None:
        check = self.job.check
        if check is False:
            found.verified = UNVERIFIED_AS_ASKED
        elif check is None:
            found.verified = self._compared()
        else:
            found.verified = BY_CHECK
            said = check(self.result)
            if said is not None and not said:
                raise AssertionError(f"check= returned {bool(said)}")

    def _compared(self) -> str:
        try:
            return self.reference.check(self.result, self.job.label)
        except DifferentError:
            raise
        except Exception as error:  # noqa: BLE001 — ours, or of an object that cannot be opened
            return f"{UNVERIFIED}: comparing failed: {one_line(f'{type(error).__name__}: {error}')}"

    def drop(self) -> None:
        self.result = None
        gc.collect()
        release_free_memory()

    def steady(self, effort: Effort, warmed: Callable[[], None], found: CallFound) -> SteadyState:
        if self._pristine:
            self.watch.restore = self.restore
        meter = open_meter()
        before, anon_bytes = Holdings(), 0

        def begin() -> None:
            nonlocal before, anon_bytes
            before, anon_bytes = holdings(), meter.read().rss.anon_bytes
            warmed()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they have been noted
            steady = self.watch.steady(effort, begin)
            faults, calls = median_faults(self.watch.one_call, effort.steady_s)
        gc.collect()
        release_free_memory()  # only now: giving it back before the samples would cost them faults
        grown_bytes = max(0, meter.read().rss.anon_bytes - anon_bytes)
        more = left_since(before)
        found.repeats = Repeats(
            calls=steady.calls + calls,
            descriptors=None if more.descriptors is None else len(more.descriptors),
            processes=None if more.processes is None else len(more.processes),
            anon_bytes=grown_bytes,
        )
        samples_s = [ns / 1e9 for ns in steady.samples_ns]
        return SteadyState(
            samples_s, steady.calls, steady.calls_per_sample, steady.apart, faults=faults
        )


def _is_lazy(result: Any) -> bool:
    """Whether a result has yet to be gone through, so that a call has done next to nothing."""
    return hasattr(result, "__next__")


def _traceback(error: BaseException) -> str:
    """Where the function raised, without the frames that called it."""
    inside = error.__traceback__
    while inside is not None and inside.tb_frame.f_code.co_filename.startswith(_HARNESS):
        inside = inside.tb_next
    lines = traceback.format_exception(error.with_traceback(inside))
    return "".join(lines)[-_TRACEBACK_CHARACTERS:]


def leave_parent_behind() -> None:
    """Let go of what belongs to the process this one came from: streams, and who traces it.

    A notebook's streams, and those in which pytest catches output, hold text that is not this
    process's to write; coverage and debuggers would be timed along.
    """
    sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 — for as long as the process lasts
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    sys.settrace(None)
    sys.setprofile(None)
    monitoring: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
    for tool in range(6) if monitoring else ():
        if monitoring.get_tool(tool) is not None:
            monitoring.set_events(tool, 0)
