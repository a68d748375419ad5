"""A user's own loader across the process boundary: what is asked of a trial, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.schema.records import Outcome
from harness.schema.request import TaskRequest

Way = Literal["run", "ready", "watched", "data"]
"""``run``: batches as the loader gives them. ``ready``: some batches are taken first and given
again and again, as an infinitely fast loader would. ``watched``: as run, with the time of every
stage. ``data``: every sample is hashed, and nothing is timed."""
Stage = Literal["fetch", "collate"]


@dataclass(frozen=True)
class LoaderSetting:
    """The parameters of a ``DataLoader`` that change how batches are made, and not which.

    Args:
        num_workers: processes that make batches; 0 makes them in the training process.
        prefetch_factor: batches that each worker makes ahead; None without workers.
        persistent_workers: whether workers stay from one epoch to the next.
        pin_memory: whether batches are copied to memory that an accelerator reads directly.
    """

    num_workers: int
    prefetch_factor: int | None = None
    persistent_workers: bool = False
    pin_memory: bool = False

    def arguments(self) -> dict[str, int | bool]:
        """As they are passed to ``DataLoader``."""
        given: dict[str, int | bool] = {"num_workers": self.num_workers}
        if self.num_workers:
            given["prefetch_factor"] = self.prefetch_factor or 2
            given["persistent_workers"] = self.persistent_workers
        return given | {"pin_memory": self.pin_memory}

    def text(self) -> str:
        """As it is pasted."""
        return ", ".join(f"{name}={value}" for name, value in self.arguments().items())


@dataclass(frozen=True)
class LoaderRequest(TaskRequest):
    """One fresh process with the user's loader.

    Args:
        file: where the loader is defined; empty where it comes from the user's own process.
        name: of it in that file.
        step_file: where the step is defined; empty for none, or one of a known length.
        step_name: of it in that file.
        step_ms: length of a step that sleeps.
        way: what is done with the batches.
        stepped: whether a step is taken on each.
        setting: to be used instead of the user's own.
        free: stages that are replaced by their own earlier output.
        batches: how many to take; a loader that has fewer is begun again.
        skip: batches of a pass that do not count, since workers have only begun; at least 1.
        seconds: take no further batch after so long.
        folder: for the stamps of the processes that are watched.
        seed: of the global generators of Python, NumPy and torch, set before the loader is made.
    """

    task: ClassVar[str] = "loader"
    file: str = ""
    name: str = ""
    step_file: str = ""
    step_name: str = ""
    step_ms: float = 0.0
    way: Way = "run"
    stepped: bool = False
    setting: LoaderSetting | None = None
    free: tuple[Stage, ...] = ()
    batches: int = 8
    skip: int = 1
    seconds: float = 1.0
    folder: str = ""
    seed: int = 0

    def scenario_file(self) -> str:
        return self.file


@dataclass(frozen=True)
class LoaderLook:
    """What the user's loader is.

    Args:
        kind: of the object that gives batches, by its class.
        dataset: its class; empty where there is no DataLoader.
        own: the user's setting; None where there is no DataLoader to tune.
        length: batches of an epoch as the loader says; None where it does not.
        start_method: of its workers, where the loader names one; empty for the default.
        iterable: whether its dataset is iterable-style.
        accelerator: whether this interpreter can use one.
        fetching: the function that fetches samples, and its line; empty where it is not Python's.
        collating: that makes batches of them.
    """

    kind: str
    dataset: str = ""
    own: LoaderSetting | None = None
    length: int | None = None
    start_method: str = ""
    iterable: bool = False
    accelerator: bool = False
    fetching: str = ""
    collating: str = ""


@dataclass(frozen=True)
class LoaderPass:
    """One way through the loader, of an epoch or a part of it. All times in seconds.

    ``total_s`` is start + waiting + steps + end, to the microsecond: they follow one another.

    Args:
        batches: that came.
        ended: whether the loader came to its end, and was not cut off.
        start_s: from ``iter()`` to the first batch.
        wait_s: for each further batch.
        step_s: in steps.
        end_s: after the last step, until the loader had ended; 0 where it was cut off.
        total_s: all of it, by a clock of its own.
        steady_s: after the batches that do not count, to the end of the last step.
        steady_batches: that came in that time.
    """

    batches: int
    ended: bool
    start_s: float
    wait_s: float
    step_s: float
    end_s: float
    total_s: float
    steady_s: float
    steady_batches: int


@dataclass(frozen=True)
class StageTimes:
    """What one process did for batches, by stamps of its own.

    Args:
        process: ``main``, or ``worker`` with a number.
        batches: it made.
        fetch_s: in the dataset.
        collate_s: making batches of samples.
        pickle_s: serialising batches, tensors' copies to shared memory included.
        pickled_bytes: that went through pipes.
        span_s: from the beginning of its first batch to the end of its last.
        dropped: stamps for which there was no room; then times and counts are at least so much.
    """

    process: str
    batches: int
    fetch_s: float
    collate_s: float
    pickle_s: float
    pickled_bytes: int
    span_s: float
    dropped: int = 0


@dataclass(frozen=True)
class SampleCosts:
    """How long single samples took to fetch, in seconds.

    Args:
        count: samples timed by themselves; 0 where a dataset fetches whole batches.
        slowest_share: of the time of all, what the slowest hundredth took.
    """

    count: int = 0
    median_s: float = 0.0
    p90_s: float = 0.0
    p99_s: float = 0.0
    highest_s: float = 0.0
    slowest_share: float = 0.0


@dataclass(frozen=True)
class LoaderStages:
    """Everything that stamps say of one pass.

    Args:
        processes: that made batches.
        samples: what they cost.
        receive_s: unpickling in the training process.
        behind_s: of the waiting, while a later batch was there and the next one was not.
    """

    processes: tuple[StageTimes, ...]
    samples: SampleCosts
    receive_s: float
    behind_s: float


@dataclass(frozen=True)
class LoaderData:
    """What an epoch, or its beginning, consisted of: hashes.

    Args:
        batches: of each, in order.
        samples: of each, in order, where batches can be taken apart.
        indices: of each batch's, as the sampler gave them; empty where there are none.
        ended: whether this is a whole epoch.
    """

    batches: tuple[str, ...]
    samples: tuple[str, ...]
    indices: tuple[str, ...]
    ended: bool


@dataclass(frozen=True)
class LoaderMemory:
    """The highest sum of PSS over the process tree, that of the host included.

    Args:
        peak_bytes: anonymous and shared memory, which the system cannot take back.
        file_bytes: mapped files at that moment.
        shm_bytes: the most in shared memory files, above what there was before.
        processes: at the peak.
        open_files: of the process that had most, at any time.
    """

    peak_bytes: int
    file_bytes: int
    shm_bytes: int
    processes: int
    open_files: int


@dataclass(frozen=True)
class LoaderAnswer:
    """What a trial of a loader found.

    Args:
        outcome: error where the user's code raised; the rest is what came before.
        stage: what was going on then: ``import``, ``make_loader``, ``make_step``, or ``loader`` or
            ``step`` with the number of the batch; ``unfit``: what was given cannot be measured.
        look: what the loader is.
        passes: through it, where it was timed.
        batch_bytes: of tensors and arrays in a batch; None where not all of it can be seen.
        batch_samples: in it; None where that cannot be told.
        loss_finite: whether the last step's loss was; None where it gave no number.
        stages: what the stamps say of a watched trial; None without a DataLoader.
        data: that was hashed.
        memory: of the process tree, where it was watched and can be read.
        accelerator: which one the process used; a step goes on there while the next batch is made.
    """

    outcome: Outcome
    stage: str = ""
    look: LoaderLook | None = None
    passes: tuple[LoaderPass, ...] = ()
    batch_bytes: int | None = None
    batch_samples: int | None = None
    loss_finite: bool | None = None
    stages: LoaderStages | None = None
    data: LoaderData | None = None
    memory: LoaderMemory | None = None
    accelerator: str = ""
