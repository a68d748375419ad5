"""What a new round draws anew, and for which hosts that takes a new process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.host.host import Host, Report
from harness.planning.order import Step
from harness.run.instrument import Asked, Instrument
from harness.run.runner import HostPool
from harness.schema.records import HostSpec, Outcome
from harness.schema.request import LimitRequest
from tests.journals import MIB, header, planned, scenario, strategy

INFO = scenario([strategy("one"), strategy("other")])
CASES = [planned("one", MIB), planned("other", MIB)]


@dataclass
class Started:
    """A host of which nothing but its starts matters."""

    draws_layouts: bool
    spec: HostSpec = field(default_factory=HostSpec)
    start_s: float = 2.0
    starts: list[str] = field(default_factory=list)

    def begin_anew(self) -> None:
        self.starts.append("begun")

    def finish_anew(self) -> None:
        self.starts.append("finished")


class Fixtures:
    scratch = Path("scratch")

    def get(self, *given: object) -> tuple[Path, Outcome]:
        return Path("inputs"), Outcome("ok")

    get_tiny = get


def test_hosts_whose_trials_have_layouts_of_their_own_serve_every_round() -> None:
    drawing, inheriting = Started(draws_layouts=True), Started(draws_layouts=False)
    hosts: Any = {"drawing": drawing, "inheriting": inheriting}
    pool = HostPool(hosts)
    assert pool.between_s == 2.0
    pool.next_round()
    assert drawing.starts == []
    assert inheriting.starts == ["begun", "finished"]
    alone: Any = {"drawing": drawing}
    assert HostPool(alone).between_s == 0.0


def seeds(plan_seed: int, *steps: Step) -> list[int | None]:
    given: Any = Fixtures()
    hosts: Any = {"default": Started(draws_layouts=True)}
    plan = replace(header(CASES, [INFO]).plan, seed=plan_seed)
    instrument = Instrument(plan, {INFO.name: INFO}, hosts, given)
    asked = [instrument.prepare(step) for step in steps]
    return [one.request.layout_seed for one in asked if isinstance(one, Asked)]


def test_trials_of_one_round_have_one_layout_and_those_of_others_another() -> None:
    steps = [Step(case, kind, 1) for case in (0, 1) for kind in ("memory", "time")]
    assert len(set(seeds(1, *steps))) == 1
    assert len(set(seeds(1, *(Step(0, "time", number) for number in range(20))))) == 20
    assert seeds(1, steps[0]) != seeds(2, steps[0])
    assert seeds(1, Step(0, "duet", 1, layout_seed=7), Step(1, "duet", 1, layout_seed=7)) == [7, 7]


def test_a_trial_under_a_limit_keeps_the_addresses_that_it_is_given() -> None:
    given: Any = Fixtures()
    hosts: Any = {"default": Started(draws_layouts=True)}
    plan = header(CASES, [INFO]).plan
    instrument = Instrument(plan, {INFO.name: INFO}, hosts, given)
    asked = instrument.prepare(Step(0, "limit", 0), LimitRequest("address_space", 2**30, MIB))
    assert isinstance(asked, Asked)
    assert asked.request.layout_seed is None


@pytest.mark.parametrize(("method", "drawn"), [("fork", True), ("fork", False), ("spawn", False)])
def test_a_host_learns_whether_its_trials_draw_layouts(
    monkeypatch: pytest.MonkeyPatch, method: str, drawn: bool
) -> None:
    host = Host(HostSpec(), method=method)
    monkeypatch.setattr(host, "call", lambda *_: Report({"layout_drawn": drawn}))
    assert not host.draws_layouts
    host.versions()
    assert host.draws_layouts == (drawn or method == "spawn")
    host.close()
