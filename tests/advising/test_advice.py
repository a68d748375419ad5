"""From figures to the verdict, and the words for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

import harness
from harness.advising.advice import NOT_TRIED, Advice, Fits, Verdict, Way
from harness.advising.as_text import headline, text
from harness.advising.bench import at_most_bytes
from harness.advising.data import Data
from harness.advising.figures import Figure
from harness.advising.goal import Goal
from harness.advising.session import _choose, _fits
from harness.advising.tasks import TASKS
from harness.errors import UsageError
from harness.inline.advise import Advised
from harness.schema.records import CONTRADICTS
from harness.trial.meters.allocated import FREE
from harness.units import format_size

MIB = 1024**2
SOURCE = "def {name}(array):\n    return torch.tensor(array)"


def with_less(one: Way, size: int = 10 * MIB) -> Way:
    assert one.time is not None
    return replace(one, time=replace(one.time, measured_bytes=size, extrapolated=True))


def way(name: str, time_s: float, peak_mib: float = 400, fits: Fits = "yes") -> Way:
    peak = Figure(peak_mib * MIB, (peak_mib - 5) * MIB, (peak_mib + 5) * MIB, 1, 100 * MIB)
    time = Figure(time_s, 0.9 * time_s, 1.1 * time_s, 4, 100 * MIB)
    return Way(name, "A way.", SOURCE.format(name=name), time, time_s, peak, fits=fits)


def advice(
    usual: Way, chosen: Way | None, ratio: tuple[float, float, float] | None = (2.0, 1.8, 2.2)
) -> Advice:
    return Advice(
        task=TASKS["to-tensor"],
        data=Data((100, 256 * 1024), "float32"),
        goal=Goal(),
        parameters={},
        ways=[usual] if chosen in (usual, None) else [usual, chosen],
        chosen=chosen,
        level=[],
        ratio=ratio,
        base_bytes=220 * MIB,
        limit_bytes=16 * 1024 * MIB,
        trials=12,
        took_s=9.0,
        sizes=[100 * MIB],
    )


USUAL = way("usual", 0.2)
BETTER = way("better", 0.1)
CASES: dict[str, tuple[Advice, Verdict, str]] = {
    "faster": (advice(USUAL, BETTER), "use", "use better instead of usual: 2× as fast"),
    "nothing": (advice(USUAL, USUAL), "keep", "don't bother: nothing that was tried is better"),
    "cut short": (
        replace(
            advice(USUAL, USUAL),
            ways=[USUAL, Way("other", "A way.", "", note=NOT_TRIED)],
        ),
        "undecided",
        "undecided: time was too short to try the others",
    ),
    "rival": (
        replace(advice(USUAL, USUAL), ways=[USUAL, with_less(BETTER)]),
        "undecided",
        "undecided: better may be faster, but was timed with no more than 10 MiB",
    ),
    "slow rival": (
        replace(advice(USUAL, USUAL), ways=[USUAL, with_less(way("worse", 0.3))]),
        "keep",
        "don't bother: nothing that was tried is better",
    ),
    "too large a rival": (
        replace(advice(USUAL, USUAL), ways=[USUAL, with_less(way("better", 0.1, fits="no"))]),
        "keep",
        "don't bother: nothing that was tried is better",
    ),
    "rival in doubt": (
        replace(advice(USUAL, USUAL), ways=[USUAL, way("better", 0.1, fits="unknown")]),
        "undecided",
        "undecided: better is faster, but whether it fits is not known",
    ),
    "level and cut short": (
        replace(
            advice(way("usual", 0.102), BETTER, (1.02, 1.0, 1.04)),
            ways=[way("usual", 0.102), BETTER, Way("other", "A way.", "", note=NOT_TRIED)],
        ),
        "undecided",
        "2 ms to win in each call, but time was too short to try the others",
    ),
    "little and cut short": (
        replace(
            advice(way("usual", 6e-4), way("better", 3e-4)),
            ways=[way("usual", 6e-4), BETTER, Way("other", "A way.", "", note=NOT_TRIED)],
        ),
        "keep",
        "don't bother: 300 µs to win in each call; usual will do",
    ),
    "it may not fit": (
        advice(USUAL, way("better", 0.1, fits="unknown")),
        "use",
        "100 ms less in each call; whether better fits is not known",
    ),
    "the usual may not fit": (
        advice(way("usual", 0.102, fits="unknown"), BETTER, (1.02, 1.0, 1.04)),
        "keep",
        "usual will do; whether usual fits is not known",
    ),
    "a little": (
        advice(way("usual", 6e-4), way("better", 3e-4)),
        "keep",
        "don't bother: 300 µs to win in each call; usual will do",
    ),
    "level": (
        advice(way("usual", 0.102), BETTER, (1.02, 1.0, 1.04)),
        "keep",
        "don't bother: 2 ms to win in each call",
    ),
    "unsure": (
        advice(way("usual", 0.13), BETTER, (1.3, 0.9, 1.9)),
        "undecided",
        "undecided: better may be better, 1.3× as fast (0.9× to 1.9×)",
    ),
    "unknown": (advice(USUAL, BETTER, None), "undecided", "time was too short to tell"),
    "lighter": (
        advice(way("usual", 0.1, 500), BETTER, (1.0, 0.9, 1.1)),
        "use",
        "use better instead of usual: 100 MiB less memory",
    ),
    "fits": (
        advice(way("usual", 0.1, 410, "no"), BETTER, (1.0, 0.9, 1.1)),
        "use",
        "usual does not fit",
    ),
    "none fits": (advice(way("usual", 0.1, fits="no"), None), "none", "none fits into memory"),
    "too late": (
        advice(Way("usual", "A way.", "", note=NOT_TRIED), None),
        "none",
        "time was too short; a larger --budget says more",
    ),
    "all failed": (
        advice(Way("usual", "A way.", "", failed="error: no"), None),
        "none",
        "none of the ways works with this data",
    ),
    "usual failed": (
        advice(Way("usual", "A way.", "", failed="error: no"), BETTER, None),
        "use",
        "usual cannot be used: error: no",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_verdict(name: str) -> None:
    found, verdict, words = CASES[name]
    assert found.verdict == verdict
    assert words in headline(found)
    assert (found.way is None) == (verdict == "none")


@pytest.mark.parametrize("name", CASES)
def test_all_of_it_can_be_said(name: str) -> None:
    found, verdict, _ = CASES[name]
    said = text(found, ["ferrybench", "advise", "to-tensor", "--npy", "my file.npy"])
    assert "measure it again: ferrybench advise to-tensor --npy 'my file.npy'" in said
    assert "not tried: " in said
    assert ("import torch" in said) == (verdict != "none")
    if verdict == "use":
        assert "tensor = better(array)" in said


def test_peaks_that_may_be_equal_save_nothing() -> None:
    near = advice(way("usual", 0.1, 408), BETTER, (1.0, 0.9, 1.1))
    assert near.saved_bytes is None
    assert near.verdict == "undecided"


@pytest.mark.parametrize("size", [5, 744 * 1024, 1234567890, 3 * 1024**4])
def test_a_doubt_that_has_a_bound_is_no_more_than_that(size: int) -> None:
    bound = at_most_bytes(FREE.format(format_size(size)))
    assert bound is not None
    assert size <= bound <= 1.02 * size
    assert at_most_bytes("") == 0
    assert at_most_bytes(CONTRADICTS) is None


def test_what_may_be_more_saves_nothing() -> None:
    lower = replace(way("better", 0.1, 100), at_least=True)
    found = advice(USUAL, lower, (1.0, 0.9, 1.1))
    assert found.saved_bytes is None
    assert found.verdict == "undecided"
    assert "peak at least 100 MiB" in text(found)
    assert "peak at least 400 MiB" not in text(found)


def test_one_that_is_known_to_fit_is_chosen_before_a_faster_one_that_may() -> None:
    unsure = way("better", 0.1, fits="unknown")
    assert _choose([USUAL, unsure]) == (USUAL, [])
    assert _choose([replace(USUAL, fits="no"), unsure]) == (unsure, [])
    assert _choose([replace(USUAL, fits="unknown"), unsure]) == (unsure, [])


def test_what_lies_in_memory_before_is_named() -> None:
    found = advice(USUAL, way("reused_tensor", 0.1))
    said = text(found)
    held = "the data 100 MiB, the tensor that is filled 100 MiB, the call"
    assert held in said
    rows = Data((2**20, 16), "float32")
    assert TASKS["train-from-file"].held(rows, "any") == {"the labels": 8 * MIB}
    own = TASKS["from-loader"].held(rows, "any")
    assert own == {"the data": 64 * MIB, "the labels": 8 * MIB}
    assert TASKS["to-loader"].held(rows, "any") == {"the data": 64 * MIB}


def test_results_are_said_to_have_been_compared_only_where_they_were() -> None:
    words = "results were compared, value by value"
    assert words in text(advice(USUAL, BETTER))
    assert words not in text(advice(way("usual", 0.1, fits="no"), None))
    assert words not in text(advice(USUAL, replace(BETTER, unverified="the order")))


def test_what_is_not_known_is_not_said_to_fit() -> None:
    unsure = replace(BETTER, fits="unknown", at_least=True)
    said = text(advice(USUAL, unsure))
    assert "memory at its peak: at least 400 MiB: " in said
    assert "unknown: the limit lies within what is not known of the peak" in said


def test_an_extrapolated_figure_says_so() -> None:
    assert BETTER.time is not None
    far = replace(BETTER.time, measured_bytes=10 * MIB, extrapolated=True)
    said = text(advice(USUAL, replace(BETTER, time=far)))
    assert "extrapolated from 10 MiB, 4 processes" in said


@pytest.mark.parametrize("name", CASES)
def test_in_python(name: str) -> None:
    found, verdict, words = CASES[name]
    advised = Advised(found)
    assert advised.verdict == verdict
    assert words in advised.headline
    assert str(advised) == text(found)
    assert bool(advised.name) == bool(advised.code) == (verdict != "none")
    if advised.code:
        assert f"tensor = {advised.name}(array)" in advised.code


def test_in_python_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="it is empty"):
        harness.advise("to-loader", shape=(5, 0), dtype="uint8")
    with pytest.raises(UsageError, match="there are to-tensor"):
        harness.advise("to-nowhere", shape=(5, 1), dtype="uint8")


def test_what_fits_lies_below_the_limit_with_all_of_its_interval() -> None:
    peak = Figure(100, 90, 110, 1, 1)
    words = {89: "no", 90: "unknown", 105: "unknown", 110: "yes", 200: "yes"}
    assert {limit: _fits(peak, limit, at_least=False) for limit in words} == words
    assert _fits(peak, 200, at_least=True) == "unknown"
    assert _fits(peak, 89, at_least=True) == "no"
    assert _fits(None, 200, at_least=False) == "unknown"
