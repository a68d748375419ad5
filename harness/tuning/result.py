"""What a tuning found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.schema.loader import LoaderLook, LoaderMemory, LoaderSetting
from harness.tuning.ratios import Ratio
from harness.tuning.same_data import DataVerdict
from harness.tuning.seeing import Freed, Seen

Word = Literal["stop", "faster", "lighter", "keep", "undecided", "fits", "no search"]
"""``stop``: nothing could be won. ``faster`` and ``lighter``: another setting is, surely. ``keep``:
none that was tried looks better. ``undecided``: one does, and fresh pairs do not confirm it.
``fits``: the user's setting exceeds the limit, and this one does not. ``no search``: there is no
DataLoader whose setting could be changed."""


@dataclass(frozen=True)
class Tried:
    """A setting of the race.

    Args:
        ratio: of its time to the reference's, in the race alone; None where it was not run.
        rounds: it was in.
        failed: why it cannot be used.
    """

    setting: LoaderSetting
    ratio: float | None
    rounds: int
    failed: str = ""


@dataclass(frozen=True)
class Confirmed:
    """The winner of the race against the reference, in fresh pairs that did not choose it.

    Args:
        ratio: of its time to the reference's.
        own_s: seconds a batch with the reference, the median of its processes.
        other_s: with the winner.
    """

    setting: LoaderSetting
    ratio: Ratio
    own_s: float
    other_s: float


@dataclass(frozen=True)
class Tuning:
    """The answer, and all that it rests on.

    Args:
        name: of the loader, as the user wrote it.
        word: the verdict.
        look: what the loader is.
        reference: the setting that others were compared with: the user's, if it may be run.
        chosen: the setting to use; None where there is none to choose.
        seen: how the loader is as it is.
        why: what single stages cost.
        confirmed: fresh pairs; None where there were none.
        data: whether the chosen setting gives the same data; None where it was not looked at.
        rejected: settings that would be faster, and give other data, with the difference.
        tried: all settings of the race.
        memory: peaks by setting.
        own_memory: that of the loader as it was looked at; None where nobody can read it.
        predicted: peaks by setting, as they were predicted before they were seen.
        refused: settings that were not run for their predicted peak; None where unknown.
        limit_bytes: that no trial may take; None where any may.
        step: in words; empty where none is taken.
        not_measured: what was left out, each with its reason.
        took_s: in all.
        trials: fresh processes.
    """

    name: str
    word: Word
    look: LoaderLook
    reference: LoaderSetting | None
    chosen: LoaderSetting | None
    seen: Seen
    why: tuple[Freed, ...]
    confirmed: Confirmed | None
    data: DataVerdict | None
    rejected: dict[LoaderSetting, DataVerdict]
    tried: tuple[Tried, ...]
    memory: dict[LoaderSetting, LoaderMemory]
    own_memory: LoaderMemory | None
    predicted: dict[LoaderSetting, int]
    refused: dict[LoaderSetting, int | None]
    limit_bytes: int | None
    step: str
    not_measured: tuple[str, ...]
    took_s: float
    trials: int

    @property
    def changed(self) -> bool:
        """Whether another setting than the user's is recommended."""
        return self.word in ("faster", "lighter", "fits")
