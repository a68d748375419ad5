"""What using an accelerator costs before anything is measured, one JSON line for each moment.

    python3 docs/device_probe.py FILE

Each line has the time since the start in seconds, this process's memory in bytes (anonymous, file
and shared pages, from /proc/self/smaps_rollup), and the memory of the device in bytes, device-wide
as NVML counts it and as torch's allocators do. NVML is asked through nvidia-ml-py, by the UUID or
number that CUDA_VISIBLE_DEVICES names, which starts nothing on the device. What cannot be known is
null. A line is written as soon as it is known, so that the file is complete up to any instant.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from harness.trial.device.nvml import first_visible

BEGAN = time.perf_counter()
BLOCK = 256 * 1024**2
KIB = 1024


def pages() -> dict[str, int | None]:
    """Bytes of this process by kind of page; None where the system does not tell."""
    names = {"Pss_Anon": "anonymous", "Pss_File": "file", "Pss_Shmem": "shared", "Rss": "resident"}
    found: dict[str, int | None] = dict.fromkeys(names.values())
    rollup = Path("/proc/self/smaps_rollup")
    if rollup.exists():
        for line in rollup.read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            if name in names:
                found[names[name]] = int(rest.split()[0]) * KIB
    return {f"host_{name}_bytes": size for name, size in found.items()}


class Probe:
    """Writes one line for each moment."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        device = first_visible()
        self._used = (lambda: None) if device is None else device.used_bytes
        self._last = BEGAN

    def note(self, moment: str, torch: Any = None, **more: Any) -> None:
        """Write what holds now."""
        now = time.perf_counter()
        line: dict[str, Any] = {"moment": moment, "since_start_s": round(now - BEGAN, 4)}
        line |= {"step_s": round(now - self._last, 6), **pages(), "device_bytes": self._used()}
        if torch is not None:
            line |= {"torch_device_bytes": torch.accelerator.memory_reserved()}
            if hasattr(torch.cuda, "host_memory_stats"):
                line |= {
                    "torch_pinned_bytes": torch.cuda.host_memory_stats()["allocated_bytes.current"]
                }
        self._stream.write(json.dumps(line | more) + "\n")
        self._stream.flush()
        sys.stdout.write(f"{json.dumps(line | more)}\n")
        self._last = time.perf_counter()


def main(path: Path) -> None:
    """Probe the first visible device, as far as there is one."""
    with path.open("w") as stream:
        probe = Probe(stream)
        probe.note("python has started")
        import torch

        probe.note("torch is imported", version=torch.__version__)
        there = torch.accelerator.is_available()
        probe.note("torch was asked for a device", available=there)
        if not there:
            return
        device = torch.accelerator.current_accelerator()
        torch.ones(1, device=device)
        torch.accelerator.synchronize()
        probe.note("the context is made", torch)
        pin_and_drop(probe, torch)
        transfer(probe, torch, device)


def pin_and_drop(probe: Probe, torch: Any) -> None:
    """Pinned memory: the first pin, its pages, what dropping it leaves, and a second pin."""
    block = torch.empty(BLOCK, dtype=torch.uint8, pin_memory=True)
    probe.note("256 MiB are pinned", torch)
    block.fill_(1)
    probe.note("… and written", torch)
    del block
    probe.note("… and dropped", torch)
    block = torch.empty(BLOCK, dtype=torch.uint8, pin_memory=True)
    probe.note("256 MiB are pinned once more", torch)
    del block
    if hasattr(torch.accelerator, "empty_host_cache"):
        torch.accelerator.empty_host_cache()
        probe.note("the cache of pinned memory is emptied", torch)


def transfer(probe: Probe, torch: Any, device: Any) -> None:
    """Memory of the device: a block there, dropped, and the allocator's cache emptied."""
    source = torch.ones(BLOCK, dtype=torch.uint8)
    probe.note("256 MiB of ordinary memory are written", torch)
    block = source.to(device)
    probe.note("… and sent", torch)
    del block
    probe.note("… and dropped there", torch)
    torch.accelerator.empty_cache()
    probe.note("the cache of the device's memory is emptied", torch)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 docs/device_probe.py FILE")
    main(Path(sys.argv[1]))
