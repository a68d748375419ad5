"""What memray counts that is no memory of the process's own: mappings, of files above all."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.units import MIB, format_size

_ARENA_BYTES = MIB
"""Python maps the memory for its small objects in pieces of this size."""
_MEMMAP = "numpy/_core/memmap.py"
WHOLE = "memray counts each whole from the start, whatever of it is ever touched"


def mappings(record: Path, files: Sequence[str]) -> list[str]:
    """A sentence for each line that had something mapped at the peak.

    Args:
        record: of memray, which must be installed.
        files: those of the lines that were watched.
    """
    memray: Any = importlib.import_module("memray")
    with memray.FileReader(record) as reader:
        records = reader.get_high_watermark_allocation_records(merge_threads=True)
        sizes: Counter[tuple[str, bool]] = Counter()
        for one in records:
            each = one.size / max(1, one.n_allocations)
            if one.allocator == memray.AllocatorType.MMAP and each > _ARENA_BYTES:
                sizes[_place(one.stack_trace(), files)] += one.size
    return list(_sentences(sizes))


def _place(stack: Sequence[tuple[str, str, int]], files: Sequence[str]) -> tuple[str, bool]:
    """The innermost line that was watched, and whether NumPy mapped a file there."""
    own = [(file, line) for _, file, line in stack if file in files]
    place = f"{Path(own[0][0]).name}:{own[0][1]}" if own else "code that was not watched"
    return place, any(file.endswith(_MEMMAP) for _, file, _ in stack)


def _sentences(sizes: Counter[tuple[str, bool]]) -> Iterator[str]:
    for (place, is_file), size in sizes.most_common():
        kind = "a mapped file (numpy.memmap)" if is_file else "mapped, a file or shared memory"
        yield f"{format_size(size)} of the flame graph's peak is {kind}, by {place}: {WHOLE}"
