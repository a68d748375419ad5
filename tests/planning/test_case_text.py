"""How a line of progress names a case."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.planning.case_text import case_text
from harness.planning.plan import Request, expand
from harness.scenario.npy import NPY
from harness.schema.records import Case, Value
from tests.journals import MIB, parameter, scenario, strategy

INFO = scenario(
    [
        strategy("base", names=("dtype", "chunk_bytes", "num_workers")),
        strategy("other", at={"dtype": "float64"}, names=("num_workers",)),
    ],
    {
        "size": parameter(MIB, MIB, 4 * MIB, axis=True),
        "dtype": parameter("float32", "float32", "uint8", "float64"),
        "chunk_bytes": parameter(65536, 65536, 131072),
        "num_workers": parameter(0, 0, 2),
        NPY: parameter(""),
    },
)
USUAL: Mapping[str, Value] = {
    "dtype": "float32", "chunk_bytes": 65536, "num_workers": 0, NPY: "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("base", {"size": 2 * MIB}, "moving/base 2 MiB"),
        ("base", {"size": 2 * MIB, "dtype": "uint8"}, "moving/base 2 MiB, dtype=uint8"),
        ("base", {"size": 1, "chunk_bytes": 4 * MIB}, "moving/base 1 B, chunk_bytes=4 MiB"),
        ("base", {"size": 3 * MIB // 2, "num_workers": 2}, "moving/base 1.5 MiB, num_workers=2"),
        # A strategy's own value is usual for it, and the scenario's is not.
        ("other", {"size": MIB, "dtype": "float64"}, "moving/other 1 MiB"),
        ("other", {"size": MIB}, "moving/other 1 MiB, dtype=float32"),
        # Whoever reads the line knows where the file is; a journal may be shown to others.
        ("base", {"size": MIB, NPY: "/home/me/x.npy"}, "moving/base 1 MiB, npy=x.npy"),
        # What an older journal has and the scenario has not is no default.
        ("base", {"size": MIB, "gone": 1}, "moving/base 1 MiB, gone=1"),
        ("base", {}, "moving/base"),
    ],
)
def test_only_what_is_special_is_spelt_out(
    name: str, settings: Mapping[str, Value], text: str
) -> None:
    assert case_text(Case("moving", name, {**USUAL, **settings}), INFO) == text


def test_another_host_is_named() -> None:
    case = Case("moving", "base", {"size": MIB, **USUAL}, "arenas")
    assert case_text(case, INFO) == "moving/base@arenas 1 MiB"


def test_no_two_cases_of_a_plan_have_the_same_text() -> None:
    cases = [one.case for one in expand([INFO], Request(level="full"))]
    assert len(cases) > 10
    for one, other in itertools.combinations(cases, 2):
        assert case_text(one, INFO) != case_text(other, INFO)
    elsewhere = replace(cases[0], host="x")
    assert case_text(elsewhere, INFO) != case_text(cases[0], INFO)
