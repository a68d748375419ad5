"""What is advised, and what it is founded on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.advising.data import Data
from harness.advising.figures import Figure
from harness.advising.goal import Goal
from harness.advising.tasks import Task
from harness.schema.records import Value

Fits = Literal["yes", "no", "unknown"]
Verdict = Literal["use", "keep", "undecided", "none"]
BOTHER_S, BOTHER_BYTES = 1e-3, 16 * 1024**2
"""What is less than both is not worth a change of code."""
BOTHER_SHARE = 0.05
"""Nor is less than this share of what it takes now, unless it saves memory."""


NOT_TRIED = "not tried, for want of time"


@dataclass(frozen=True)
class Way:
    """A strategy, with what is known of it at the full size.

    Args:
        name, doc, source: its own.
        time: of a call or an epoch, in seconds; None where there is none.
        first_s: of the first call in a process; None where it was not measured at the full size.
        peak: of the memory of the whole process, in bytes; None where it is not known.
        at_least: whether that may be more.
        fits: into the memory there is, or that was said.
        failed: why it cannot be used.
        note: why there is nothing of it at the largest size.
        unverified: what its check could not judge with the first of the data.
    """

    name: str
    doc: str
    source: str
    time: Figure | None = None
    first_s: float | None = None
    peak: Figure | None = None
    at_least: bool = False
    fits: Fits = "unknown"
    failed: str = ""
    note: str = ""
    unverified: str = ""


@dataclass(frozen=True)
class Advice:
    """The answer.

    Args:
        task, data, goal: the question.
        parameters: with which all were called.
        ways: all that were tried, the usual one first.
        chosen: the best of those that fit; None where none does, or none works.
        level: names of those that are as fast.
        ratio: how many times as long the usual one takes, with its interval; None: not known.
        base_bytes: what Python with NumPy and torch takes.
        limit_bytes: of memory, as it was said, or as much as this machine has free.
        trials, took_s: what it took to find out.
        sizes: at which trials ran, in bytes.
        cold: whether the file was put out of memory before each epoch.
    """

    task: Task
    data: Data
    goal: Goal
    parameters: Mapping[str, Value]
    ways: Sequence[Way]
    chosen: Way | None
    level: Sequence[str]
    ratio: tuple[float, float, float] | None
    base_bytes: int
    limit_bytes: float
    trials: int
    took_s: float
    sizes: Sequence[int]
    cold: bool = False

    @property
    def usual(self) -> Way:
        return self.ways[0]

    @property
    def saved_s(self) -> float | None:
        """Each call or epoch; less than nothing where the chosen one is slower."""
        if self.chosen is None or self.chosen.time is None or self.usual.time is None:
            return None
        return self.usual.time.value - self.chosen.time.value

    @property
    def saved_bytes(self) -> float | None:
        """Of the peak; None where it is not known that there is any difference, as where it may be
        more than what is known.
        """
        if self.chosen is None or self.chosen.peak is None or self.usual.peak is None:
            return None
        if self.chosen.at_least or self.usual.at_least:
            return None
        own, other = self.chosen.peak, self.usual.peak
        apart = own.high < other.low or other.high < own.low
        return other.value - own.value if apart else None

    @property
    def cut_short(self) -> bool:
        """Whether time ended before others could show what they take."""
        others = [one for one in self.ways[1:] if not one.failed]
        untimed = [one for one in others if one.time is None]
        late = any(one.note == NOT_TRIED for one in untimed)
        return late or (bool(others) and len(untimed) == len(others))

    @property
    def rival(self) -> Way | None:
        """A way that may be faster than the usual one, but of which too little is known: it was
        timed with less data, or may not fit. The first of them; None where there is none.
        """
        usual = self.usual
        if usual.time is None:
            return None
        for one in self.ways[1:]:
            if one.time is None or one.failed or one.fits == "no":
                continue
            with_less = one.time.measured_bytes < usual.time.measured_bytes
            if with_less and one.time.low < usual.time.value:
                return one
            in_doubt = one.fits == "unknown" and usual.fits == "yes"
            if in_doubt and one.time.high < usual.time.low:
                return one
        return None

    def held(self, way: Way) -> Mapping[str, int]:
        """Bytes that lie in memory before it is called, beside Python, by what they are."""
        return self.task.held(self.data, way.name)

    @property
    def verdict(self) -> Verdict:
        """Whether the usual way should be left for the chosen one."""
        chosen, usual = self.chosen, self.usual
        if chosen is None:
            return "none"
        if chosen is usual:
            return "undecided" if self.cut_short or self.rival else "keep"
        if usual.failed or usual.fits == "no" or (self.saved_bytes or 0) >= BOTHER_BYTES:
            return "use"
        if self.saved_s is None or self.ratio is None:
            return "undecided"
        if self.little:
            # By those that were not tried, there may be more to win.
            much = usual.time is not None and usual.time.value >= BOTHER_S
            return "undecided" if self.cut_short and much else "keep"
        return "use" if self.ratio[1] > 1 + BOTHER_SHARE else "undecided"

    @property
    def little(self) -> bool:
        """Whether there is little to win by the chosen one: where it is faster, by the time that it
        saves; where it may be, by the end of the interval.
        """
        if self.ratio is None or self.saved_s is None or self.usual.time is None:
            return False
        if self.ratio[1] > 1 + BOTHER_SHARE:
            return self.saved_s < BOTHER_S
        most_s = self.usual.time.value * (1 - 1 / self.ratio[2])
        return most_s < BOTHER_S or self.ratio[2] < 1 + BOTHER_SHARE

    @property
    def way(self) -> Way | None:
        """The way to go, until more is known; None where there is none."""
        return self.chosen if self.verdict == "use" else None if not self.chosen else self.usual
