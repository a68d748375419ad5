"""From an accelerator back to the host: every way there is, and which must be waited for."""

from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario import KIB, MIB
from harness.scenario.checks import same_values
from harness.scenario.layouts import random_values
from harness.trial.device.kernels import Busy

DTYPES = ("float32", "float16", "uint8")
SIZES = tuple(4 * KIB * 4**step for step in range(10))

scenario = Scenario(
    "device_to_host",
    question="How should data get from an accelerator to the host, and what must be waited for?",
    baseline="to_cpu",
    groups={
        "new": "if the result needs memory of its own",
        "kept": "if the result may go into memory you keep",
        "busy device": "if the device has other work to do first",
        "many small": "if the data is many small tensors",
    },
    transfers="from",
    parameters={
        "size": Parameter(
            16 * MIB,
            quick=(64 * KIB, 64 * MIB),
            usual=SIZES,
            full=SIZES,
            axis=True,
            doc="bytes of the data",
        ),
        "dtype": Parameter("float32", choices=DTYPES, usual=DTYPES, full=DTYPES),
    },
)


@scenario.inputs
def data(size, dtype, rng):
    values = size // getattr(torch, dtype).itemsize
    return torch.from_numpy(random_values(rng, (values,), dtype))


strategy = scenario.strategy


# New: the result has memory of its own.


def on_device(data):
    return data.to(torch.accelerator.current_accelerator())


new = partial(strategy, group="new", setup=on_device)


@new(pins=0)
def to_cpu(data, there):
    """Copies it into new pageable memory, and waits."""
    return there.cpu()


@new(pins=0, in_quick=False)
def numpy_force(data, there):
    """The same, as an array."""
    return there.numpy(force=True)


@new(pins=1)
def non_blocking_waited(data, there):
    """Copies it into new pinned memory, and waits once before anything reads it."""
    result = there.to("cpu", non_blocking=True)
    torch.accelerator.current_stream().synchronize()
    return result


# Kept: the data goes into memory that is there already.


def there_and_pageable(data):
    return data.to(torch.accelerator.current_accelerator()), torch.zeros_like(data)


def there_and_pinned(data):
    there = data.to(torch.accelerator.current_accelerator())
    return there, torch.zeros_like(data, pin_memory=True)


@strategy(group="kept", setup=there_and_pageable, pins=0)
def into_pageable(data, prepared):
    """Copies it into pageable memory that is kept, and waits."""
    there, buffer = prepared
    return buffer.copy_(there)


@strategy(group="kept", setup=there_and_pinned, pins=1)
def into_pinned(data, prepared):
    """Copies it into pinned memory that is kept, and waits for an event."""
    there, buffer = prepared
    buffer.copy_(there, non_blocking=True)
    arrived = torch.Event(there.device)
    arrived.record()
    arrived.synchronize()
    return buffer


def there_and_ring(data):
    there = data.to(torch.accelerator.current_accelerator())
    values = -(-len(data) // 16)
    buffers = [
        (torch.empty(values, dtype=data.dtype, pin_memory=True), torch.Event(there.device))
        for _ in range(2)
    ]
    return there, torch.zeros_like(data), buffers


@strategy(group="kept", setup=there_and_ring, pins=2 / 16)
def pinned_ring(data, prepared):
    """Brings a piece into one of two pinned buffers, and copies the other one away meanwhile."""
    there, result, buffers = prepared
    values = len(buffers[0][0])
    pieces = list(zip(there.split(values), result.split(values), strict=True))

    def fetch(number):
        (source, _), (buffer, arrived) = pieces[number], buffers[number % 2]
        buffer[: len(source)].copy_(source, non_blocking=True)
        arrived.record()

    fetch(0)
    for number, (_, target) in enumerate(pieces):
        if number + 1 < len(pieces):
            fetch(number + 1)
        buffer, arrived = buffers[number % 2]
        arrived.synchronize()  # until then, it holds what it held before
        target.copy_(buffer[: len(target)])
    return result


# Busy device: with work queued before the copy, as in training, a copy takes until that is done:
# about 50 ms, whatever the device.


def busy_device(data):
    device = torch.accelerator.current_accelerator()
    return data.to(device), torch.zeros_like(data, pin_memory=True), Busy(device)


busy = partial(strategy, group="busy device", setup=busy_device, pins=1)


@busy()
def waited(data, prepared):
    """Waits for an event after the copy, then reads."""
    there, buffer, work = prepared
    work.queue()
    buffer.copy_(there, non_blocking=True)
    arrived = torch.Event(there.device)
    arrived.record()
    arrived.synchronize()
    return buffer.clone()


@busy()
def not_waited(data, prepared):
    """Reads the buffer at once: nothing has arrived in it yet, and nothing says so."""
    there, buffer, work = prepared
    work.queue()
    buffer.copy_(there, non_blocking=True)
    return buffer.clone()


# Many small: 64 tensors that lie here and there.


def small_tensors(data):
    device = torch.accelerator.current_accelerator()
    return [part.to(device) for part in data.chunk(64)]


many = partial(strategy, group="many small", setup=small_tensors, pins=0)


@many()
def each_alone(data, tensors):
    """Brings 64 tensors one by one, waiting for each."""
    return [tensor.cpu() for tensor in tensors]


@many()
def packed(data, tensors):
    """Copies 64 tensors together on the device, brings them at once, and cuts them apart."""
    return torch.cat(tensors).cpu().split([len(tensor) for tensor in tensors])


@scenario.check
def all_of_the_data(data, result):
    parts = result if isinstance(result, list | tuple) else [result]
    start = 0
    for part in parts:
        assert isinstance(part, torch.Tensor | np.ndarray), f"a {type(part).__name__}"
        same_values(data[start : start + len(part)], part)
        start += len(part)
    assert start == len(data), f"{start} values, expected {len(data)}"
