"""How fast data gets to an accelerator and back at best: whole blocks of pinned memory.

To the device, from it, both at once on two streams, and from one place of the device to another.
The fastest sample counts: a ceiling is a limit. Bytes of both ways are added up; a copy on the
device counts once, as memcpy does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from harness.trial.device.accelerator import Device, opened
from harness.trial.device.clock import DeviceClock, events_cover

TO, FROM, BOTH, COPY = "device_to", "device_from", "device_both", "device_copy"
SAMPLES = 5

Move = tuple[str, int, Callable[[], Any]]
"""A ceiling's name, the bytes that it counts, and what is timed."""


def measure_device_ceilings(
    request: dict[str, Any], device: Device | None = None, moves: list[Move] | None = None
) -> dict[str, Any]:
    """Measure every ceiling of transfers.

    Args:
        request: ``size_bytes`` of a block.
        device: what to measure on; the accelerator that torch finds when not given.
        moves: what to time; those of that accelerator when not given.

    Returns:
        ``ceilings``: a list of the fields of :class:`harness.schema.records.Ceiling`.
    """
    ready = opened(device)
    clock = DeviceClock(ready.device)
    size_bytes: int = request["size_bytes"]
    ceilings = []
    for name, counted, move in _moves(size_bytes) if moves is None else moves:
        clock.once(move)
        samples = [clock.once(move)[1] for _ in range(SAMPLES)]
        # By events where they tell of it: what the host adds is no limit of the link.
        covered = events_cover(samples)
        times = [one.event_s if covered and one.event_s else one.done_s for one in samples]
        ceilings.append(
            {
                "name": name,
                "threads": 1,
                "size_bytes": size_bytes,
                "bytes_per_s": counted / min(times),
                "samples_s": times,
            }
        )
    return {"ceilings": ceilings}


def _moves(size_bytes: int) -> list[Move]:
    device = torch.accelerator.current_accelerator()
    assert device is not None
    sent, received = (torch.ones(size_bytes, dtype=torch.uint8).pin_memory() for _ in range(2))
    place, source, target = (
        torch.ones(size_bytes, dtype=torch.uint8, device=device) for _ in range(3)
    )
    side = torch.Stream(device)

    def both() -> None:
        current = torch.accelerator.current_stream()
        side.wait_stream(current)  # or it would begin before the first event
        place.copy_(sent, non_blocking=True)
        with side:
            received.copy_(source, non_blocking=True)
        current.wait_stream(side)

    return [
        (TO, size_bytes, lambda: place.copy_(sent, non_blocking=True)),
        (FROM, size_bytes, lambda: received.copy_(source, non_blocking=True)),
        (BOTH, 2 * size_bytes, both),
        (COPY, size_bytes, lambda: target.copy_(source)),
    ]
