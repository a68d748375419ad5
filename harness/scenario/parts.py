"""The check of what one of several ranks is given: a part of the data, unchanged.

Whether all parts together are the whole is found out where they all are seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from harness.scenario.batches import row_numbers
from harness.scenario.checks import as_array, same_values
from harness.scenario.sample_files import Array


def verify_part(batches: Iterable[Any], path: Path, labels: Array) -> str:
    """Go through batches and raise AssertionError unless each sample is a row of a file.

    Args:
        batches: of samples and labels, each of shape (batch, …).
        path: a .npy file of shape (rows, …), numbered by
            :func:`harness.scenario.batches.number_rows`.
        labels: of its rows, shape (rows,).

    Returns:
        What could not be judged: nothing.

    Raises:
        AssertionError: a sample or a label is another.
    """
    data = np.load(path, mmap_mode="r")
    for samples, own in batches:
        rows = row_numbers(as_array(samples))
        unknown = rows[(rows < 0) | (rows >= len(data))]
        if len(unknown):
            raise AssertionError(f"a sample has the number {unknown[0]}, of {len(data)} rows")
        same_values(data[rows], samples)
        same_values(labels[rows], own)
    return ""
