"""How fast data gets to an accelerator and back at best: whole blocks of pinned memory.

To the device, from it, both at once on two streams, and from one place of the device to another.
The fastest sample counts: a ceiling is a limit. Bytes of both ways are added up; a copy on the
device counts once, as memcpy does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from harness.schema.records import DEVICE_BOTH, DEVICE_COPY, DEVICE_FROM, DEVICE_TO, Work
from harness.trial.ceilings.kind import Place, Timed, ceiling
from harness.trial.device.accelerator import Device, opened
from harness.trial.device.clock import DeviceClock, events_cover

SAMPLES = 5
TEXTS = {
    DEVICE_TO: "pinned memory to the device",
    DEVICE_FROM: "the device to pinned memory",
    DEVICE_BOTH: "both ways at once",
    DEVICE_COPY: "one place on the device to another",
}
Prepare = Callable[[], Callable[[], Any]]
"""What makes memory ready, and returns the call that is timed."""


@ceiling(*TEXTS, settled=True)
def move(work: Work, place: Place) -> Timed:
    """A whole block of memory, over the link or on the device."""
    size_bytes = work.read_bytes
    times = moved_s(_moves(size_bytes)[work.kind])
    counted_bytes = 2 * size_bytes if work.kind == DEVICE_BOTH else size_bytes
    return Timed(TEXTS[work.kind], times, counted_bytes)


def moved_s(prepare: Prepare, device: Device | None = None) -> tuple[float, ...]:
    """How long it took, each time.

    Args:
        prepare: makes the call.
        device: what it goes to; the accelerator that torch finds when not given.
    """
    clock = DeviceClock(opened(device).device)
    return tuple(_times(clock, prepare()))


def _times(clock: DeviceClock, move: Callable[[], Any]) -> list[float]:
    clock.once(move)
    samples = [clock.once(move)[1] for _ in range(SAMPLES)]
    # By events where they tell of it: what the host adds is no limit of the link.
    covered = events_cover(samples)
    return [one.event_s if covered and one.event_s else one.done_s for one in samples]


def _moves(size_bytes: int) -> dict[str, Prepare]:
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

    return {
        DEVICE_TO: to_device,
        DEVICE_FROM: from_device,
        DEVICE_BOTH: both_ways,
        DEVICE_COPY: on_device,
    }
