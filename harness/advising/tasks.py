"""What there is advice on: whose strategies are tried, which of them do the same, and how they are
called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.errors import UsageError
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import Value

LABEL_BYTES = 8
THE_DATA = "the data"
LOADER: Mapping[str, Value] = {
    "num_workers": 0,
    "pin_memory": False,
    "persistent_workers": False,
    "prefetch_factor": 2,
    "start_method": "fork",
    "drop_last": False,
}


@dataclass(frozen=True)
class Task:
    """A question that users have of their data.

    Args:
        name: as it is written on the command line.
        source: the scenario whose strategies answer it.
        usual: the strategy that most would write.
        inputs: the first arguments of every strategy.
        needs: what the user may need, the first of them by default, with the groups of strategies
            that will do; those after a bar are for data that is shuffled, or is not.
        unit: what is timed.
        not_tried: what could be better, and is left out.
        batches: whether there are batches, whose size and order count.
        rows: whether it goes row by row.
        holds: whether the data lies in memory before.
    """

    name: str
    source: str
    usual: str
    inputs: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    unit: str
    not_tried: str
    batches: bool = False
    rows: bool = True
    holds: bool = True

    @property
    def own(self) -> str:
        """The scenario in which they are given the user's data."""
        return f"own_{self.name.replace('-', '_')}"

    def writes(self, data: Data, size_bytes: int) -> bool:
        """Whether a file of so many bytes has to be made: the user's own is read where it is."""
        if self.holds:
            return False
        return data.file is None or bool(data.file.raw) or size_bytes < data.nbytes

    def held(self, data: Data, strategy: str) -> Mapping[str, int]:
        """Bytes that lie in memory before a call or an epoch begins, by what they are."""
        parts = {THE_DATA: data.nbytes} if self.holds else {}
        if strategy in FILLED:
            parts["the tensor that is filled"] = data.nbytes
        if self.name in LABELLED:
            parts["the labels"] = LABEL_BYTES * data.rows
        return parts

    def groups(self, goal: Goal) -> tuple[str, ...]:
        """Of strategies that do what is needed.

        Raises:
            UsageError: nothing is known of that need.
        """
        need = goal.need or next(iter(self.needs))
        if need not in self.needs:
            known = ", ".join(self.needs)
            raise UsageError(f"--need {need}: for {self.name} there are: {known}")
        order = ORDERS[goal.shuffle]
        return tuple(one for one in self.needs[need] if ONLY.get(one, order) == order)

    def candidates(self, info: ScenarioInfo, goal: Goal) -> Iterator[StrategyInfo]:
        """The usual one, then all others that may take its place.

        Raises:
            UsageError: one that was named is not among them.
        """
        groups, known = self.groups(goal), {*self.inputs, *self.parameters(goal)}
        fits = [
            one
            for one in info.strategies
            if one.group in groups
            and one.name != self.usual
            and not one.published
            and not one.at.get("num_workers")
            and (set(one.names) <= known or one.name in SET_UP)
        ]
        for name in goal.only:
            if name not in {self.usual, *(one.name for one in fits)}:
                names = ", ".join(one.name for one in fits)
                raise UsageError(f"--only {name}: for this, there are {names}")
        yield info.strategy(self.usual)
        yield from (one for one in fits if not goal.only or one.name in goal.only)

    def parameters(self, goal: Goal) -> dict[str, Value]:
        """What strategies may name beside their inputs."""
        if not self.batches:
            return {}
        if self.name == "train-from-file":
            access = "shuffled" if goal.shuffle else "sequential"
            return {
                "batch_size": goal.batch_size, "access": access,
                "num_workers": 0, "start_method": "fork",
            }  # fmt: skip
        return {"batch_size": goal.batch_size, "shuffle": goal.shuffle, **LOADER}


FILLED = frozenset({"reused_tensor", "reused_by_numpy"})
"""Strategies whose tensor, as large as the data, is there before."""
LABELLED = frozenset({"from-loader", "train-from-file"})
"""Tasks whose printed code has a label for each row."""
ORDERS = {True: "shuffled", False: "in order"}
ONLY = {"share": "in order", "no DataLoader": "shuffled", "shuffled": "shuffled"}
ONLY |= {"in order": "in order"}
"""Groups of strategies that know one order alone."""
SET_UP = frozenset(
    {
        *("reused_tensor", "reused_by_numpy", "pinned_ring", "pinning_threads"),
        *("list_cat", "list_concatenate", "list_concatenate_no_cpu", "popping"),
        *("preallocated", "preallocated_torch"),
    }
)
"""Strategies that are also given what their setup makes."""

_WORKERS = "workers (ferrybench tune tries them with a loader of yours)"
TASKS = {
    task.name: task
    for task in (
        Task(
            name="to-tensor",
            source="tensor_from_array",
            usual="torch_tensor",
            inputs=("array",),
            needs={"share": ("share",), "copy": ("copy",), "reuse": ("reuse",)},
            unit="call",
            not_tried="another dtype, other threads than torch has by itself",
            rows=False,
        ),
        Task(
            name="to-loader",
            source="loader_from_array",
            usual="tensor_dataset",
            inputs=("data", "labels"),
            needs={
                "batches": ("per sample", "per batch", "share", "no DataLoader"),
                "dataloader": ("per sample", "per batch"),
            },
            unit="epoch",
            not_tried=f"{_WORKERS}, pinned memory, one order for all epochs, other batch sizes",
            batches=True,
        ),
        Task(
            name="from-loader",
            source="array_from_loader",
            usual="list_cat",
            inputs=("data", "labels"),
            needs={"arrays": ("arrays",)},
            unit="call",
            not_tried=f"{_WORKERS}, arrays that exist already, arrays in files, "
            "a loader other than of a TensorDataset",
            batches=True,
        ),
        Task(
            name="train-from-file",
            source="memmap_training",
            usual="load_into_memory",
            inputs=("path", "labels"),
            needs={"batches": ("shuffled", "in order")},
            unit="epoch",
            not_tried=f"{_WORKERS}, other formats, neighbours shuffled together, a training step",
            batches=True,
            holds=False,
        ),
        Task(
            name="to-device",
            source="host_to_device",
            usual="pageable_to",
            inputs=("data",),
            needs={"pageable": ("pageable",)},
            unit="call",
            not_tried="data in pinned memory from the beginning, overlap with what the device does",
            rows=False,
        ),
    )
}  # fmt: skip


def task_named(name: str) -> Task:
    """The task of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in TASKS:
        raise UsageError(f"no task {name!r}; there are {', '.join(TASKS)}")
    return TASKS[name]
