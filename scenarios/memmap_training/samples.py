"""From rows of the file to what a model is given."""

import math

import torch

from harness.scenario.sample_files import holds_ids

from .costs import CHUNK_BYTES


def scaled(x):
    """float32, in which bytes become 0…1, or ids as int64; what is so already is not copied."""
    if x.dtype == torch.uint8:
        return x.float().div_(255)
    return x.float() if x.is_floating_point() else x.long()


def as_input(rows):
    """The same for an array."""
    return scaled(torch.from_numpy(rows))


def kind_of(dtype):
    return torch.int64 if holds_ids(dtype) else torch.float32


def rows_of_a_chunk(data):
    return max(1, CHUNK_BYTES // (math.prod(data.shape[1:]) * data.dtype.itemsize))
