"""What strategies declare that they need, for sizes at which nobody measured them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.advising.data import Data
from harness.advising.tasks import LABEL_BYTES, Task
from harness.host.answers import answer_as
from harness.host.host import Host
from harness.schema.description import ScenarioInfo
from harness.schema.records import Value
from harness.schema.request import CaseQuestion, EvaluateRequest, Facts

Needs = Mapping[tuple[str, int], float]
"""Bytes at the peak beside the data, by strategy and size; without those that nobody declared."""


def declared(
    host: Host,
    info: ScenarioInfo,
    task: Task,
    data: Data,
    given: Mapping[str, Value],
    wanted: Iterable[tuple[str, int]],
) -> Needs:
    """Ask the scenario that declares some strategies.

    Args:
        host: imports it.
        info: of that scenario.
        task: what is to be done.
        data: with what.
        given: with which parameters strategies are called.
        wanted: strategies and sizes in bytes.
    """
    pairs = list(wanted)
    questions = tuple(
        CaseQuestion(info.path, info.name, _at(info, data, given, size), name)
        for name, size in pairs
    )
    facts = answer_as(list[Facts], host.ask(EvaluateRequest(questions))["facts"])
    labels = LABEL_BYTES if len(task.inputs) > 1 else 0
    return {
        (name, size): fact.copies * (size + labels * size // data.row_bytes)
        for (name, size), fact in zip(pairs, facts, strict=True)
        if fact.copies is not None
    }


def _at(info: ScenarioInfo, data: Data, given: Mapping[str, Value], size: int) -> dict[str, Value]:
    """The point of the scenario's own grid that is most like it."""
    like: dict[str, Value] = {
        **given,
        "size": size,
        "dtype": data.dtype,
        "sample_bytes": data.row_bytes,
        "npy": "own",  # whose samples are as large as is said
    }
    usual = {name: parameter.default for name, parameter in info.parameters.items()}
    return {**usual, **{name: value for name, value in like.items() if name in usual}}
