"""How fast data gets to an accelerator and back at best: whole blocks of pinned memory.

To the device, from it, both at once on two streams, and from one place of the device to another.
The fastest sample counts: a ceiling is a limit. Bytes of both ways are added up; a copy on the
device counts once, as memcpy does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from harness.schema.records import Ceiling
from harness.schema.request import DeviceCeilingsRequest
from harness.trial.base.outcomes import failure
from harness.trial.device.accelerator import Device, opened
from harness.trial.device.clock import DeviceClock, events_cover

TO, FROM, BOTH, COPY = "device_to", "device_from", "device_both", "device_copy"
SAMPLES = 5

Move = tuple[str, int, Callable[[], Callable[[], Any]]]
"""A ceiling's name, the bytes that it counts, and what prepares the call that is timed."""


def measure_device_ceilings(
    request: DeviceCeilingsRequest, device: Device | None = None, moves: list[Move] | None = None
) -> dict[str, Any]:
    """Measure every ceiling of transfers.

    Args:
        request: how much to move.
        device: what to measure on; the accelerator that torch finds when not given.
        moves: what to time; those of that accelerator when not given.

    Returns:
        ``ceilings``: a list of the fields of :class:`harness.schema.records.Ceiling`. One that this
        backend cannot give has a note in place of its rate.
    """
    ready = opened(device)
    clock = DeviceClock(ready.device)
    size_bytes = request.size_bytes
    ceilings = []
    for name, counted, prepare in _moves(size_bytes) if moves is None else moves:
        try:
            times = _times(clock, prepare())
        except Exception as error:  # noqa: BLE001 — the others are limits all the same
            note = f"not measured: {failure(error).reason}"
            found = Ceiling(name, 1, size_bytes, 0.0, note=note)
        else:
            found = Ceiling(name, 1, size_bytes, counted / min(times), tuple(times))
        ceilings.append(asdict(found))
    return {"ceilings": ceilings}


def _times(clock: DeviceClock, move: Callable[[], Any]) -> list[float]:
    clock.once(move)
    samples = [clock.once(move)[1] for _ in range(SAMPLES)]
    # By events where they tell of it: what the host adds is no limit of the link.
    covered = events_cover(samples)
    return [one.event_s if covered and one.event_s else one.done_s for one in samples]


def _moves(size_bytes: int) -> list[Move]:
    device = torch.accelerator.current_accelerator()
    assert device is not None

    def pinned() -> torch.Tensor:
        return torch.ones(size_bytes, dtype=torch.uint8).pin_memory()

    def there() -> torch.Tensor:
        return torch.ones(size_bytes, dtype=torch.uint8, device=device)

    def to_device() -> Callable[[], Any]:
        place, sent = there(), pinned()
        return lambda: place.copy_(sent, non_blocking=True)

    def from_device() -> Callable[[], Any]:
        received, source = pinned(), there()
        return lambda: received.copy_(source, non_blocking=True)

    def both_ways() -> Callable[[], Any]:
        send, receive, side = to_device(), from_device(), torch.Stream(device)

        def both() -> None:
            current = torch.accelerator.current_stream()
            side.wait_stream(current)  # or it would begin before the first event
            send()
            with side:
                receive()
            current.wait_stream(side)

        return both

    def on_device() -> Callable[[], Any]:
        target, source = there(), there()
        return lambda: target.copy_(source)

    return [
        (TO, size_bytes, to_device),
        (FROM, size_bytes, from_device),
        (BOTH, 2 * size_bytes, both_ways),
        (COPY, size_bytes, on_device),
    ]
