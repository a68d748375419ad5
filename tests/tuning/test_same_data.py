"""Planted changes of data are found, and loaders that give the same are not accused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.host.answers import answer_as
from harness.host.host import Host
from harness.schema.loader import LoaderAnswer, LoaderData, LoaderRequest, LoaderSetting
from harness.trial.planted import users_loaders
from harness.tuning.same_data import Same, compare_data

PLANTED = Path(users_loaders.__file__)
WHOLE = LoaderData(("a", "b"), ("1", "2", "3", "4"), ("i", "j"), ended=True)
BACKWARDS = LoaderData(("b", "a"), ("3", "4", "1", "2"), ("j", "i"), ended=True)
OTHER_VALUES = replace(WHOLE, batches=("x", "y"), samples=("5", "6", "7", "8"))
DOUBLED = LoaderData(("a", "b", "b"), ("1", "2", "3", "4", "3", "4"), ("i", "j", "j"), ended=True)
STREAM = replace(WHOLE, indices=())
"""An iterable dataset, whose indices nobody gives."""


@pytest.fixture
def planted(tmp_path: Path) -> str:
    return str(shutil.copy(PLANTED, tmp_path / "train.py"))


def data(host: Host, file: str, name: str, workers: int) -> LoaderData:
    request = LoaderRequest(
        file=file, name=name, way="data", batches=1000, seconds=30.0, setting=LoaderSetting(workers)
    )
    report = host.call(request, 60.0)
    assert report.answer is not None, report
    found = answer_as(LoaderAnswer, report.answer).data
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sleeping", "same"),
        ("shuffled", "same"),
        ("transformed", "same"),
        ("together", "same"),
        ("own_generator", "random"),
        ("sharded", "reordered"),
        ("doubling", "different"),
        ("dropping", "different"),
    ],
)
def test_what_two_workers_change(host: Host, planted: str, name: str, expected: Same) -> None:
    own, other = data(host, planted, name, 0), data(host, planted, name, 2)
    again = data(host, planted, name, 0) if name == "own_generator" else None
    assert compare_data(own, other, again).same == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(WHOLE, "same", id="equal"),
        pytest.param(replace(WHOLE, batches=("a",), samples=("1", "2")), "different", id="dropped"),
        pytest.param(DOUBLED, "different", id="doubled"),
        pytest.param(replace(DOUBLED, samples=()), "different", id="doubled, not taken apart"),
        pytest.param(BACKWARDS, "reordered", id="reordered"),
        pytest.param(
            replace(BACKWARDS, indices=WHOLE.indices), "reordered", id="as they were ready"
        ),
        pytest.param(OTHER_VALUES, "random", id="other values"),
        pytest.param(
            replace(WHOLE, batches=("a", "y"), samples=("1", "2", "7", "8")),
            "random",
            id="other values of some",
        ),
        pytest.param(
            LoaderData(("b",), ("3", "4"), ("j",), ended=False), "unknown", id="not a whole epoch"
        ),
        pytest.param(
            LoaderData(("c", "c"), ("3", "4", "3", "4"), (), ended=False),
            "different",
            id="doubled in a part of an epoch",
        ),
        pytest.param(replace(WHOLE, ended=False), "same", id="as far as it went"),
    ],
)
def test_verdicts(other: LoaderData, expected: Same) -> None:
    assert compare_data(WHOLE, other, WHOLE).same == expected


def test_values_that_differ_from_run_to_run_prove_nothing() -> None:
    again = replace(WHOLE, batches=("z", "w"), samples=("9", "10", "11", "12"))
    assert compare_data(WHOLE, OTHER_VALUES, again).same == "unknown"


@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        pytest.param(
            replace(STREAM, ended=False),
            replace(STREAM, batches=("b",), samples=("3", "4")),
            "2 samples an epoch instead of at least 4",
            id="dropped",
        ),
        pytest.param(
            STREAM,
            LoaderData(("c", "d", "e"), ("5", "6", "7", "8", "9", "10"), (), ended=False),
            "at least 6 samples an epoch instead of 4",
            id="doubled",
        ),
    ],
)
def test_one_epoch_that_ended_tells_where_another_had_more(
    own: LoaderData, other: LoaderData, said: str
) -> None:
    verdict = compare_data(own, other, None)
    assert (verdict.same, verdict.text) == ("different", said)
