"""Every page of a value is read, no other, and nothing is taken for it."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.trial.meters.page_touch import touch_pages
from harness.trial.meters.process_memory import open_meter

PAGE = mmap.PAGESIZE
PAGES = 64


def faulted(value: Any) -> list[int]:
    """Which of the pages of ``value``'s own memory are there after it was touched."""
    touch_pages(value)
    memory: mmap.mmap = value.base_map
    seen = os.pread(PAGEMAP, 8 * PAGES, address_of(memory) // PAGE * 8)
    entries = np.frombuffer(seen, np.uint64)
    return [int(page) for page in np.flatnonzero(entries >> np.uint64(63))]


class Mapped(np.ndarray[Any, Any]):
    base_map: mmap.mmap


PAGEMAP = os.open("/proc/self/pagemap", os.O_RDONLY) if Path("/proc/self/pagemap").exists() else -1


def address_of(memory: mmap.mmap) -> int:
    return int(np.frombuffer(memory, np.uint8).__array_interface__["data"][0])


def mapped(dtype: str, shape: tuple[int, ...]) -> Any:
    """An array over pages that nobody has used yet."""
    memory = mmap.mmap(-1, PAGES * PAGE)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    array = np.frombuffer(memory, dtype).reshape(shape).view(Mapped)
    array.base_map = memory
    return array


def part(whole: Any, view: Any) -> Any:
    found = view.view(Mapped)
    found.base_map = whole.base_map
    return found


needs_pagemap = pytest.mark.skipif(PAGEMAP < 0, reason="there is no /proc/self/pagemap")


@needs_pagemap
@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (lambda rows: rows, list(range(PAGES))),
        (lambda rows: rows[::-1, ::-1], list(range(PAGES))),
        (lambda rows: rows.T, list(range(PAGES))),
        (lambda rows: rows[:, :3], list(range(PAGES))),
        (lambda rows: rows[::2, 5:7], list(range(0, PAGES, 2))),
        (lambda rows: rows[10:12], [10, 11]),
        (lambda rows: rows.reshape(-1)[1023:1025], [0, 1]),  # from one page into the next
        (lambda rows: rows.reshape(-1)[1000 : 1024 * 2 + 1], [0, 1, 2]),
        (lambda rows: np.broadcast_to(rows[3], (9, 1024)), [3]),
        (lambda rows: np.lib.stride_tricks.sliding_window_view(rows[:2].reshape(-1), 9), [0, 1]),
        (lambda rows: rows[:0], []),
    ],
)
def test_the_pages_of_a_view_are_read_and_no_others(view: Any, expected: list[int]) -> None:
    rows = mapped("f4", (PAGES, PAGE // 4))
    assert faulted(part(rows, view(rows))) == expected


@pytest.mark.parametrize(
    "value",
    [
        torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
        torch.arange(3.0, requires_grad=True),
        torch.zeros(5, dtype=torch.bfloat16).expand(2, 5),
        torch.empty(0, 3),
        torch.empty(3, device="meta"),
        np.array(5.0),
        np.zeros(3, ">f8"),
        {"x": [np.ones(3), (torch.ones(2), "label", 3, None)]},
    ],
)
def test_whatever_a_batch_is_made_of(value: Any) -> None:
    touch_pages(value)


def test_touching_takes_no_memory_in_proportion() -> None:
    held = torch.ones(64 * 1024**2, dtype=torch.uint8)
    views = (held, held[::3], held.view(torch.float32)[::2], held.reshape(8192, -1)[:, 1:100])
    meter = open_meter()
    touch_pages(held[:1])
    meter.reset_peak()
    before = meter.read()
    for view in views:
        touch_pages(view)
    assert meter.read().peak_bytes - before.rss.total_bytes < 1024**2
