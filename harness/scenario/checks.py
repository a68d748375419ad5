"""Comparisons for the checks of scenarios: exact, and in little memory.

Checks run inside the measured process, so they compare in pieces: a whole-array comparison of
1 GiB would need gigabytes of temporaries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

PIECE_BYTES = 8 * 1024**2


def as_array(value: Any) -> npt.NDArray[Any]:
    """A NumPy view of a tensor or array; bfloat16 as its bits, which NumPy cannot name."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach().resolve_conj().resolve_neg()
        return (
            tensor.view(torch.int16).numpy() if tensor.dtype is torch.bfloat16 else tensor.numpy()
        )
    if isinstance(value, np.ndarray):
        return value
    raise AssertionError(f"expected a tensor or an array, got {type(value).__name__}")


def same_values(expected: Any, actual: Any, *, dtype: str | None = None) -> None:
    """Raise AssertionError unless shape, dtype and every value agree; NaNs must be equal too.

    Args:
        expected: array or tensor, the truth.
        actual: array or tensor, the result.
        dtype: the dtype the result must have; by default that of ``expected``, in native byte
            order. Values are compared after casting the expected ones to it.
    """
    truth, result = as_array(expected), as_array(actual)
    wanted = np.dtype(dtype) if dtype else truth.dtype.newbyteorder("=")
    assert result.shape == truth.shape, f"shape {result.shape}, expected {truth.shape}"
    assert result.dtype.newbyteorder("=") == wanted, f"dtype {result.dtype}, expected {wanted}"
    if truth.ndim == 0:
        truth, result = truth.reshape(1), result.reshape(1)
    row_bytes = max(1, truth.nbytes // max(1, len(truth)))
    step = max(1, PIECE_BYTES // row_bytes)
    for start in range(0, len(truth), step):
        piece = truth[start : start + step].astype(wanted, copy=False)
        same = piece == result[start : start + step]
        if not same.all() and wanted.kind in "fc":  # rare, and twice as slow
            same |= np.isnan(piece) & np.isnan(result[start : start + step])
        if not same.all():
            where = tuple(int(i) for i in np.argwhere(~same)[0])
            index = (where[0] + start, *where[1:])
            raise AssertionError(
                f"value {result[index]!r} at {list(index)}, expected {truth[index]!r}"
            )


def close_values(
    expected: Any, actual: Any, *, tolerance: float, dtype: str, first: int = 0
) -> None:
    """Raise AssertionError unless shape, dtype and every value agree to within a tolerance.

    Args:
        expected: array or tensor, the truth.
        actual: array or tensor, the result. NaNs must be where the truth has them.
        tolerance: largest absolute difference, judged in float64.
        dtype: the dtype the result must have.
        first: the number of the first row in messages, if these rows are part of a larger whole.
    """
    truth, result = as_array(expected), as_array(actual)
    assert result.shape == truth.shape, f"shape {result.shape}, expected {truth.shape}"
    assert result.dtype == np.dtype(dtype), f"dtype {result.dtype}, expected {dtype}"
    if truth.ndim == 0:
        truth, result = truth.reshape(1), result.reshape(1)
    wide_bytes = 8 * truth.size // max(1, len(truth))
    step = max(1, PIECE_BYTES // max(1, wide_bytes))
    for start in range(0, len(truth), step):
        piece = truth[start : start + step].astype(np.float64, copy=False)
        seen = result[start : start + step].astype(np.float64, copy=False)
        with np.errstate(invalid="ignore"):  # infinities of equal sign, which == settles
            close = np.abs(seen - piece) <= tolerance
        if not close.all():
            close |= (seen == piece) | (np.isnan(seen) & np.isnan(piece))
        if not close.all():
            where = tuple(int(i) for i in np.argwhere(~close)[0])
            index = [first + start + where[0], *where[1:]]
            raise AssertionError(
                f"value {seen[where]} at {index}, expected {piece[where]} ± {tolerance:g}"
            )
