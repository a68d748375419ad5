"""Training steps learn, and work of a known length has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.scenario.sample_files import as_given, label_samples, write_samples
from harness.scenario.training_step import image_sides, make_step


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in trials; beside other tests, two threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self) -> None:
        self.ns = 0
        self.multiplications = 0

    def perf_counter_ns(self) -> int:
        return self.ns

    def multiply(self, *matrices: Any, out: torch.Tensor) -> torch.Tensor:
        self.multiplications += 1
        self.ns += 8_000
        return out


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "perf_counter_ns", made.perf_counter_ns)
    monkeypatch.setattr(torch, "mm", made.multiply)
    return made


def batches(tmp_path: Path, rows: int, values: int, dtype: str = "float32") -> list[Any]:
    labels = write_samples(tmp_path / "s.npy", rows, values, dtype, np.random.default_rng(2))
    data = as_given(np.load(tmp_path / "s.npy"))
    parts = [slice(start, start + 64) for start in range(0, rows, 64)]
    return [(torch.from_numpy(data[p]), torch.from_numpy(labels[p])) for p in parts]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("values", [16, 127, 272])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_a_model_learns_within_two_epochs(
    kind: str, values: int, dtype: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    step = make_step(kind, values, 1.0)
    losses = [step(batch) for _ in range(2) for batch in batches(tmp_path, 2048, values, dtype)]
    assert all(isinstance(loss, float) for loss in losses)
    first, last = (float(np.mean(np.array(part, float))) for part in (losses[:8], losses[-8:]))
    assert last < 0.7 * first
    # A model that says the same of every sample has ln 10.
    assert last < np.log(10)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_what_was_not_read_is_not_learnt(kind: str, tmp_path: Path) -> None:
    # GIVEN the labels of one batch beside the samples of another
    torch.manual_seed(0)
    step = make_step(kind, 256, 1.0)
    made = batches(tmp_path, 2048, 256)
    wrong = [(x, made[index - 1][1]) for index, (x, _) in enumerate(made)]
    # THEN nothing is learnt in an epoch
    losses = [step(batch) for batch in wrong]
    assert np.mean(np.array(losses[-8:], float)) > 0.9 * np.log(10)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_the_scale_of_a_users_samples_makes_no_difference(
    kind: str, scale: float, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    step = make_step(kind, 256, 1.0)
    made = batches(tmp_path, 2048, 256)
    losses = [step(((x - 0.3) * scale, y)) for _ in range(2) for x, y in made]
    assert np.mean(np.array(losses[-8:], float)) < 0.7 * np.mean(np.array(losses[:8], float))


def test_images_may_have_any_shape(tmp_path: Path) -> None:
    step = make_step("conv", 1088, 1.0)
    x, y = batches(tmp_path, 64, 1088)[0]
    assert isinstance(step((x.view(-1, 1, 32, 34), y)), float)


@pytest.mark.parametrize(
    ("values", "sides"), [(1024, (32, 32)), (1088, (32, 34)), (127, (1, 127)), (16, (4, 4))]
)
def test_an_image_is_as_square_as_can_be(values: int, sides: tuple[int, int]) -> None:
    assert image_sides(values) == sides


@pytest.mark.parametrize("kind", ["compute", "read"])
def test_steps_that_learn_nothing_say_so(kind: str, clock: Clock) -> None:
    assert make_step(kind, 16, 1.0)((torch.ones(2, 16), torch.zeros(2))) is None


@pytest.mark.parametrize("compute_ms", [0.0, 0.1, 1.0, 12.5])
def test_work_takes_as_long_as_it_is_to(compute_ms: float, clock: Clock) -> None:
    # GIVEN a unit of work that takes 8 µs, and a step that was told how long to take
    step = make_step("compute", 16, compute_ms)
    # WHEN it is taken, THEN it took so long, to half a unit
    before = clock.ns
    step((torch.ones(2, 16), torch.zeros(2)))
    assert clock.ns - before == pytest.approx(compute_ms * 1e6, abs=4_000)


def test_a_reading_that_was_disturbed_does_not_count(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a processor that is taken away for 50 ms now and then
    plain = clock.multiply

    def interrupted(*matrices: Any, out: torch.Tensor) -> torch.Tensor:
        if clock.multiplications % 400 == 399:
            clock.ns += 50_000_000
        return plain(*matrices, out=out)

    monkeypatch.setattr(torch, "mm", interrupted)
    step = make_step("compute", 16, 1.0)
    # THEN a millisecond still is 125 units of 8 µs
    before = clock.multiplications
    step((torch.ones(2, 16), torch.zeros(2)))
    assert clock.multiplications - before == 125


@pytest.mark.parametrize("kind", ["compute", "read"])
def test_the_batch_is_read(kind: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    plain = torch.Tensor.sum

    def noting(tensor: torch.Tensor) -> torch.Tensor:
        read.append(tensor.numel())
        return plain(tensor)

    step = make_step(kind, 16, 1.0)
    monkeypatch.setattr(torch.Tensor, "sum", noting)
    step((torch.ones(2, 16), torch.zeros(2)))
    assert read == [32, 2]


IDS: dict[str, Callable[[np.random.Generator], Any]] = {
    "tokens": lambda rng: np.minimum(rng.zipf(1.2, (2048, 64)), 50_256).astype(np.uint16),
    "evenly": lambda rng: rng.integers(0, 50_257, (2048, 64)).astype(np.int32),
    "hashes": lambda rng: rng.integers(-(2**62), 2**62, (2048, 32)),
    "one": lambda rng: np.full((2048, 8), 7, np.int64),
}


def in_pairs(x: torch.Tensor, y: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(x[start : start + 64], y[start : start + 64]) for start in range(0, len(x), 64)]


@pytest.mark.parametrize("what", IDS)
def test_classes_of_ids_are_learnt(what: str, tmp_path: Path) -> None:
    data = IDS[what](np.random.default_rng(3))
    np.save(tmp_path / "ids.npy", data)
    labels = torch.from_numpy(label_samples(tmp_path / "ids.npy"))
    ids = torch.from_numpy(as_given(data))
    assert ids.dtype is torch.int64
    torch.manual_seed(0)
    step = make_step("linear", data[0].size, 1.0, ids=True)
    batches = in_pairs(ids, labels)
    losses = np.array([step(batch) for _ in range(3) for batch in batches], float)
    assert losses[-8:].mean() < 0.9 * losses[:8].mean()


def test_ids_that_were_not_read_are_not_learnt(tmp_path: Path) -> None:
    data = IDS["evenly"](np.random.default_rng(3))
    np.save(tmp_path / "ids.npy", data)
    labels = torch.from_numpy(label_samples(tmp_path / "ids.npy")).roll(64)
    torch.manual_seed(0)
    step = make_step("linear", 64, 1.0, ids=True)
    batches = in_pairs(torch.from_numpy(as_given(data)), labels)
    losses = np.array([step(batch) for batch in batches], float)
    assert losses[-8:].mean() > 0.9 * np.log(10)
