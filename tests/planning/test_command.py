"""The command that measures a case again plans that case, its baseline, and nothing else."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.options import parse_hosts, parse_sets
from harness.journal.read import read_journal
from harness.planning.command import command_for
from harness.planning.plan import Request, expand
from harness.schema.description import Level, ScenarioInfo
from harness.schema.records import Case, HostSpec, Value
from tests.journals import parameter, scenario, strategy
from tests.some import some

RESULTS = Path(__file__).parents[2] / "results"
JOURNALS = ("baseline-conversions", "baseline-matrices", "h200-other-scenarios", "h200-transfers")


def planned_by(command: str, info: ScenarioInfo) -> list[Case]:
    """The cases of ``ferrybench run``, in the words of its command line."""
    program, verb, target, *words = shlex.split(command)
    assert (program, verb) == ("ferrybench", "run")
    level: Level = "quick" if "--quick" in words else "full" if "--full" in words else "usual"
    given = [(word, words[place + 1]) for place, word in enumerate(words[:-1])]
    sets = parse_sets([value for word, value in given if word == "--set"])
    hosts = parse_hosts([value for word, value in given if word == "--host"])
    return [one.case for one in expand([info], Request((target,), level, sets, hosts))]


@pytest.mark.parametrize("name", JOURNALS)
def test_every_case_of_a_run_has_a_command_for_itself(name: str) -> None:
    header = read_journal(RESULTS / f"{name}.jsonl").header
    infos = {info.name: info for info in header.scenarios}
    for one in some(header.plan.cases):
        case, info = one.case, infos[one.case.scenario]
        found = planned_by(command_for(case, info, header.plan.level), info)
        assert case in found
        for other in some(found):
            assert other.strategy in (case.strategy, info.baseline)
            assert other.parameters == case.parameters


def info_with(**parameters: object) -> ScenarioInfo:
    made = {name: parameter(value) for name, value in parameters.items()}  # type: ignore[arg-type]
    names = tuple(parameters)
    infos = scenario((replace(strategy("base"), names=names), strategy("other")), made)
    return replace(infos, path="scenarios/moving.py", input_parameters=names)


def test_sizes_are_exact_and_words_are_quoted() -> None:
    info = info_with(size=1, words="", sample_bytes=1)
    case = Case("moving", "base", {"size": 3 * 2**20 + 1, "words": "a b;c", "sample_bytes": 2**30})
    command = command_for(case, info, "usual")
    assert command == (
        "ferrybench run moving/base --set size=3145729 --set 'words=a b;c' --set sample_bytes=1GiB"
    )
    assert planned_by(command, info) == [case]


def test_a_host_of_the_user_s_comes_along() -> None:
    info = info_with(size=1)
    host = HostSpec("pages", "", {"A": "1", "B": "2"})
    command = command_for(Case("moving", "base", {"size": 1}, "pages"), info, "quick", host)
    assert command == "ferrybench run moving/base --quick --host pages:A=1,B=2"
    assert [case.host for case in planned_by(command, info)] == ["default", "pages"]


def test_files_are_called_by_their_names_alone() -> None:
    info = replace(info_with(size=1, npy="", dtype="f4"), path="/home/me/secret/mine.py")
    case = Case("moving", "base", {"size": 8, "npy": "/home/me/secret/own.npy", "dtype": "f4"})
    command = command_for(case, info, "usual")
    assert command == "ferrybench run moving/base --scenarios mine.py --npy own.npy"


def test_a_raw_file_says_what_lies_in_it() -> None:
    info = info_with(size=1, npy="", raw="", dtype="f4")
    point: dict[str, Value] = {
        "size": 8,
        "npy": "/a/tokens.bin",
        "raw": "1000x16+256",
        "dtype": "uint16",
    }
    command = command_for(Case("moving", "base", point), info, "usual")
    assert command == (
        "ferrybench run moving/base --raw tokens.bin --dtype uint16 --shape 1000,16 --offset 256"
    )
