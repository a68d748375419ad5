"""How promises and comparisons are put into words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.analysis.ranking import ACCURACY
from harness.cases.summary import CaseSummary
from harness.stats.intervals import Interval

PROMISES = {
    "share": "if the memory may be shared",
    "copy": "if you need your own copy",
    "reuse": "if the data may go into memory you keep",
    "chunks": "if a part at a time will do",
    "kept chunks": "if the data comes in parts, and all are kept",
    "list": "if the data is a list of arrays",
    "layout": "if the layout must change",
    "cast": "if the dtype must change",
    "shared memory": "if other processes must see it",
    "bfloat16": "if the tensor is bfloat16",
    "per sample": "if samples are read one by one",
    "per batch": "if a dataset reads a whole batch at once",
    "no DataLoader": "if you need no DataLoader",
    "one order": "if one order will do for every epoch",
    "reused batch": "if each batch may overwrite the one before",
    "arrays": "if you need everything in arrays",
    "files": "if the arrays may end in files",
    "bypass": "if the loader's own data can be reached",
    "device": "if batches lie on an accelerator",
    "channels first": "if channels must come first in memory",
    "channels last": "if channels may come last in memory",
    "batches": "if the result may come in batches",
    "epochs": "if every epoch goes over the images",
    "labels": "if labels come with the samples",
    "many objects": "if every sample is to be an object of its own",
    "one block": "if all samples may lie in one block of memory",
    "a file": "if the samples may stay in a file",
    "shuffled": "if any sample may come next",
    "in order": "if samples may come in the file's order",
    "nearly shuffled": "if neighbours in the file may stay near each other",
    "augmented": "if every sample is to be flipped and rotated",
    "pageable": "if the data lies in ordinary memory",
    "pinned": "if the data lies in pinned memory already",
    "many small": "if the data is many small tensors",
    "from a file": "if the data lies in a mapped file",
    "kept there": "if all of the data fits on the device",
    "pin": "if memory is only to be pinned",
    "new": "if the result needs memory of its own",
    "kept": "if the result may go into memory you keep",
    "busy device": "if the device has other work to do first",
    "tensor_from_array": "to make a tensor of an array",
    "array_from_loader": "to collect a loader's batches in an array",
    "memmap_training": "to train from a file",
}
"""What choosing among a group of the built-in scenarios means to a user."""


def promise(group: str) -> str:
    """When to choose among a group, as the beginning of a sentence."""
    return PROMISES.get(group, f"among {group}" if group else "of all")


def comparison(ratio: Interval) -> str:
    """``2.3× faster`` or ``slower``, where the interval of a ratio leaves no doubt; else ""."""
    if ratio.high < 1 / ACCURACY:
        return f"{factor(1 / ratio.median)} faster"
    if ratio.low > ACCURACY:
        return f"{factor(ratio.median)} slower"
    return ""


def factor(ratio: float) -> str:
    """1.234 → ``1.23×``, 12.34 → ``12×``, 42566 → ``43 000×``: no more digits than are certain."""
    if ratio < 9.95:
        return f"{ratio:.2f}×" if ratio < 1.995 else f"{ratio:.1f}×"
    digits = max(0, math.floor(math.log10(ratio)) - 1)
    return f"{round(ratio, -digits):,.0f}×".replace(",", "\u202f")


def percent(share: float) -> str:
    """0.423 → ``42%``, 0.0123 → ``1.2%``."""
    if abs(share) < 0.0005:
        return "0%"
    return f"{share:.0%}" if abs(share) >= 0.0995 else f"{share * 100:.2g}%"


def per(row: CaseSummary) -> str:
    """What a case's pace is a time of, where it is not a call's: `` a sample``."""
    return " a sample" if row.loading else ""


def span(values: Sequence[float], write: Callable[[float], str]) -> str:
    """``1.2 to 3.4 ms``; one value where the ends are written alike."""
    low, high = write(min(values)), write(max(values))
    if low == high:
        return high
    same_unit = low.split()[1:] == high.split()[1:]
    return f"{low.split()[0] if same_unit else low} to {high}"


def series(names: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def shortened(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
