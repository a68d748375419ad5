"""Every sample comes once and is right."""

import numpy as np
import torch

from harness.batches import verify_file_epoch
from harness.scenario.checks import close_values
from harness.scenario.sample_files import as_given

from . import scenario
from .augmented import angles_and_flips, sides, turned


@scenario.check
def one_epoch(path, labels, result, strategy, group, batch_size, access):
    if strategy == "augment_published":
        return verify_shapes(result, labels, batch_size)
    if group == "augmented":
        return verify_augmented(result, path, labels, batch_size)
    in_one_batch = strategy.endswith("sorted_index") and len(labels) <= batch_size
    return verify_file_epoch(
        result,
        path,
        labels,
        batch_size=batch_size,
        shuffle=access != "sequential" and not in_one_batch,
        reused=group == "reused batch",
    )


TOLERANCE = 1e-3
"""Of the largest value: where a pixel comes from is calculated in float32."""


def verify_augmented(batches, path, labels, batch_size):
    """Every row came once, and is what flipping and rotating it in float64 gives."""
    data = np.load(path, mmap_mode="r")
    angles, flips = angles_and_flips(len(labels))
    times = np.zeros(len(labels), int)
    for index, batch in enumerate(batches):
        assert len(batch) == 3, f"batch {index} has {len(batch)} parts, expected 3"
        x, y, rows = batch
        images = torch.from_numpy(as_given(data[rows.numpy()])).double()
        images = images.view(-1, 1, *sides(data[0].size))
        flipped = torch.where(flips[rows].view(-1, 1, 1, 1), images.flip(-1), images)
        tolerance = TOLERANCE * float(images.abs().max())
        expected = turned(flipped, angles[rows].double())
        close_values(expected, x, tolerance=tolerance, dtype="float32", first=index * batch_size)
        assert np.array_equal(y, labels[rows]), f"batch {index} has labels of other rows"
        times[rows] += 1
    strange = np.flatnonzero(times != 1)
    assert not len(strange), f"row {strange[0]} came {times[strange[0]]} times"


def verify_shapes(batches, labels, batch_size):
    """Angles that are drawn from nowhere cannot be checked: only how many images of which class."""
    start = 0
    for index, (x, y) in enumerate(batches):
        expected = labels[start : start + batch_size]
        assert np.array_equal(y, expected), f"batch {index} has labels of other rows"
        assert x.shape[:2] == (len(y), 1), f"batch {index} has shape {tuple(x.shape)}"
        assert x.dtype == torch.float32, f"batch {index} has dtype {x.dtype}, expected float32"
        start += len(y)
    assert start == len(labels), f"{start} samples came, expected {len(labels)}"
    return "the values: each was turned by an angle that nobody knows"
