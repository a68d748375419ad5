"""Whether the labels of a run's trials say anything of their readings.

Trials of one case should be more alike than those of different ones. Where they are not, a mix-up
or noise is all there is to see, and no claim is decided, whatever its own figures look like. It is
R. A. Fisher's protection of single comparisons by one of all (The Design of Experiments, 1935),
with ranks, and by exchange: readings change their labels within each point of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.claims.metrics import METRICS, Metric
from harness.cases.summary import CaseSummary
from harness.schema.records import DEFAULT_HOST

Floats = NDArray[np.float64]
EXCHANGES = 399
"""Of all of which the labels must be better than: by chance, that happens once in 400 times."""
LEAST_EXCHANGES = 10 * EXCHANGES
"""Ways to give labels out, with fewer of which no labels would be better than all others."""
FAMILIES: Mapping[str, str] = {"time": "time", "share": "time"}
"""By kind of metric, another one whose readings tell about labels, as there are more of them."""
COUNTED = ("time", "memory at the peak", "shares memory")
"""The same for what is counted."""


def labels_tell(rows: Sequence[CaseSummary], metric: Metric) -> bool | None:
    """Whether the labels of a scenario's trials mean something for one metric.

    Outcomes hardly differ within a scenario: for them it is enough that times or memory tell.

    Returns:
        None where there are too few trials or strategies to know.
    """
    asked = COUNTED if metric.kind == "flag" else (FAMILIES.get(metric.kind, metric.name),)
    found = [_tells(rows, name) for name in asked]
    known = [one for one in found if one is not None]
    return any(known) if known else None


def _tells(rows: Sequence[CaseSummary], metric: str) -> bool | None:
    read = METRICS[metric].read
    points: dict[tuple[object, ...], list[tuple[int, float]]] = {}
    kept = [(index, read(row)) for index, row in enumerate(rows) if row.host == DEFAULT_HOST]
    for index, values in kept:
        point = tuple(rows[index].planned.case.parameters.items())
        points.setdefault(point, []).extend((index, value) for value in values)
    cases = sum(bool(values) for _, values in kept)
    readings = sum(len(values) for _, values in kept)
    strategies = {
        name: number for number, name in enumerate(dict.fromkeys(row.strategy for row in rows))
    }
    repeated = readings >= 1.5 * cases
    groups = []
    for found in points.values():
        names = [index if repeated else strategies[rows[index].strategy] for index, _ in found]
        if len(set(names)) > 1:
            groups.append((np.array(names), np.array([value for _, value in found])))
    return _better_than_exchanged(groups)


def _better_than_exchanged(groups: Sequence[tuple[NDArray[np.int_], Floats]]) -> bool | None:
    """Whether readings of one label are more alike than under every exchange of labels."""
    random = np.random.default_rng(0)
    labels: list[NDArray[np.int_]] = []
    ranks: list[Floats] = []
    for names, values in groups:
        ranked = _ranks(values) / len(values)
        tries = np.tile(ranked, (EXCHANGES + 1, 1))
        random.permuted(tries[1:], axis=1, out=tries[1:])
        labels.append(names)
        ranks.append(tries - ranked.mean())
    if not labels:
        return None
    all_labels, all_ranks = np.concatenate(labels), np.concatenate(ranks, axis=1)
    _, numbers, counts = np.unique(all_labels, return_inverse=True, return_counts=True)
    order = np.argsort(numbers, kind="stable")
    if counts.max() < 2 or not all_ranks.any() or _exchanges(groups) < LEAST_EXCHANGES:
        return None
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(all_ranks[:, order], starts, axis=1)
    between = (sums**2 / counts).sum(axis=1)
    return bool(between[0] > between[1:].max())


def _exchanges(groups: Sequence[tuple[NDArray[np.int_], Floats]]) -> float:
    """In how many ways readings could have been labelled, as far as that makes a difference."""
    logs = 0.0
    for names, _ in groups:
        _, counts = np.unique(names, return_counts=True)
        logs += math.lgamma(len(names) + 1) - sum(math.lgamma(one + 1) for one in counts)
        if counts.max() > 1:  # then labels of one point are not those of another
            logs -= math.lgamma(len(counts) + 1)
    return math.exp(min(logs, 700))


def _ranks(values: Floats) -> Floats:
    """From 1 on; those of equal values are their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks
