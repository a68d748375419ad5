"""From memory of the host to an accelerator: every way there is, and what pinning is worth."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario import KIB, MIB
from harness.scenario.checks import same_values
from harness.scenario.layouts import random_values

DTYPES = ("float32", "float16", "uint8")
SIZES = tuple(4 * KIB * 4**step for step in range(10))

scenario = Scenario(
    "host_to_device",
    question="How should data get from the host to an accelerator, and when does pinning pay?",
    baseline="pageable_to",
    groups={
        "pageable": "if the data lies in ordinary memory",
        "pinned": "if the data lies in pinned memory already",
        "many small": "if the data is many small tensors",
        "cast": "if the dtype must change",
        "from a file": "if the data lies in a mapped file",
        "kept there": "if all of the data fits on the device",
        "pin": "if memory is only to be pinned",
    },
    transfers="to",
    parameters={
        "size": Parameter(
            16 * MIB,
            quick=(64 * KIB, 1 * MIB, 64 * MIB),
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


# Pageable: ordinary memory, as tensors and arrays have it.

pageable = partial(strategy, group="pageable", pins=0)


@pageable()
def pageable_to(data):
    """The driver copies it through pinned memory of its own, and the host waits."""
    return data.to(torch.accelerator.current_accelerator())


@pageable(in_quick=False)
def pageable_non_blocking(data):
    """Asks not to wait, although the memory is not pinned."""
    return data.to(torch.accelerator.current_accelerator(), non_blocking=True)


staged = partial(strategy, group="pageable", pins=1)


@staged()
def pin_then_to(data):
    """Copies it to pinned memory first, then waits for the transfer."""
    return data.pin_memory().to(torch.accelerator.current_accelerator())


@staged()
def pin_then_non_blocking(data):
    """Copies it to pinned memory first, then goes on."""
    return data.pin_memory().to(torch.accelerator.current_accelerator(), non_blocking=True)


def two_buffers(data):
    device = torch.accelerator.current_accelerator()
    values = -(-len(data) // 16)
    return [
        (torch.empty(values, dtype=data.dtype, pin_memory=True), torch.Event(device))
        for _ in range(2)
    ]


@strategy(group="pageable", setup=two_buffers, pins=2 / 16)
def pinned_ring(data, buffers):
    """Fills one of two small pinned buffers, kept for good, while the other is sent."""
    result = torch.empty_like(data, device=torch.accelerator.current_accelerator())
    values = len(buffers[0][0])
    for number, (source, target) in enumerate(
        zip(data.split(values), result.split(values), strict=True)
    ):
        buffer, sent = buffers[number % 2]
        sent.synchronize()  # until then, it is still being read
        buffer[: len(source)].copy_(source)
        target.copy_(buffer[: len(source)], non_blocking=True)
        sent.record()
    return result


def four_threads(data):
    return ThreadPoolExecutor(4, initializer=torch.set_num_threads, initargs=(1,))


@strategy(group="pageable", setup=four_threads, pins=1)
def pinning_threads(data, threads):
    """Four threads copy a quarter each to pinned memory, and send it."""
    result = torch.empty_like(data, device=torch.accelerator.current_accelerator())

    def send(source, target):
        target.copy_(source.pin_memory(), non_blocking=True)

    list(threads.map(send, data.chunk(4), result.chunk(4)))
    return result


def without_cuda():
    device = torch.accelerator.current_accelerator()
    if device is not None and device.type != "cuda":
        return f"{device.type} has no cudaHostRegister"
    return None


@strategy(group="pageable", skip=without_cuda, pins=0)
def registered(data):
    """Pins the memory in place, sends it, and unpins it (cudaHostRegister)."""
    cudart = torch.cuda.cudart()
    torch.cuda.check_error(int(cudart.cudaHostRegister(data.data_ptr(), data.nbytes, 0)))
    result = data.to("cuda", non_blocking=True)
    torch.cuda.current_stream().synchronize()  # until then, it must stay where it is
    torch.cuda.check_error(int(cudart.cudaHostUnregister(data.data_ptr())))
    return result


# Pinned: the data was made in pinned memory, or brought there long before.


def pinned_copy(data):
    return data.pin_memory()


pinned = partial(strategy, group="pinned", setup=pinned_copy, pins=1)


@pinned()
def pinned_to(data, pinned):
    """Sends pinned memory, and waits."""
    return pinned.to(torch.accelerator.current_accelerator())


@pinned()
def pinned_non_blocking(data, pinned):
    """Sends pinned memory, and goes on."""
    return pinned.to(torch.accelerator.current_accelerator(), non_blocking=True)


def pinned_and_stream(data):
    return data.pin_memory(), torch.Stream(torch.accelerator.current_accelerator())


@strategy(group="pinned", setup=pinned_and_stream, pins=1)
def side_stream(data, pinned_and_side):
    """Sends it on its own stream while the device computes on another, which then waits."""
    pinned, side = pinned_and_side
    with side:
        result = pinned.to(torch.accelerator.current_accelerator(), non_blocking=True)
    current = torch.accelerator.current_stream()
    current.wait_stream(side)
    result.record_stream(current)  # or its memory could be given away too soon
    return result


def pinned_and_place(data):
    place = torch.empty_like(data, device=torch.accelerator.current_accelerator())
    return data.pin_memory(), place


@strategy(group="pinned", setup=pinned_and_place, pins=1)
def into_same_place(data, pinned_and_place):
    """Sends it to memory that the device already has, and goes on."""
    pinned, place = pinned_and_place
    return place.copy_(pinned, non_blocking=True)


# Many small: 64 tensors that lie here and there.


def small_tensors(data):
    return [part.clone() for part in data.chunk(64)]


many = partial(strategy, group="many small", setup=small_tensors)


@many(pins=0)
def each_alone(data, tensors):
    """Sends 64 tensors one by one."""
    device = torch.accelerator.current_accelerator()
    return [tensor.to(device) for tensor in tensors]


@many(pins=0, in_quick=False)
def packed(data, tensors):
    """Copies 64 tensors together, sends them at once, and cuts them apart there."""
    device = torch.accelerator.current_accelerator()
    return torch.cat(tensors).to(device).split([len(tensor) for tensor in tensors])


@many(pins=1)
def packed_pinned(data, tensors):
    """Copies 64 tensors together in pinned memory, sends them, and cuts them apart there."""
    lengths = [len(tensor) for tensor in tensors]
    pinned = torch.empty(sum(lengths), dtype=tensors[0].dtype, pin_memory=True)
    torch.cat(tensors, out=pinned)
    device = torch.accelerator.current_accelerator()
    return pinned.to(device, non_blocking=True).split(lengths)


# Cast: bytes that are to become floats.


def not_bytes(dtype):
    return None if dtype == "uint8" else f"{dtype} needs no cast"


cast = partial(strategy, group="cast", skip=not_bytes, at={"dtype": "uint8"}, pins=0)


@cast()
def cast_on_device(data):
    """Sends bytes, which the device casts: a quarter of the traffic."""
    return data.to(torch.accelerator.current_accelerator()).float()


@cast(crosses=4)
def cast_on_host(data):
    """Casts on the host, and sends floats."""
    return data.float().to(torch.accelerator.current_accelerator())


# From a file that is mapped, and in memory.


def mapped_file(data, folder):
    array = data.numpy()
    array.tofile(folder / "data.bin")
    return torch.from_numpy(np.memmap(folder / "data.bin", array.dtype, "r+"))


from_file = partial(strategy, group="from a file", setup=mapped_file, in_quick=False)


@from_file(pins=0)
def mapped_to(data, mapped):
    """Sends the pages of a mapped file."""
    return mapped.to(torch.accelerator.current_accelerator())


@from_file(pins=1)
def mapped_pinned(data, mapped):
    """Copies a mapped file to pinned memory, and sends that."""
    return mapped.pin_memory().to(torch.accelerator.current_accelerator(), non_blocking=True)


# Kept there: everything was sent before.


def on_device(data):
    return data.to(torch.accelerator.current_accelerator())


@strategy(group="kept there", setup=on_device, pins=0, crosses=0, in_quick=False)
def there_already(data, stored):
    """Copies it from one place on the device to another, where all of it fits."""
    return stored.clone()


# Pin: what comes before, by itself. The first pin takes memory, a later one finds it kept.


@strategy(group="pin", pins=1, crosses=0)
def pin_memory(data):
    """Only copies it to pinned memory."""
    return data.pin_memory()


@scenario.check
def all_of_the_data(data, result, group):
    device = torch.accelerator.current_accelerator()
    parts = [result] if isinstance(result, torch.Tensor) else result
    start = 0
    for part in parts:
        assert isinstance(part, torch.Tensor), f"a {type(part).__name__}, expected a tensor"
        if group == "pin":
            assert part.is_pinned(), "not pinned"
        else:
            assert part.device.type == device.type, f"on {part.device}, expected {device.type}"
        expected = data[start : start + len(part)]
        same_values(expected.float() if group == "cast" else expected, part.cpu())
        start += len(part)
    assert start == len(data), f"{start} values, expected {len(data)}"
