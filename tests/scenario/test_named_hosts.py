"""Hosts that a scenario's source names, against what importing it declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.scenario.discover import built_in_files
from harness.scenario.named_hosts import named_hosts
from tests.scenarios.bench import built_in

MINE = """
from harness import Scenario
scenario = Scenario("mine", question="?", baseline="one")
SIZE = "1"
scenario.variant("as it stands", env={"A": "1"}, strategies=("one",), doc="x")
scenario.variant("computed", env={"A": SIZE}, strategies=("one",), doc="x")
scenario.variant("of another", env={"A": "2"}, strategies=("two",), doc="x")
"""


def test_they_are_those_that_scenarios_declare() -> None:
    declared = {
        (variant.name, tuple(variant.env.items()))
        for scenario in built_in().values()
        for variant in scenario.variants
    }
    named = {(name, tuple(env.items())) for name, env in named_hosts(built_in_files(), ())}
    assert named == declared != set()


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ((), {"as it stands", "of another"}),
        (("mine",), {"as it stands", "of another"}),
        (("mine/one",), {"as it stands"}),
        (("mine/one", "mine/two"), {"as it stands", "of another"}),
        (("mine/three",), set()),
        (("another",), set()),
    ],
)
def test_only_those_of_what_is_asked_for(
    targets: tuple[str, ...], names: set[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    assert {name for name, _ in named_hosts([file], targets)} == names


@pytest.mark.parametrize("source", ["def (", "\0", ""])
def test_what_cannot_be_read_names_none(source: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(source)
    assert not list(named_hosts([file, tmp_path / "missing.py"], ()))
