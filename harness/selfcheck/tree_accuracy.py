"""How far sums of PSS over a process tree can be trusted here: loaders of known memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.host.host import Host
from harness.scenario.declaration import TINY_BYTES
from harness.selfcheck.memory_accuracy import AccuracyCheck, compared, missing
from harness.selfcheck.planted import TREE_TRUTHS_FILE, Planted, planted
from harness.units import MIB, format_size

TOLERATED_SHARE = 0.03
WORKER_COUNTS = (1, 2, 4)
QUICK_WORKERS = (2,)
NUMBER_BYTES = 8  # of the array that the list is made of, and of a pointer in the list
OBJECT_BYTES = -(-sys.getsizeof(1.5) // 16) * 16
"""What Python's allocator gives to a float: its size, in units of 16 bytes."""


@dataclass(frozen=True)
class TreeTruth:
    """What a strategy of the tree truths adds to its tree, as multiples of its size."""

    label: str
    size_bytes: int
    once: float
    each_worker: float


TREE_TRUTHS = {
    "shared_array": TreeTruth("array shared by", 64 * MIB, 1, 0),
    "private_arrays": TreeTruth("array copied by each of", 64 * MIB, 0, 1),
    "copy_on_write_list": TreeTruth(
        "list of floats read by",
        16 * MIB,
        (OBJECT_BYTES + NUMBER_BYTES) / NUMBER_BYTES,
        OBJECT_BYTES / NUMBER_BYTES,
    ),
}


def tree_checks(host: Host, *, workers: Sequence[int] = WORKER_COUNTS) -> Iterator[AccuracyCheck]:
    """Every tree truth with each number of workers.

    A worker also costs what the interpreter copies for itself. That is found by the same loader
    with next to nothing in its dataset, and taken off.
    """
    with planted(host) as planting:
        for count in workers:
            for strategy, truth in TREE_TRUTHS.items():
                yield _check(planting, strategy, truth, count)


def _check(planting: Planted, strategy: str, truth: TreeTruth, workers: int) -> AccuracyCheck:
    expected = truth.size_bytes * (truth.once + truth.each_worker * workers)
    processes = f"{workers} worker{'s' * (workers > 1)}"
    name = f"{truth.label} {processes}, {format_size(truth.size_bytes)}"
    grown = []
    for size in (truth.size_bytes, TINY_BYTES):
        found, _, problem = planting.trial(
            "tree_truths",
            strategy,
            {"size": size, "num_workers": workers},
            kind="tree",
            file=TREE_TRUTHS_FILE,
        )
        if problem or found is None or found.tree is None:
            return missing(name, TOLERATED_SHARE * expected, "bytes", problem)
        grown.append(found.tree.idle.own_bytes)
    return compared(name, grown[0] - grown[1], expected, TOLERATED_SHARE * expected, "bytes")
