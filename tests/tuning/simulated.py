"""A caller whose trials take the time that a model says: a whole tuning in a moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from harness.host.host import Report
from harness.schema.loader import (
    LoaderAnswer,
    LoaderData,
    LoaderLook,
    LoaderMemory,
    LoaderPass,
    LoaderRequest,
    LoaderSetting,
    LoaderStages,
    SampleCosts,
    StageTimes,
)
from harness.schema.records import Outcome
from harness.schema.request import Observed, TaskRequest

MIB = 1024**2
Model = Callable[[LoaderSetting], float]
"""Seconds of a batch, step included, by setting."""
DATA = LoaderData(("a", "b", "c"), ("1", "2", "3"), ("i", "j", "k"), ended=True)


def even(setting: LoaderSetting) -> float:
    return 0.010


def shared_out(setting: LoaderSetting) -> float:
    """Eight milliseconds to make a batch, which workers share, and two of a step."""
    workers = setting.num_workers
    return 0.010 if not workers else max(0.0021, 0.008 / min(workers, 4))


@dataclass
class Simulated:
    """Answers as a host would.

    Args:
        model: what batches take.
        own: the user's setting; None for a loader that is no DataLoader.
        noise: standard deviation of a trial's logarithm of time.
        step_s: of it, the step.
        fetching: the share of the rest that fetching takes.
        data: by setting, what an epoch consists of.
    """

    model: Model = even
    own: LoaderSetting | None = field(default_factory=lambda: LoaderSetting(0))
    noise: float = 0.0
    step_s: float = 0.002
    fetching: float = 0.5
    data: Callable[[LoaderSetting], LoaderData] = lambda setting: DATA
    seed: int = 0
    asked: list[LoaderRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def memory(self, setting: LoaderSetting) -> LoaderMemory:
        workers = setting.num_workers
        peak = (200 + workers * (50 + (setting.prefetch_factor or 0))) * MIB
        return LoaderMemory(peak, 10 * MIB, 0, 1 + workers, 8)

    def call(self, request: TaskRequest, timeout_s: float, *, observe: Observed = "") -> Report:
        assert isinstance(request, LoaderRequest)
        self.asked.append(request)
        setting = request.setting or self.own or LoaderSetting(0)
        batch_s = self.model(setting) * self._draw.lognormvariate(0.0, self.noise)
        if request.way == "ready":
            batch_s = self.step_s * self._draw.lognormvariate(0.0, self.noise)
        elif "fetch" in request.free:
            batch_s = self.step_s + (batch_s - self.step_s) * (1 - self.fetching)
        batches = max(8, min(request.batches, 50))
        steps, waits = batches * self.step_s, batches * max(0.0, batch_s - self.step_s)
        one = LoaderPass(
            batches,
            False,
            0.001,
            waits,
            steps,
            0.0,
            0.001 + waits + steps,
            batches * batch_s,
            batches,
        )
        stages = LoaderStages(
            (StageTimes("main", batches, waits / 2, waits / 2, 0.0, 0, waits + steps),),
            SampleCosts(),
            0.0,
            0.0,
        )
        answer = LoaderAnswer(
            Outcome("ok"),
            look=LoaderLook(
                "DataLoader", "Rows", self.own, 1000, fetching="Rows.__getitem__ (train.py:3)"
            ),
            passes=(one,),
            batch_bytes=MIB,
            batch_samples=4,
            stages=stages if request.way == "watched" else None,
            data=self.data(setting) if request.way == "data" else None,
            memory=self.memory(setting) if observe else None,
        )
        return Report(answer=asdict(answer))
