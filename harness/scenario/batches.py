"""The check of what loaders deliver: one epoch, batch by batch, against the data it came from.

Every row of an array begins with its own number, so that each sample says which row it is,
whatever the order; then all of its values are compared with that row. The rows of a file, which
may be a user's, are told by their values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from harness.scenario.checks import as_array, same_values
from harness.scenario.file_numbers import FileRows, Rows
from harness.scenario.sample_files import Array

START_METHODS = ("fork", "forkserver", "spawn")
"""How worker processes begin. Loaders name one, as the default is not the same for every Python."""
NUMBER_BYTES = 4
ROW_0 = 0x3F000000
"""The bits of row 0's number: 0.5 as float32. No number up to 2**30 is a NaN or a denormal."""
ENOUGH_TO_TELL = 16
"""So many different samples do not come in order by chance: 1 shuffle in 2e13."""


def number_rows(data: Array) -> Array:
    """Write each row's number into its first 4 bytes, in place; returns the data.

    Raises:
        ValueError: rows are shorter than a number, or not contiguous.
    """
    if not data.flags.c_contiguous or data.nbytes < NUMBER_BYTES * len(data):
        raise ValueError(f"rows of {data.shape[1:]} {data.dtype} cannot hold a number")
    if len(data):
        numbers = np.arange(len(data), dtype=np.int32) + np.int32(ROW_0)
        start = data.reshape(len(data), -1).view(np.uint8)[:, :NUMBER_BYTES]
        start[...] = numbers.view(np.uint8).reshape(-1, NUMBER_BYTES)
    return data


def row_numbers(samples: Array) -> npt.NDArray[np.int64]:
    """The number that each sample begins with; out of range where a sample is no row at all."""
    if not len(samples):
        return np.empty(0, np.int64)
    items = -(-NUMBER_BYTES // samples.itemsize)
    start = np.ascontiguousarray(samples.reshape(len(samples), -1)[:, :items]).view(np.uint8)
    numbers = np.ascontiguousarray(start[:, :NUMBER_BYTES]).view(np.int32)
    return numbers[:, 0].astype(np.int64) - ROW_0


def verify_epoch(
    batches: Iterable[Any],
    data: Array,
    labels: Array | None = None,
    *,
    batch_size: int,
    shuffle: bool = False,
    drop_last: bool = False,
    reused: bool = False,
) -> str:
    """Go through one epoch and raise AssertionError unless it is the data, whole and unchanged.

    Every row must come exactly once, in order or shuffled as requested, in batches of the requested
    size, as tensors of the data's dtype; and batches must keep their values while others are
    fetched. Two more batches are kept in memory: the first and the previous one.

    Args:
        batches: an iterable of ``x``, or of sequences ``(x,)``, or ``(x, y)`` if there are
            labels. An iterator is closed afterwards if it can be.
        data: the truth, shape (rows, ...), its rows numbered by :func:`number_rows`.
        labels: what ``y`` must be, shape (rows, ...).
        batch_size: samples per batch; the last one may have fewer.
        shuffle: the order must differ from the data's.
        drop_last: a last batch of fewer samples must be left out.
        reused: a batch need only hold its values until the next one is fetched.

    Returns:
        What could not be judged, for a check to return; empty if all was.

    Raises:
        AssertionError: what is wrong, and with which sample of which batch.
        ValueError: the rows of the data are not numbered.
    """
    if not np.array_equal(row_numbers(data), np.arange(len(data))):
        raise ValueError("the rows of the data are not numbered: harness.batches.number_rows")
    wanted = len(data) - (len(data) % batch_size if drop_last else 0)
    check = _Check(_ArrayRows(data), labels, batch_size, wanted, shuffle)
    return _verify(batches, check, reused=reused)


def verify_file_epoch(
    batches: Iterable[Any],
    path: Path,
    labels: Array | None = None,
    *,
    batch_size: int,
    shuffle: bool = False,
    reused: bool = False,
) -> str:
    """The same for the samples of a .npy file, which must come as float32, or as int64 where they
    are ids: see :func:`harness.scenario.sample_files.as_given`.

    Only a digest of each row and two batches are kept in memory, however large the file.

    Args:
        batches: as of :func:`verify_epoch`.
        path: the truth, see :class:`harness.scenario.file_numbers.FileRows`.
        labels: of its samples.
        batch_size: samples per batch; the last one may have fewer.
        shuffle: the order must differ from the file's.
        reused: a batch need only hold its values until the next one is fetched.

    Returns:
        What could not be judged: the order, where most samples are alike.

    Raises:
        AssertionError: what is wrong, and with which sample of which batch.
        OSError: the file cannot be read.
    """
    truth = FileRows(path, labels)
    check = _Check(truth, labels, batch_size, truth.rows, shuffle)
    return _verify(batches, check, reused=reused)


def _verify(batches: Iterable[Any], check: _Check, *, reused: bool) -> str:
    first: _Batch | None = None
    previous: _Batch | None = None
    iterator = iter(batches)
    try:
        for batch in iterator:
            current = check.take(batch)
            if not reused:
                check.unchanged(previous)
                first, previous = first or current, current
        check.unchanged(previous)
        check.unchanged(first)
        return check.complete()
    finally:
        # An error's traceback would keep a generator, and its threads, alive.
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


@dataclass(frozen=True)
class _Batch:
    index: int
    rows: Rows  # the rows that its samples say they are
    samples: Array
    labels: Array | None


class _Truth(Protocol):
    """What samples are compared with."""

    rows: int
    shape: tuple[int, ...]  # of a sample
    dtype: np.dtype[Any]  # of a sample as it comes
    by_value: bool  # a sample is recognised by all of its values, which then are right

    def names(self) -> Rows:
        """The row that each one is taken for, since some may be alike."""

    def recognise(self, samples: Array, labels: Array | None, due: Rows | None) -> Rows:
        """Which rows samples are, where ``due`` would come next; out of range: none."""

    def compare(self, rows: Rows, samples: Array) -> None:
        """Raise AssertionError unless samples are equal to rows."""

    def strange(self, sample: Array, due: int | None) -> str:
        """What a sample is that is none of the rows, where ``due`` would come next."""


class _ArrayRows:
    """Data whose rows are numbered."""

    by_value = False

    def __init__(self, data: Array) -> None:
        self.data = data
        self.rows = len(data)
        self.shape = data.shape[1:]
        self.dtype = data.dtype

    def names(self) -> Rows:
        return np.arange(self.rows)

    def recognise(self, samples: Array, labels: Array | None, due: Rows | None) -> Rows:
        return row_numbers(samples)

    def compare(self, rows: Rows, samples: Array) -> None:
        same_values(self.data[rows], samples)

    def strange(self, sample: Array, due: int | None) -> str:
        return f"not a row of the data; it begins with {sample.flat[0]!r}"


class _Check:
    """What has come so far, and what must come next."""

    def __init__(
        self,
        truth: _Truth,
        labels: Array | None,
        batch_size: int,
        wanted: int,
        shuffle: bool,
    ) -> None:
        self.truth = truth
        self.labels = labels
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.wanted = wanted
        self.came: list[Rows] = []
        self.samples = 0

    def take(self, batch: Any) -> _Batch:
        """Verify a batch that was just fetched."""
        index = len(self.came)
        samples, labels = self._parts(batch, index)
        truth = self.truth
        assert samples.dtype == truth.dtype, (
            f"batch {index} has dtype {samples.dtype}, expected {truth.dtype}"
        )
        assert samples.shape[1:] == truth.shape, (
            f"batch {index} has samples of shape {samples.shape[1:]}, expected {truth.shape}"
        )
        due = min(self.batch_size, self.wanted - self.samples)
        assert due, f"batch {index} is one too many: {self.samples} samples came before it"
        assert len(samples) == due, f"batch {index} has {len(samples)} samples, expected {due}"
        taken = _Batch(index, self._rows(index, samples, labels), samples, labels)
        self._same(taken, again=False)
        self.came.append(taken.rows)
        self.samples += len(samples)
        return taken

    def unchanged(self, batch: _Batch | None) -> None:
        """Verify a batch once more, after others were fetched."""
        try:
            if batch is not None:
                self._same(batch)
        except AssertionError as error:
            raise AssertionError(f"{error}: it changed after a later batch was fetched") from None

    def complete(self) -> str:
        """Verify that every row came, as often as it is there, and in the order asked for; returns
        what could not be judged.
        """
        rows = np.concatenate([np.empty(0, np.int64), *self.came])
        names = self.truth.names()
        times = np.bincount(rows, minlength=self.truth.rows)
        there = np.bincount(names, minlength=self.truth.rows)
        wanted = there if self.shuffle else np.ones_like(times)
        missing, again = np.flatnonzero(times < wanted), np.flatnonzero(times > wanted)
        never = f"row {missing[0]} never came" if len(missing) else ""
        assert not len(again), f"row {again[0]} came {times[again[0]]} times, and {never}"
        assert len(rows) == self.wanted, (
            f"{len(rows)} samples came, expected {self.wanted}: {never}"
        )
        if not self.shuffle or len(rows) < 2:
            return ""
        if _orders(times) < _orders(np.ones(ENOUGH_TO_TELL, int)):
            different = np.count_nonzero(times)
            return f"the order of {len(rows)} samples, of which {different} are different"
        assert not np.array_equal(rows, names[: len(rows)]), (
            "the samples came in the data's order instead of shuffled"
        )
        return ""

    def _parts(self, batch: Any, index: int) -> tuple[Array, Array | None]:
        parts = batch if isinstance(batch, list | tuple) else (batch,)
        wanted = 1 if self.labels is None else 2
        assert len(parts) == wanted, f"batch {index} has {len(parts)} parts, expected {wanted}"
        for part in parts:
            assert isinstance(part, torch.Tensor), (
                f"batch {index} is of type {type(part).__name__}, not a tensor"
            )
        return as_array(parts[0]), None if self.labels is None else as_array(parts[1])

    def _rows(self, index: int, samples: Array, labels: Array | None) -> Rows:
        """The rows that the samples of a batch are, which must be those that are due."""
        due = None if self.shuffle else self.samples + np.arange(len(samples))
        rows = self.truth.recognise(samples, labels, due)
        for place in np.flatnonzero((rows < 0) | (rows >= self.truth.rows))[:1]:
            problem = self.truth.strange(samples[place], None if due is None else int(due[place]))
            raise AssertionError(f"sample {place} of batch {index} is {problem}")
        if due is not None:
            for place in np.flatnonzero(rows != due)[:1]:
                raise AssertionError(
                    f"sample {place} of batch {index} is row {rows[place]}, "
                    f"expected row {due[place]}"
                )
        return rows

    def _same(self, batch: _Batch, *, again: bool = True) -> None:
        what = ""
        try:
            if again or not self.truth.by_value:
                self.truth.compare(batch.rows, batch.samples)
            if self.labels is not None:
                what = "labels of "
                same_values(self.labels[batch.rows], batch.labels)
        except AssertionError as error:
            raise AssertionError(f"{what}batch {batch.index}: {error}") from None


def _orders(times: npt.NDArray[Any]) -> float:
    """In how many orders samples can come, as a logarithm; those alike change places unseen."""
    alike, rows = np.unique(times, return_counts=True)
    same = sum(int(n) * math.lgamma(m + 1) for m, n in zip(alike, rows, strict=True))
    return math.lgamma(int(times.sum()) + 1) - same
