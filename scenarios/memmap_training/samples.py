"""From rows of the file to float32."""

import math

import torch

from .costs import CHUNK_BYTES


def scaled(x):
    """float32, in which bytes become 0…1; what is float32 already is not copied."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x.float()


def floats(rows):
    """The same for an array."""
    return scaled(torch.from_numpy(rows))


def rows_of_a_chunk(data):
    return max(1, CHUNK_BYTES // (math.prod(data.shape[1:]) * data.dtype.itemsize))
