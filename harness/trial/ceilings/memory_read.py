"""Reading memory and keeping next to nothing of it, as a sum does."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from harness.schema.records import Work
from harness.trial.ceilings.kind import Place, Timed, ceiling, fastest


@ceiling("read")
def read(work: Work, place: Place) -> Timed:
    """Every number, by sums, maxima and products of NumPy and torch."""
    # Whole numbers: sums of float32 by NumPy wait for the adder, which is no limit of memory.
    numbers = place.source(max(8, work.read_bytes // 8 * 8)).view(np.int64)
    floats = numbers.view(np.float32)
    tensor = torch.from_numpy(numbers)
    ways = (
        partial(np.add.reduce, numbers),
        partial(np.maximum.reduce, numbers),
        partial(np.dot, floats, floats),
        tensor.sum,
        torch.from_numpy(floats).sum,
        partial(torch.dot, torch.from_numpy(floats), torch.from_numpy(floats)),
    )
    return Timed("reading", fastest(ways))
