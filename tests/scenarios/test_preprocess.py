"""Preprocessing: every strategy normalises every image, and the check sees it if not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from harness.scenario import KIB, MIB
from harness.scenario.declaration import call_with
from harness.schema.records import Value
from harness.trial.base.request import BoundStrategy
from harness.trial.device import accelerator
from harness.trial.tasks import why_skipped
from tests.scenarios.bench import Bench, built_in, verify

SCENARIO = built_in()["preprocess"]
BY_GROUP = {
    group: [
        name
        for name, made in SCENARIO.strategies.items()
        if made.group == group and not made.published
    ]
    for group in dict.fromkeys(made.group for made in SCENARIO.strategies.values())
}
RIGHT = [name for group, names in BY_GROUP.items() if group != "device" for name in names]
SMALL: dict[str, Value] = {"side": 28, "size": 40_000, "batch_size": 8}
"""22 images of 21 by 28: two batches and a part of one."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def like_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """What torchvision documents of the three transforms in use: it cannot be had for every torch.

    https://pytorch.org/vision/stable/transforms.html
    """

    class ToTensor:
        def __call__(self, image: np.ndarray[Any, Any]) -> torch.Tensor:
            assert image.dtype == np.uint8
            assert image.ndim == 3
            return torch.from_numpy(np.moveaxis(image, -1, 0) / np.float32(255))

    class Normalize:
        def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
            self.mean = torch.tensor(mean).view(-1, 1, 1)
            self.std = torch.tensor(std).view(-1, 1, 1)

        def __call__(self, image: torch.Tensor) -> torch.Tensor:
            return image.clone().sub_(self.mean).div_(self.std)

    class Compose:
        def __init__(self, steps: Sequence[Callable[[Any], Any]]) -> None:
            self.steps = steps

        def __call__(self, image: Any) -> Any:
            for step in self.steps:
                image = step(image)
            return image

    package = ModuleType("torchvision")
    package.transforms = SimpleNamespace(  # type: ignore[attr-defined]
        ToTensor=ToTensor, Normalize=Normalize, Compose=Compose
    )
    monkeypatch.setitem(sys.modules, "torchvision", package)


@pytest.fixture
def device_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what is written for an accelerator on the CPU: the same steps, none of the waiting."""
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: cpu)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: None)


def call(bench: Bench, name: str, **changed: Value) -> tuple[BoundStrategy, Any]:
    return bench.call(SCENARIO, name, **changed)


def test_every_promise_has_several_strategies() -> None:
    assert {group: len(names) > 1 for group, names in BY_GROUP.items()} == dict.fromkeys(
        ("channels first", "channels last", "batches", "epochs", "device"), True
    )


@pytest.mark.parametrize(
    "changed",
    [{}, SMALL, {**SMALL, "batch_size": 1}, {"size": 2**18, "batch_size": 64}, {"side": 224}],
    ids=str,
)
@pytest.mark.parametrize("name", RIGHT)
def test_every_image_is_normalised(
    name: str, changed: dict[str, Value], bench: Bench, like_torchvision: None
) -> None:
    work, result = call(bench, name, **changed)
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("name", BY_GROUP["device"])
def test_every_image_is_normalised_on_a_device(
    name: str, bench: Bench, device_is_the_cpu: None
) -> None:
    work, result = call(bench, name, **SMALL)
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("name", BY_GROUP["epochs"])
def test_every_epoch_does_it(name: str, epochs: int, bench: Bench) -> None:
    work, result = call(bench, name, epochs=epochs, **SMALL)
    verify(SCENARIO, work, result)


@pytest.mark.parametrize("side", [28, 64, 128, 224])
@pytest.mark.parametrize("size", [4096, 2**20])
def test_inputs_have_teeth(size: int, side: int, bench: Bench) -> None:
    # GIVEN the inputs of any point
    images, mean, std = bench.prepare(SCENARIO, "torch_in_place", size=size, side=side).inputs
    # THEN no two images, no two channels and no two lengths are alike
    count, height, width, channels = images.shape
    assert count >= 2
    assert len({height, width, channels}) == 3
    assert len({image.tobytes() for image in images}) == count
    assert len(set(mean.ravel())) == len(set(std.ravel())) == channels
    # THEN they are as large as asked, to one image
    assert images.nbytes <= max(size, 2 * images[0].nbytes)
    assert images.nbytes > size - images[0].nbytes


# As published, images come channels first and are taken for channels last.


@pytest.mark.parametrize("name", ["published_loop", "published_torchvision_loop"])
@pytest.mark.parametrize("side", [28, 64])
def test_the_published_loop_raises(
    name: str, side: int, bench: Bench, like_torchvision: None
) -> None:
    with pytest.raises(RuntimeError, match=rf"size of tensor a \({side}\) must match"):
        call(bench, name, side=side)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = SCENARIO.strategies["torch_expression"].skip
    device = SCENARIO.strategies["cast_on_device"]
    assert compiler is not None
    # GIVEN a machine without compiler and device
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(accelerator, "why_none", lambda: "no accelerator: none")
    point: dict[str, Value] = {"size": MIB, "side": 64, "batch_size": 8, "epochs": 1}
    assert "install g++" in (compiler(**point, compiled=True) or "")
    assert compiler(**point, compiled=False) is None
    assert why_skipped(device, point) == "no accelerator: none"
    # GIVEN one that has both
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(accelerator, "why_none", lambda: "")
    assert compiler(**point, compiled=True) is None
    assert why_skipped(device, point) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"side": 0}, "an image 0 wide has no height"),
        ({"batch_size": 0}, "1 epochs of batches of 0 images hold nothing"),
        ({"epochs": 0}, "0 epochs of batches of 8 images hold nothing"),
        ({"size": KIB}, "an image of 9216 B does not fit into 1024 B of data"),
    ],
)
def test_images_that_cannot_be_are_skipped(changed: dict[str, int], reason: str) -> None:
    point = {"size": MIB, "side": 64, "batch_size": 8, "epochs": 1, **changed}
    here = [one for one in SCENARIO.strategies.values() if one.group != "device"]
    assert here
    for strategy in here:
        named = {**point, "compiled": False}
        assert strategy.skip is not None
        assert call_with(strategy.skip, named) == reason


def test_compiling_is_done_once_for_any_number_of_images(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        asked.append(options)
        return function

    monkeypatch.setattr(torch, "compile", compiled)
    work, result = call(bench, "torch_expression", compiled=True, **SMALL)
    verify(SCENARIO, work, result)
    assert asked == [{"dynamic": True}]


# What the check refuses.


def one_changed(tensor: torch.Tensor, by: float) -> torch.Tensor:
    changed = tensor.clone()
    changed[17, 2, 20, 27] += by
    return changed


def uninitialised_tail(tensor: torch.Tensor) -> torch.Tensor:
    fresh = torch.zeros_like(tensor)
    fresh[:-1] = tensor[:-1]
    return fresh


def reordered(*order: int) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: tensor[[*order, *range(len(order), len(tensor))]]


MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

FAULTS: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "an image dropped": (lambda t: t[:-1], "21 images, expected 22"),
    "the first dropped": (lambda t: t[1:], r"value .* at \[0, 0, 0, 0\]"),
    "an image twice": (lambda t: torch.cat([t, t[-1:]]), "more than the 22 images"),
    "one in place of another": (reordered(0, 1, 1), r"value .* at \[2, 0, 0, 0\]"),
    "two swapped": (reordered(0, 2, 1), r"value .* at \[1, 0, 0, 0\]"),
    "an uninitialised tail": (uninitialised_tail, r"value 0\.0 at \[21, 0, 0, 0\]"),
    "channels reversed": (lambda t: t.flip(1).contiguous(), r"value .* at \[0, 0, 0, 0\]"),
    "channels last": (lambda t: t.permute(0, 2, 3, 1).contiguous(), r"shape \(22, 21, 28, 3\)"),
    "reshaped to channels first": (
        lambda t: t.permute(0, 2, 3, 1).reshape(t.shape),
        r"value .* at \[0, 0, 0, 1\]",
    ),
    "height and width swapped": (lambda t: t.mT.contiguous(), r"shape \(22, 3, 28, 21\)"),
    "strides of the bytes": (
        lambda t: t.contiguous(memory_format=torch.channels_last),
        "strides .*, expected channels first",
    ),
    "mean forgotten": (lambda t: t + MEAN / STD, "value"),
    "std forgotten": (lambda t: t * STD, "value"),
    "one mean for all": (lambda t: t + (MEAN - MEAN[0]) / STD, r"value .* at \[0, 1, 0, 0\]"),
    "divided by 256": (lambda t: (t * STD + MEAN) * (255 / 256) / STD - MEAN / STD, "value"),
    "not scaled": (lambda t: t * 255, "value"),
    "one grey level": (lambda t: one_changed(t, 1 / 255 / 0.225), r"at \[17, 2, 20, 27\]"),
    "a hundredth of one": (lambda t: one_changed(t, 1 / 25500), r"at \[17, 2, 20, 27\]"),
    "not a number": (lambda t: one_changed(t, float("nan")), r"nan at \[17, 2, 20, 27\]"),
    "float64": (lambda t: t.double(), "dtype float64, expected float32"),
    "float16": (lambda t: t.half(), "dtype float16, expected float32"),
    "float16 in between": (lambda t: t.half().float(), "value"),
    "bfloat16 in between": (lambda t: t.bfloat16().float(), "value"),
    "an array": (lambda t: t.numpy(), "a ndarray, expected a tensor"),
    "flat": (lambda t: t.flatten(1), r"shape \(22, 1764\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_in_a_tensor(fault: str, bench: Bench) -> None:
    work, tensor = call(bench, "torch_in_place", **SMALL)
    verify(SCENARIO, work, tensor)
    plant, match = FAULTS[fault]
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, plant(tensor))


Batches = list[torch.Tensor]
BATCH_FAULTS: dict[str, tuple[Callable[[Batches], Any], str]] = {
    "last batch dropped": (lambda parts: parts[:-1], "16 images, expected 22"),
    "a batch twice": (lambda parts: [*parts, parts[-1]], "batch 3: more than the 22 images"),
    "two swapped": (lambda parts: [parts[1], parts[0], parts[2]], "batch 0: value"),
    "one buffer for all": (lambda parts: [parts[1]] * 2 + parts[2:], "batch 0: value"),
    "a batch of bytes": (
        lambda parts: [parts[0], parts[1].byte(), parts[2]],
        "batch 1: dtype uint8, expected float32",
    ),
    "an image for a batch": (lambda parts: [*parts[:2], *parts[2]], "batch 2: shape"),
    "arrays": (lambda parts: [part.numpy() for part in parts], "batch 0: a ndarray"),
    "nothing": (lambda parts: [], "0 images, expected 22"),
}


@pytest.mark.parametrize("fault", BATCH_FAULTS)
def test_faults_in_batches(fault: str, bench: Bench) -> None:
    work, parts = call(bench, "collate_casts", **SMALL)
    assert [len(part) for part in parts] == [8, 8, 6]
    plant, match = BATCH_FAULTS[fault]
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, plant(parts))


MEAN_FAULTS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], str]] = {
    "an image dropped": (lambda t: t[:-1], r"shape \(21, 3\), expected \(22, 3\)"),
    "two swapped": (reordered(0, 2, 1), r"value .* at \[1, 0\]"),
    "a batch left out": (uninitialised_tail, r"value 0\.0 at \[21, 0\]"),
    "last batch for all": (lambda t: t[-8:].repeat(3, 1)[:22], r"value .* at \[0, 0\]"),
    "channels reversed": (lambda t: t.flip(1), "value"),
    "float64": (lambda t: t.double(), "dtype float64"),
    "mean forgotten": (lambda t: t + (MEAN / STD).ravel(), "value"),
}


@pytest.mark.parametrize("fault", MEAN_FAULTS)
def test_faults_in_what_epochs_saw(fault: str, bench: Bench) -> None:
    work, means = call(bench, "preprocessed_on_the_fly", **SMALL)
    plant, match = MEAN_FAULTS[fault]
    with pytest.raises(AssertionError, match=match):
        verify(SCENARIO, work, plant(means))


def test_the_tolerance_is_what_float32_needs(bench: Bench) -> None:
    # GIVEN every value a byte can have, in every channel
    work = bench.prepare(SCENARIO, "torch_in_place", size=2**20)
    images, mean, std = work.inputs
    assert all(len(np.unique(images[..., channel])) == 256 for channel in range(3))
    truth = (images.transpose(0, 3, 1, 2) / 255 - mean.astype(float)) / std.astype(float)
    # THEN strategies come within half of it, whatever the order of their steps
    furthest = max(
        float(np.abs(call(bench, name, size=2**20)[1].numpy() - truth).max())
        for name in ("numpy_in_place", "numpy_fused", "torch_fused", "per_sample_loop")
    )
    assert 0 < furthest < 1e-6
