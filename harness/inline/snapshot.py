"""The first result, kept so that every other process can compare its own with it.

It lies in a file in memory that all trials inherit. :mod:`harness.inline.compared` takes a result
apart; here dtypes, shapes and values are compared, an array with a tensor too. What cannot be
compared is not verified, and said so.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.inline.compared import Leaf, leaves_of, quietly_all
from harness.inline.costs import UNVERIFIED
from harness.inline.pieces import Elements, bytes_of

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
_LENGTH = 8  # bytes of the length of what comes next: what the values are
_VALUES = 1 << 30  # where they begin; what lies between takes no room
COMPARED = "compared with the first result"
KEPT = "kept as the first result"
"""Of the first result itself, with which others are compared: that alone verifies nothing."""
_SHOWN = 3  # reasons for that

Part = Mapping[str, Any]
"""What is kept of one leaf."""


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
        leaves = quietly_all(leaves_of(result))
        unseen = [f"{leaf.name or 'it'} is {leaf.unseen}" for leaf in leaves if leaf.unseen]
        kept = self._read()
        if kept is None:
            self._keep(leaves, by)
            return _manner(unseen, 0.0, KEPT)
        try:
            largest, unsure = self._compare_all(kept["parts"], leaves)
        except DifferentError as error:
            if kept["by"] == by:
                raise
            raise DifferentError(f"differs from the result of {kept['by']}: {error}") from error
        return _manner(unseen + unsure, largest)

    def _compare_all(self, kept: list[Part], leaves: list[Leaf]) -> tuple[float, list[str]]:
        """Returns the largest difference that was tolerated, and what differs without meaning."""
        largest, unsure = 0.0, []
        for part, leaf in itertools.zip_longest(kept, leaves):
            if part is None or leaf is None or part["name"] != leaf.name:
                found, wanted = leaf and (leaf.name or "it"), part and (part["name"] or "it")
                raise DifferentError(
                    f"{len(leaves)} parts instead of {len(kept)}, or other names: "
                    f"{found or 'nothing'}, not {wanted or 'nothing'}"
                )
            try:
                largest = max(largest, self._compare(part, leaf))
            except DifferentError:
                if not (leaf.private and _is_single(leaf)):
                    raise
                unsure.append(f"{leaf.name} differs, which may mean nothing")
        return largest, unsure

    def _read(self) -> dict[str, Any] | None:
        length = int.from_bytes(os.pread(self._fd, _LENGTH, 0))
        return json.loads(os.pread(self._fd, length, _LENGTH)) if length else None

    def _keep(self, leaves: list[Leaf], by: str) -> None:
        """Write values, then what they are, then how much that is: who dies has kept nothing."""
        whole = sum(leaf.elements.nbytes for leaf in leaves if leaf.elements) <= KEEP_BYTES
        parts = []
        offset = _VALUES
        for leaf in leaves:
            part = _described(leaf)
            elements = leaf.elements
            if elements is not None:
                part |= {"digest": elements.digest(), "offset": offset if whole else None}
                for piece in elements.pieces() if whole else ():
                    offset += os.pwrite(self._fd, bytes_of(piece).data, offset)
            parts.append(part)
        text = json.dumps({"by": by, "parts": parts}).encode()
        os.pwrite(self._fd, text, _LENGTH)
        os.pwrite(self._fd, len(text).to_bytes(_LENGTH), 0)

    def _compare(self, entry: Part, leaf: Leaf) -> float:
        """Returns by how much the elements of two leaves are apart, which is no more than it may.

        Raises:
            DifferentError: they differ by more, or in something else.
        """
        found = _described(leaf)
        for key in ("is", "dtype", "shape", "value"):
            if found.get(key) != entry.get(key):
                raise DifferentError(f"{key} {found.get(key)}, not {entry.get(key)}{_place(leaf)}")
        elements = leaf.elements
        if elements is None or elements.digest() == entry["digest"]:
            return 0.0
        if entry["offset"] is None:
            raise DifferentError(f"different values{_place(leaf)}")
        wrong, worst = 0, 0.0
        offset = entry["offset"]
        for piece in elements.pieces():
            text = os.pread(self._fd, piece.nbytes, offset)
            offset += piece.nbytes
            count, difference = _apart(elements, piece, np.frombuffer(text, piece.dtype))
            wrong += count
            worst = max(worst, difference)
        if wrong:
            raise DifferentError(
                f"{wrong} of {elements.stored.size} values differ{_place(leaf)}"
                + (f", by up to {worst:.3g}" if worst else "")
            )
        return worst


def _apart(
    elements: Elements, ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]
) -> tuple[int, float]:
    """How many elements of a piece differ, and by how much at most."""
    if elements.decode is None:
        differ = ours != theirs
        whole = elements.dtype.startswith(("int", "uint"))
        most = _distance(ours[differ], theirs[differ]) if whole else 0.0
        return int(np.count_nonzero(differ)), most
    relative, absolute = TOLERANCES.get(elements.dtype, (0.0, 0.0))
    ours, theirs = elements.decode(ours), elements.decode(theirs)
    with np.errstate(all="ignore"):
        close = np.isclose(ours, theirs, relative, absolute, equal_nan=True)
        apart = np.abs(ours.astype(np.complex128 if ours.dtype.kind == "c" else float) - theirs)
    worst = float(np.max(apart[np.isfinite(apart)], initial=0.0))
    return close.size - int(np.count_nonzero(close)), worst


def _distance(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
    """The largest difference of integers, which may not fit into their type."""
    return float(np.max(np.abs(ours.astype(float) - theirs.astype(float)), initial=0.0))


def _manner(unseen: list[str], largest: float, done: str = COMPARED) -> str:
    """How a result was verified, in words."""
    if not unseen:
        return done + (f", apart by up to {largest:.1g}" if largest else "")
    more = f", and {len(unseen) - _SHOWN:,} more" if len(unseen) > _SHOWN else ""
    return f"{UNVERIFIED}: {'; '.join(unseen[:_SHOWN])}{more}"


def _described(leaf: Leaf) -> dict[str, Any]:
    """What must be equal before values are looked at."""
    told: dict[str, Any] = {"name": leaf.name, "is": leaf.kind, "value": leaf.text}
    if leaf.elements is not None:
        told |= {"dtype": leaf.elements.dtype, "shape": list(leaf.elements.shape)}
    return told


def _place(leaf: Leaf) -> str:
    return f" at {leaf.name}" if leaf.name else ""


def _is_single(leaf: Leaf) -> bool:
    """Whether it is no more than one value, such as a counter, or a time or name of its making."""
    return leaf.elements is None or leaf.elements.shape == ()
