"""All claims, judged by one run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.analysis.claims.cells import Places, places_of
from harness.analysis.claims.command import Deciding, deciding
from harness.analysis.claims.declared import Claim, Part
from harness.analysis.claims.evidence import SCATTERING, Evidence, evidence
from harness.analysis.claims.labels import labels_tell
from harness.analysis.claims.metrics import METRICS, Metric
from harness.analysis.claims.verdict import (
    WRONG,
    Judged,
    PartVerdict,
    judged,
    part_verdict,
    trials_needed,
)
from harness.cases.summary import CaseSummary
from harness.schema.description import ScenarioInfo
from harness.stats.borrowed_spread import Usual


@dataclass(frozen=True)
class Answer:
    """A claim with its verdict, and what would decide it if nothing did."""

    judged: Judged
    deciding: Deciding | None


@dataclass
class Bench:
    """What all claims of a run are judged with; what was found out once is kept."""

    rows: Sequence[CaseSummary]
    infos: Sequence[ScenarioInfo]

    def __post_init__(self) -> None:
        ordered = sorted(self.rows, key=lambda row: row.scenario)
        self._rows = {name: list(own) for name, own in groupby(ordered, lambda row: row.scenario)}
        self._infos = {info.name: info for info in self.infos}
        self._usual: dict[tuple[str, str], Usual] = {}
        self._labelled: dict[tuple[str, str], bool | None] = {}

    def evidence(self, claim: Claim, part: Part) -> tuple[list[Evidence], Places]:
        """What each place of a part says."""
        scenario = part.scenario or claim.scenario
        own = self._rows.get(scenario, [])
        places = places_of(part, scenario, own, self._infos.get(scenario))
        metric = METRICS[part.metric]
        found = [
            evidence(
                part,
                place,
                self.usual(scenario, part.metric) if metric.kind in SCATTERING else Usual(math.nan),
                labelled=self.labelled(scenario, metric),
            )
            for place in places.found
        ]
        return found, places

    def usual(self, scenario: str, metric: str) -> Usual:
        """How far a metric scatters in the cases of a scenario."""
        key = scenario, metric
        if key not in self._usual:
            what = METRICS[metric]
            groups = [what.read(row) for row in self._rows.get(scenario, [])]
            if what.kind == "time":
                groups = [[math.log(one) for one in group if one > 0] for group in groups]
            self._usual[key] = Usual.of(groups)
        return self._usual[key]

    def labelled(self, scenario: str, metric: Metric) -> bool | None:
        """Whether labels say anything of such readings."""
        key = scenario, metric.kind if metric.kind in (*SCATTERING, "flag") else metric.name
        if key not in self._labelled:
            self._labelled[key] = labels_tell(self._rows.get(scenario, []), metric)
        return self._labelled[key]


def answers(
    claims: Iterable[Claim],
    rows: Sequence[CaseSummary],
    infos: Sequence[ScenarioInfo],
    *,
    accelerator: bool = True,
) -> tuple[Answer, ...]:
    """Every claim's verdict.

    Args:
        claims: to be judged.
        rows: the cases of one run.
        infos: its scenarios.
        accelerator: whether it had one.
    """
    bench = Bench(rows, infos)
    found = [
        (claim, [(part, *bench.evidence(claim, part)) for part in claim.parts]) for claim in claims
    ]
    level = WRONG / max(1, sum(_by_times(parts) for _, parts in found))
    return tuple(_answer(claim, parts, bench, level, accelerator) for claim, parts in found)


def _by_times(parts: Iterable[tuple[Part, list[Evidence], Places]]) -> bool:
    """Whether chance has a part in a claim's verdict."""
    return any(
        METRICS[part.metric].kind in SCATTERING and any(not one.lacks for one in found)
        for part, found, _ in parts
    )


def _answer(
    claim: Claim,
    parts: Sequence[tuple[Part, list[Evidence], Places]],
    bench: Bench,
    level: float,
    accelerator: bool,
) -> Answer:
    verdicts = [part_verdict(part, found, there.missing, level) for part, found, there in parts]
    result = judged(claim, verdicts, accelerator=accelerator)
    if result.decided:
        return Answer(result, None)
    trials = trials_needed(result, level)
    again = _memory_again(verdicts)
    return Answer(result, deciding(claim, bench.rows, bench.infos, trials, memory_again=again))


def _memory_again(parts: Iterable[PartVerdict]) -> bool:
    """Whether a process tree is watched in one process for each case, and that says too little."""
    return any(one.part.metric == "memory of all processes" for one in parts)
