"""Every trial and ceiling exactly once, whoever wrote it down, with rounds that stay apart.

A trial is known by its content: the same machine, case, kind and moment, and the same figures. What
a part adds to those before it gets rounds of its own, so that trials are only ever paired with
those they were neighbours of in time; and so do the parts of a run that was interrupted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from harness.errors import UsageError
from harness.journal.lines import CeilingLine, Source
from harness.journal.write import encoded, fields_of
from harness.merging.parts import Part, run_of
from harness.merging.places import Place
from harness.schema.records import Trial


@dataclass
class Merged:
    """What has been merged so far: digests of lines, and the rounds that are taken.

    Args:
        several: whether there are several machines.
        cases: places in the merged plan, by the keys that cases have there.
    """

    several: bool
    cases: dict[str, int]
    next_round: int = 0
    repeated: int = 0  # trials that stood in an earlier part, too
    sources: list[Source] = field(default_factory=list)
    _seen: dict[bytes, bytes] = field(default_factory=dict)

    def lines_of(self, place: Place, part: Part) -> Iterator[Trial | CeilingLine]:
        """What a part adds.

        Raises:
            UsageError: it has other figures of a trial than an earlier part.
            UnableError: its file has changed.
        """
        run = run_of(part)
        machine = place.name if self.several else ""
        rounds = (*(one.round for one in run.trials), *(one.round for one in run.ceilings))
        span = 1 + max(rounds, default=0)
        begin, taken, alike = self.next_round, set[int](), Counter[bytes]()
        for line in run.ceilings:
            if self._is_new(place, part, "ceiling", line, alike):
                number = begin + line.round
                taken.add(number)
                yield replace(line, round=number, machine=machine)
        own = {name: merged for merged, name in place.hosts.items()}
        for trial in run.trials:
            case = part.header.plan.cases[trial.case].case
            if not self._is_new(place, part, case.key, trial, alike):
                self.repeated += 1
                continue
            number = begin + trial.sitting * span + trial.round
            taken.add(number)
            merged = replace(case, host=own[case.host])
            yield replace(trial, case=self.cases[merged.key], round=number, sitting=0)
        if taken:
            self.next_round = max(taken) + 1
            self.sources += _sources(part, machine, begin, taken)

    def _is_new(
        self, place: Place, part: Part, key: str, line: Trial | CeilingLine, alike: Counter[bytes]
    ) -> bool:
        """Whether no earlier part has a line.

        What has no moment of its own, such as a ceiling, is known by its figures, and by how many
        of the part were like it before.
        """
        what = _digest(_plain(line))
        moment = line.started_s if isinstance(line, Trial) else 0.0
        kind = line.kind if isinstance(line, Trial) else "ceiling"
        told = repr(moment) if moment else f"{what.hex()} {alike[what]}"
        alike[what] += 1
        which = _digest(f"{place.name}\n{key}\n{kind}\n{told}".encode())
        if which not in self._seen:
            self._seen[which] = what
            return True
        if self._seen[which] != what:
            raise UsageError(
                f"{part.name} has other figures of a {kind} trial of {key} than a journal before "
                "it: one of them was changed"
            )
        return False


def _sources(part: Part, machine: str, begin: int, taken: set[int]) -> Iterator[Source]:
    """Where the rounds of a part came from: itself, or what it was merged of."""
    header = part.header
    for one in header.sources:
        own = [
            number
            for number in taken
            if begin + one.first_round <= number <= begin + one.last_round
        ]
        if own:
            yield replace(one, machine=machine, first_round=min(own), last_round=max(own))
    if not header.sources:
        yield Source(
            header.run_id, header.created, header.plan.seed, machine, min(taken), max(taken)
        )


def _plain(line: Trial | CeilingLine) -> bytes:
    """What a line says, without its place among others."""
    fields = fields_of(line)
    for name in ("case", "round", "machine"):
        fields.pop(name, None)
    return encoded(fields)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
