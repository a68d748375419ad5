"""Read a run from whatever file holds one: a journal, or a file of pytest-benchmark."""

from __future__ import annotations

import codecs
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from harness.files.reading import LONGEST_LINE, opened, rest_of
from harness.journal.lines import Run
from harness.journal.machines import of_one_machine
from harness.journal.read import is_journal, read_lines


def read_run(path: Path) -> Run:
    """Read a file that holds a run of one machine.

    Raises:
        UsageError: it cannot be read, holds something else, is damaged, or is of several machines.
    """
    return of_one_machine(read_any_run(path))


def read_any_run(path: Path) -> Run:
    """The same, be it of one machine or of several.

    Raises:
        UsageError: it cannot be read, holds something else, or is damaged.
    """
    with opened(path) as stream:
        first = stream.readline(LONGEST_LINE)
        if is_journal(first):
            return read_lines(path, first, stream)
        data = rest_of(stream, path, first)
    if _is_of_pytest_benchmark(data):
        # pandas, which export formats need, takes half a second to import
        from harness.formats.from_pytest_benchmark import read_file

        return read_file(path, data)
    return read_lines(path, first, BytesIO(data[len(first) :]))  # which says what is wrong with it


@contextmanager
def collector_off() -> Iterator[None]:
    """Without Python's cyclic collector: tens of thousands of trials are no garbage.

    It would look through all of them again and again, which took a quarter of a comparison's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()  # or it would look through them at once
            gc.enable()


def _is_of_pytest_benchmark(data: bytes) -> bool:
    """Whether this is, or was to be, a file of pytest-benchmark.

    Where a journal quotes such text, in the source of a scenario, its quotes are escaped.
    """
    begins = data.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return begins == b"{" and b'"machine_info"' in data and b'"benchmarks"' in data
