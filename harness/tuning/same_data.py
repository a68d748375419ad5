"""Whether two settings give the same data, by hashes of what they gave from the same seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from harness.schema.loader import LoaderData

SHARED = 0.5
"""Of the batches of a part of an epoch, where they come in another order."""
Countable = Literal["batches", "samples"]
Same = Literal["same", "reordered", "random", "different", "unknown"]


@dataclass(frozen=True)
class DataVerdict:
    """What was found.

    Args:
        same: whether the data is; ``random``: the same samples, with other random numbers.
        text: the same in words.
    """

    same: Same
    text: str

    @property
    def harmless(self) -> bool:
        """Whether the setting may be recommended, with the difference named."""
        return self.same != "different"


def compare_data(own: LoaderData, other: LoaderData, again: LoaderData | None) -> DataVerdict:
    """Hold two epochs, or their beginnings, against each other.

    Args:
        own: with the user's setting.
        other: with another.
        again: the user's setting once more, from the same seed, where ``other`` differs; None
            before that is known to be needed.
    """
    count = min(len(own.batches), len(other.batches))
    whole = own.ended and other.ended
    if own.batches[:count] == other.batches[:count] and not _counts_differ(own, other, "batches"):
        extent = f"a whole epoch, {count} batches" if whole else f"the first {count} batches"
        return DataVerdict("same", f"the same batches in the same order ({extent})")
    if own.indices and own.indices[:count] == other.indices[:count]:
        if _counts_differ(own, other, "batches"):
            return _other_count(own, other, "batches")
        shared = (Counter(own.batches[:count]) & Counter(other.batches[:count])).total()
        if shared >= (count if whole else SHARED * count):
            return DataVerdict(
                "reordered", f"the same batches, in another order ({shared} of the first {count})"
            )
        return _other_values(own, again, count)
    if whole and own.samples and other.samples:
        return _counted(own, other)
    if whole and Counter(own.batches) == Counter(other.batches):
        return DataVerdict("reordered", "the same batches, in another order")
    if whole and len(own.batches) != len(other.batches):
        return _other_count(own, other, "batches")
    if _counts_differ(own, other, "samples"):
        return _other_count(own, other, "samples")
    repeated = _repeated(other, count) - _repeated(own, count)
    if repeated > 0:
        return DataVerdict(
            "different", f"within {count} batches, {repeated} samples come that came before"
        )
    return DataVerdict(
        "unknown",
        f"the order differs, and {count} batches are not a whole epoch: whether every sample comes "
        "once is not known",
    )


def _repeated(data: LoaderData, count: int) -> int:
    """How many of the samples of the first batches are equal to an earlier one."""
    share = len(data.samples) * count // max(1, len(data.batches))
    return share - len(set(data.samples[:share]))


def _counts_differ(own: LoaderData, other: LoaderData, what: Countable) -> bool:
    """Whether their epochs surely have other numbers of something: one ended, and the other has
    more, or both ended.
    """
    one, two = len(getattr(own, what)), len(getattr(other, what))
    return (own.ended and two > one) or (other.ended and one > two)


def _other_count(own: LoaderData, other: LoaderData, what: Countable) -> DataVerdict:
    before, after = (
        f"{'' if one.ended else 'at least '}{len(getattr(one, what))}" for one in (own, other)
    )
    return DataVerdict("different", f"{after} {what} an epoch instead of {before}")


def _counted(own: LoaderData, other: LoaderData) -> DataVerdict:
    one, two = Counter(own.samples), Counter(other.samples)
    missing, more = sum((one - two).values()), sum((two - one).values())
    if not missing and not more:
        return DataVerdict("reordered", "the same samples an epoch, in another order")
    said = [
        text
        for number, text in (
            (missing, f"{missing} of {one.total()} samples do not come"),
            (more, f"{more} come in addition, or changed"),
        )
        if number
    ]
    return DataVerdict("different", " and ".join(said))


def _other_values(own: LoaderData, again: LoaderData | None, count: int) -> DataVerdict:
    if again is not None and again.batches[:count] != own.batches[:count]:
        return DataVerdict(
            "unknown",
            "the same indices in the same order; values cannot be compared, since they differ from "
            "run to run with one setting and one seed, too",
        )
    return DataVerdict(
        "random",
        "the same indices in the same order, with other values, as of a dataset that draws random "
        "numbers from a generator of its own, which goes on in each worker by itself",
    )
