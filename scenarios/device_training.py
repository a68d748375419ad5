"""Training on an accelerator with data in memory of the host: how long it stands still for data."""

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from harness import Parameter, Scenario
from harness.batches import START_METHODS, number_rows, verify_epoch
from harness.scenario import MIB
from harness.scenario.sample_files import CLASSES
from harness.scenario.training_step import make_step

SIDE = 64
"""Of an image: 16 KiB of float32."""
BATCH_SIZES = (32, 256, 1024)

scenario = Scenario(
    "device_training",
    question="How should batches get to an accelerator, so that training does not wait for them?",
    baseline="unpinned",
    groups={
        "batches": "if batches are sent as they come",
        "kept there": "if all of the data fits on the device",
    },
    epochs=True,
    on_device=True,
    parameters={
        "size": Parameter(
            64 * MIB,
            usual=(64 * MIB, 256 * MIB),
            full=(64 * MIB, 1024 * MIB),
            axis=True,
            doc="bytes of the data",
        ),
        "batch_size": Parameter(256, usual=BATCH_SIZES, full=BATCH_SIZES),
        "num_workers": Parameter(0, quick=(0, 2), usual=(0, 2, 4), full=(0, 2, 4, 8)),
        "start_method": Parameter(
            "fork", choices=START_METHODS, doc="how worker processes begin, where there are any"
        ),
    },
)


@scenario.inputs
def data_and_labels(size, rng):
    rows = max(CLASSES, size // (4 * SIDE * SIDE))
    data = rng.random((rows, SIDE * SIDE), dtype=np.float32)
    labels = rng.integers(0, CLASSES, rows)
    # A class has a band of its own where its images are brighter.
    band = SIDE * SIDE // CLASSES
    for number in range(CLASSES):
        data[labels == number, number * band : (number + 1) * band] += 1
    return number_rows(data), labels


@scenario.step
def step():
    return make_step("conv", SIDE * SIDE, 0.0, torch.accelerator.current_accelerator())


def no_such_batches(batch_size, num_workers, start_method):
    if num_workers < 0:
        return f"there cannot be {num_workers} workers"
    if not num_workers and start_method != "fork":
        return "start_method means nothing without workers"
    return None if batch_size > 0 else f"a batch cannot hold {batch_size} samples"


def loader_of(data, labels, batch_size, num_workers, start_method, pin_memory):
    dataset = TensorDataset(torch.from_numpy(data), torch.from_numpy(labels))
    return DataLoader(
        dataset,
        batch_size,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        multiprocessing_context=start_method if num_workers else None,
        pin_memory=pin_memory,
    )


class Sent:
    """Sends every batch of a loader, just before it is needed."""

    def __init__(self, loader, non_blocking):
        self.loader = loader
        self.non_blocking = non_blocking

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        device = torch.accelerator.current_accelerator()
        for batch in self.loader:
            yield [part.to(device, non_blocking=self.non_blocking) for part in batch]


class Prefetched:
    """Sends the next batch of a loader on a stream of its own, while this one is computed on."""

    def __init__(self, loader):
        self.loader = loader

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        device = torch.accelerator.current_accelerator()
        side, current = torch.Stream(device), torch.accelerator.current_stream()
        sent = None
        for batch in self.loader:
            if sent is not None:
                current.wait_stream(side)
            here = sent
            with side:
                sent = [part.to(device, non_blocking=True) for part in batch]
            if here is not None:
                for part in here:
                    part.record_stream(current)
                yield here
        if sent is not None:
            current.wait_stream(side)
            for part in sent:
                part.record_stream(current)
            yield sent


@scenario.strategy(group="batches", skip=no_such_batches)
def unpinned(data, labels, batch_size, num_workers, start_method):
    """Batches in pageable memory, each sent when it is needed."""
    return Sent(loader_of(data, labels, batch_size, num_workers, start_method, False), False)


@scenario.strategy(group="batches", skip=no_such_batches)
def pinned(data, labels, batch_size, num_workers, start_method):
    """Batches in pinned memory, each sent when it is needed."""
    return Sent(loader_of(data, labels, batch_size, num_workers, start_method, True), True)


@scenario.strategy(group="batches", skip=no_such_batches)
def prefetched(data, labels, batch_size, num_workers, start_method):
    """Batches in pinned memory, each sent while the one before is computed on."""
    return Prefetched(loader_of(data, labels, batch_size, num_workers, start_method, True))


class OnDevice:
    """Cuts batches from data that lies on the device."""

    def __init__(self, data, labels, batch_size):
        self.x, self.y = data.split(batch_size), labels.split(batch_size)

    def __len__(self):
        return len(self.x)

    def __iter__(self):
        return map(list, zip(self.x, self.y, strict=True))


@scenario.strategy(group="kept there", skip=no_such_batches)
def all_on_device(data, labels, batch_size):
    """Everything was sent at once before the first epoch, where all of it fits."""
    device = torch.accelerator.current_accelerator()
    x, y = torch.from_numpy(data).to(device), torch.from_numpy(labels).to(device)
    return OnDevice(x, y, batch_size)


@scenario.check
def every_sample_once(data, labels, result, batch_size):
    device = torch.accelerator.current_accelerator()

    def brought_back():
        for batch in result:
            for part in batch:
                assert part.device.type == device.type, f"on {part.device}, not {device.type}"
            yield [part.cpu() for part in batch]

    verify_epoch(brought_back(), data, labels, batch_size=batch_size)
