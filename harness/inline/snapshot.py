"""The first result, kept so that every other process can compare its own with it.

It lies in a file in memory that all trials inherit. What is compared: dtype, shape and values of
arrays and tensors, whichever of the two they are; numbers, text and the like; in lists, tuples
and dicts of these too. Of any other object, its type alone.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from harness.inline.pieces import Elements, elements_of
from harness.trial.base import pointers

KEEP_BYTES = 1 << 29
"""Larger results are known by a checksum alone: they must be equal bit for bit."""
TOLERANCES: Mapping[str, tuple[float, float]] = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1e-5, 1e-6),
    "complex64": (1e-5, 1e-6),
    "float64": (1e-7, 1e-9),
    "complex128": (1e-7, 1e-9),
}
"""Relative and absolute: sums taken in another order differ in their last digits."""
_PLAIN = (str, bytes, int, bool, type(None))
_LENGTH = 8  # bytes of the length of what comes next: what the values are
_VALUES = 1 << 30  # where they begin; what lies between takes no room
COMPARED = "compared with the first result"
BY_TYPE = "by its type alone"

Leaf = tuple[str, Any]
"""Where a value lies in a result, and the value."""
Part = Mapping[str, Any]
"""What is kept of one."""


class DifferentError(AssertionError):
    """A result is not what the first one was."""


class Snapshot:
    """The first result of a function, or of several that are to agree."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self._fd = os.memfd_create("ferrybench-reference")
        else:
            with tempfile.TemporaryFile() as file:
                self._fd = os.dup(file.fileno())

    def close(self) -> None:
        os.close(self._fd)

    def check(self, result: Any, by: str) -> str:
        """Keep the first result, or compare another with it; returns how it was verified.

        Args:
            result: what a function returned.
            by: the name of that function.

        Raises:
            DifferentError: it differs.
        """
        leaves = list(_leaves(result))
        kept = self._read()
        if kept is None:
            self._keep(result, leaves, by)
            return self._manner(leaves)
        try:
            largest = self._compare_all(kept["parts"], leaves)
        except DifferentError as error:
            if kept["by"] == by:
                raise
            raise DifferentError(f"differs from the result of {kept['by']}: {error}") from error
        return self._manner(leaves) + (f", apart by up to {largest:.1g}" if largest else "")

    def _compare_all(self, kept: list[Part], leaves: list[Leaf]) -> float:
        """Returns the largest difference that was tolerated."""
        if [name for name, _ in leaves] != [part["name"] for part in kept]:
            raise DifferentError(f"{len(leaves)} parts instead of {len(kept)}, or other names")
        return max(
            (self._compare(part, value) for part, (_, value) in zip(kept, leaves, strict=True)),
            default=0.0,
        )

    def _manner(self, leaves: list[Leaf]) -> str:
        return COMPARED if any(_is_known(value) for _, value in leaves) else BY_TYPE

    def _read(self) -> dict[str, Any] | None:
        length = int.from_bytes(os.pread(self._fd, _LENGTH, 0))
        return json.loads(os.pread(self._fd, length, _LENGTH)) if length else None

    def _keep(self, result: Any, leaves: list[Leaf], by: str) -> None:
        """Write values, then what they are, then how much that is: who dies has kept nothing."""
        whole = pointers.data_bytes(result) <= KEEP_BYTES
        parts = []
        offset = _VALUES
        for name, value in leaves:
            part = {"name": name, **_described(value)}
            elements = elements_of(value)
            if elements is not None:
                part |= {"digest": elements.digest(), "offset": offset if whole else None}
                for piece in elements.pieces() if whole else ():
                    offset += os.pwrite(self._fd, np.ascontiguousarray(piece).data, offset)
            parts.append(part)
        text = json.dumps({"by": by, "parts": parts}).encode()
        os.pwrite(self._fd, text, _LENGTH)
        os.pwrite(self._fd, len(text).to_bytes(_LENGTH), 0)

    def _compare(self, entry: Part, value: Any) -> float:
        found = _described(value)
        place = f" at {entry['name']}" if entry["name"] else ""
        for key in ("is", "dtype", "shape", "value"):
            if found.get(key) != entry.get(key):
                raise DifferentError(f"{key} {found.get(key)}, not {entry.get(key)}{place}")
        elements = elements_of(value)
        if elements is None or elements.digest() == entry["digest"]:
            return 0.0
        if entry["offset"] is None or elements.decode is None:
            raise DifferentError(f"different values{place}")
        return self._closeness(elements, entry["offset"], place)

    def _closeness(self, elements: Elements, offset: int, place: str) -> float:
        relative, absolute = TOLERANCES.get(elements.dtype, (0.0, 0.0))
        decode = elements.decode
        assert decode is not None
        worst, wrong = 0.0, 0
        for piece in elements.pieces():
            text = os.pread(self._fd, piece.nbytes, offset)
            offset += piece.nbytes
            ours, theirs = decode(piece), decode(np.frombuffer(text, piece.dtype))
            with np.errstate(all="ignore"):
                close = np.isclose(ours, theirs, relative, absolute, equal_nan=True)
                apart = np.abs(
                    ours.astype(np.complex128 if ours.dtype.kind == "c" else float) - theirs
                )
            wrong += close.size - int(np.count_nonzero(close))
            worst = max(worst, float(np.max(apart[np.isfinite(apart)], initial=0.0)))
        if wrong:
            raise DifferentError(
                f"{wrong} of {elements.stored.size} values differ{place}, by up to {worst:.3g}"
            )
        return worst


def _leaves(value: Any, name: str = "") -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}[{key!r:.40}]")
    elif isinstance(value, list | tuple) and pointers.holds_arrays(value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{name}[{index}]")
    else:  # a float is compared like an array of one
        yield name, np.asarray(value) if isinstance(value, float | complex) else value


def _is_known(value: Any) -> bool:
    return "value" in _described(value) or elements_of(value) is not None


def _described(value: Any) -> dict[str, Any]:
    """What must be equal before values are looked at."""
    elements = elements_of(value)
    if elements is not None:
        return {"is": "array", "dtype": elements.dtype, "shape": list(elements.shape)}
    if isinstance(value, _PLAIN):
        text = repr(value)
        short = text if len(text) <= 80 else f"{text[:60]}… {zlib.crc32(text.encode())}"
        return {"is": type(value).__name__, "value": short}
    if isinstance(value, list | tuple) and all(
        isinstance(item, (*_PLAIN, float, complex)) for item in itertools.islice(value, 1000)
    ):
        return {"is": type(value).__name__, "value": f"checksum {zlib.crc32(repr(value).encode())}"}
    return {"is": type(value).__name__}
