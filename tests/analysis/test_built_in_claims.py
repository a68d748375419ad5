"""The claims that come with ferrybench: all are there, and their commands measure them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import pytest

from harness.analysis.claims.cells import places_of
from harness.analysis.claims.declared import Claim
from harness.analysis.claims.files import built_in_claims
from harness.analysis.claims.judge import answers
from harness.cases.summary import CaseSummary
from harness.cli.options import parse_sets
from harness.host.host import Host
from harness.planning.plan import Request, expand
from harness.run.session import describe
from harness.scenario.discover import built_in_files
from harness.schema.description import Level, ScenarioInfo
from tests.some import some

COUNT = 70
QUICK = 20
FULL = 40


@pytest.fixture(scope="module")
def infos(host: Host) -> Sequence[ScenarioInfo]:
    return describe(host, built_in_files())


def rows_of(infos: Sequence[ScenarioInfo], request: Request) -> list[CaseSummary]:
    """Cases that were planned and never run."""
    return [
        CaseSummary("a run", planned, "skipped", reason="not run")
        for planned in expand(infos, request)
    ]


def lacking(claim: Claim, infos: Sequence[ScenarioInfo], rows: Sequence[CaseSummary]) -> list[str]:
    """What a claim asks for that is not planned."""
    by_name = {info.name: info for info in infos}
    missing: list[str] = []
    for part in claim.parts:
        scenario = part.scenario or claim.scenario
        own = [row for row in rows if row.scenario == scenario]
        places = places_of(part, scenario, own, by_name.get(scenario))
        missing += places.missing
        missing += [] if places.found else ["any place"]
    return missing


def test_every_statement_is_a_claim() -> None:
    numbers = {claim.code.partition("-")[0] for claim in built_in_claims()}
    assert numbers == {str(number) for number in range(1, COUNT + 1)}
    assert all(claim.statement.endswith(".") for claim in some(built_in_claims()))


def test_commands_plan_what_their_claims_are_about(infos: Sequence[ScenarioInfo]) -> None:
    for known in (infos, ()):  # the scenarios are in the run that leaves them open, or are not
        for one in some(answers(built_in_claims(), (), known)):
            if one.deciding is None:
                assert one.judged.claim.lacks
                continue
            words = shlex.split(one.deciding.text)
            assert words[:3] == ["ferrybench", "run", "--quick"]
            options = words[3:]
            targets = [word for word in options if "/" in word]
            sets = [options[place + 1] for place, word in enumerate(options) if word == "--set"]
            request = Request(tuple(targets), "quick", parse_sets(sets))
            missing = lacking(one.judged.claim, infos, rows_of(infos, request))
            assert not missing, one.judged.claim.code


@pytest.mark.parametrize(("level", "least"), [("quick", QUICK), ("usual", FULL)])
def test_sweeps_measure_enough_of_them(
    infos: Sequence[ScenarioInfo], level: Level, least: int
) -> None:
    rows = rows_of(infos, Request((), level))
    asked = [claim for claim in built_in_claims() if claim.parts and not claim.device]
    planned = [claim.code for claim in asked if not lacking(claim, infos, rows)]
    assert len(planned) >= least
