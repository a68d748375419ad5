"""What settings take of memory: seen for some, predicted for others before they are run."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from harness.schema.loader import LoaderMemory, LoaderSetting
from harness.tuning.bench import Bench

MARGIN = 1.1
"""By which a prediction is raised before it is held against a limit."""


@dataclass
class Peaks:
    """Peaks of the process tree by setting, and the limit that none may exceed.

    Args:
        limit_bytes: None where there is none.
        batch_bytes: of one batch; None where not all of it can be seen.
        seen: by setting.
        predicted: by setting, before it was seen.
        refused: settings that were not run for their predicted peak; None where that is unknown.
    """

    limit_bytes: int | None
    batch_bytes: int | None = None
    seen: dict[LoaderSetting, LoaderMemory] = field(default_factory=dict)
    predicted: dict[LoaderSetting, int] = field(default_factory=dict)
    refused: dict[LoaderSetting, int | None] = field(default_factory=dict)

    def note(self, setting: LoaderSetting, memory: LoaderMemory | None) -> None:
        """Keep the highest peak of a setting; nothing where nobody could read it."""
        if memory is None:
            return
        before = self.seen.get(setting)
        if before is None or memory.peak_bytes > before.peak_bytes:
            self.seen[setting] = memory

    def predict(self, setting: LoaderSetting) -> int | None:
        """The peak, in proportion to workers and the batches they make ahead; None if too little
        has been seen for that.
        """
        if self.batch_bytes is None and self._is_further_ahead(setting):
            return None
        known: dict[int, int] = {}
        for one, seen in self.seen.items():
            rest = seen.peak_bytes - self._ahead(one)
            known[one.num_workers] = max(rest, known.get(one.num_workers, rest))
        workers = setting.num_workers
        if workers in known:
            return known[workers] + self._ahead(setting)
        below = sorted(count for count in known if count < workers)
        if not below:
            return None
        if len(below) == 1:
            # A worker's pages are at most those of the process that it was forked from.
            slope: float = known[below[0]]
        else:
            slopes = [(known[b] - known[a]) / (b - a) for a, b in itertools.pairwise(below)]
            slope = max(0.0, *slopes)
        last = below[-1]
        return round(known[last] + slope * (workers - last) + self._ahead(setting))

    def _ahead(self, setting: LoaderSetting) -> int:
        """Of batches that workers have made and nobody has used."""
        return (self.batch_bytes or 0) * setting.num_workers * (setting.prefetch_factor or 0)

    def _is_further_ahead(self, setting: LoaderSetting) -> bool:
        """Whether each worker makes more batches ahead than any that was seen."""
        seen = [one.prefetch_factor or 0 for one in self.seen if one.num_workers]
        return bool(seen) and (setting.prefetch_factor or 0) > max(seen)

    def allows(self, setting: LoaderSetting) -> bool:
        """Whether a setting may be run; one that may not is noted."""
        if self.limit_bytes is None:
            return True
        if setting in self.seen:
            return self.seen[setting].peak_bytes <= self.limit_bytes
        predicted = self.predict(setting)
        if predicted is None or predicted * MARGIN > self.limit_bytes:
            self.refused[setting] = predicted
            return False
        return True

    def measure(self, bench: Bench, setting: LoaderSetting, *, stepped: bool) -> bool:
        """Watch a trial with a setting, if it may be run; returns whether it may be used."""
        if setting in self.seen:
            return self.allows(setting)
        if not self.allows(setting):
            return False
        predicted = self.predict(setting)
        answer = bench.run(setting, stepped=stepped, observe=True)
        if predicted is not None:
            self.predicted[setting] = predicted
        self.note(setting, answer.memory)
        if answer.memory is None:
            return self.limit_bytes is None  # what nobody could read is not within a limit
        return self.allows(setting)

    def measure_if_limited(self, bench: Bench, setting: LoaderSetting, *, stepped: bool) -> bool:
        """The same where there is a limit; without one, every setting may be used."""
        return self.limit_bytes is None or self.measure(bench, setting, stepped=stepped)
