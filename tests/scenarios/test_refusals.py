"""What a built-in scenario says is refused is refused, in the words that it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.scenario import Scenario
from harness.scenario.declaration import call_with
from harness.schema.records import Case, Outcome, PlannedCase, Value
from harness.trial.base.outcomes import failure
from harness.trial.tasks import why_skipped
from tests.scenarios.bench import Bench, built_in, own_point
from tests.some import some

KIB = 1024
REFUSED: dict[str, dict[str, tuple[Value, ...]]] = {
    "tensor_from_array": {"layout": ("bigendian", "negative", "fortran", "broadcast")},
    "array_from_tensor": {"dtype": ("bfloat16",), "layout": ("requires_grad",)},
}
ABORTS = {("negative", "from_dlpack"), ("negative", "from_dlpack_no_copy")}
"""No exception: the process ends, and that is no refusal."""


def points() -> Iterator[tuple[str, str, Value]]:
    for scenario, settings in REFUSED.items():
        for parameter, values in settings.items():
            for value in values:
                yield scenario, parameter, value


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


def called(bench: Bench, scenario: Scenario, name: str, point: dict[str, Value]) -> Outcome:
    try:
        bench.call(scenario, name, **point)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        return failure(error)
    return Outcome("ok")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "parameter", "value"), list(points()))
def test_a_refusal_is_declared_in_the_words_in_which_it_comes(
    name: str, parameter: str, value: Value, bench: Bench
) -> None:
    scenario = built_in()[name]
    refusing: set[str] = set()
    taking: set[str] = set()
    for own, strategy in some(scenario.strategies.items()):
        point = {**own_point(scenario, strategy), "size": 64 * KIB, parameter: value}
        if (value, own) in ABORTS or why_skipped(strategy, point):
            continue
        words = tuple(call_with(strategy.refuses, point)) if strategy.refuses else ()
        outcome = called(bench, scenario, own, point)
        planned = PlannedCase(Case(name, own, point), refuses=words)
        assert outcome.ok or planned.refuses_by(outcome), (own, words, outcome)
        (taking if outcome.ok else refusing).add(own)
    assert refusing
    assert taking
