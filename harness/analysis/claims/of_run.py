"""The claims and one run: what is known of it, and every verdict."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from harness.analysis.claims.declared import Claim
from harness.analysis.claims.files import claims_for
from harness.analysis.claims.judge import Answer, answers
from harness.analysis.one_side import base_alone
from harness.cases.summaries import summaries
from harness.cases.summary import CaseSummary
from harness.host.environment import Environment
from harness.journal.lines import Run
from harness.schema.records import DEFAULT_HOST
from harness.units import plural


@dataclass(frozen=True)
class Verdicts:
    """What one run says of all claims.

    Args:
        run_id: of the run.
        machine: that it was measured on.
        answers: one for each claim, by number.
        scenarios: that the run has.
    """

    run_id: str
    machine: str
    answers: tuple[Answer, ...]
    scenarios: frozenset[str] = frozenset()

    def only(self, codes: Collection[str]) -> Verdicts:
        """Those of some claims; of all where none is named."""
        kept = (one for one in self.answers if not codes or one.judged.claim.code in codes)
        return replace(self, answers=tuple(kept))

    @property
    def about_it(self) -> Verdicts:
        """Those of claims about the scenarios that the run has."""
        kept = (one for one in self.answers if self.scenarios & scenarios_of(one.judged.claim))
        return replace(self, answers=tuple(kept))


def scenarios_of(claim: Claim) -> frozenset[str]:
    """The scenarios that a claim is about."""
    return frozenset({claim.scenario, *(part.scenario for part in claim.parts)})


def verdicts(run: Run, rows: Sequence[CaseSummary] | None = None) -> Verdicts:
    """Judge all claims by a run; one of two sides by its base.

    Args:
        run: as it is shown to people.
        rows: its cases, where they are known already.

    Raises:
        UsageError: a file of claims cannot be used.
    """
    run = base_alone(run)
    known = summaries(run) if rows is None else rows
    return Verdicts(
        run.header.run_id,
        machine_of(run.header.environment),
        answers(
            claims_for(run),
            known,
            run.header.scenarios,
            accelerator=bool(_accelerator(run.header.environment)),
        ),
        frozenset(info.name for info in run.header.scenarios),
    )


def machine_of(environment: Environment) -> str:
    """A machine in a few words: its processor, and its accelerator if it has one."""
    about = [environment.cpu_model or environment.machine]
    if environment.processors:
        about.append(plural(environment.processors, "processor"))
    return ", ".join([*about, *filter(None, [_accelerator(environment)])])


def _accelerator(environment: Environment) -> str:
    """Its name; "" where there is none."""
    found = environment.hosts.get(DEFAULT_HOST, {}).get("accelerator")
    if not isinstance(found, dict) or "kind" not in found:
        return ""
    return str(found.get("name") or found["kind"])
