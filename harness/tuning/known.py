"""What a tuning knows by and by."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.schema.loader import LoaderLook, LoaderMemory, LoaderSetting
from harness.tuning.memory import Peaks
from harness.tuning.result import Confirmed, Tried
from harness.tuning.same_data import DataVerdict
from harness.tuning.seeing import Freed, Seen


@dataclass(frozen=True)
class Known:
    """What is known before settings are tried.

    Args:
        look: what the loader is.
        length: of its epochs, in batches; None where it is not known.
        reference: what settings are compared with; None where there is nothing to set.
        seen: how it is.
        memory: of the reference; None where nobody can read it.
        peaks: of all settings so far.
    """

    look: LoaderLook
    length: int | None
    reference: LoaderSetting | None
    seen: Seen
    memory: LoaderMemory | None
    peaks: Peaks


@dataclass
class Found:
    """What settings were found to do; see :class:`harness.tuning.result.Tuning`."""

    why: tuple[Freed, ...] = ()
    tried: tuple[Tried, ...] = ()
    winner: LoaderSetting | None = None
    confirmed: Confirmed | None = None
    data: DataVerdict | None = None
    rejected: dict[LoaderSetting, DataVerdict] = field(default_factory=dict)
