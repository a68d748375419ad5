"""A folder as one scenario: found, imported, and told in one line what is wrong with it."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from harness.scenario.discover import ScenarioLoadError, load, module_files
from tests.scenario.folders import ADDED, DOUBLED, INIT, SUMS, folder_of


def problem(folder: Path) -> str:
    with pytest.raises(ScenarioLoadError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_files_of_a_folder_declare_the_strategies_of_one_scenario(tmp_path: Path) -> None:
    (scenario,) = load(folder_of(tmp_path / "mine"))
    assert scenario.name == "mine"
    assert list(scenario.strategies) == ["added", "doubled"]
    assert [one.function(4) for one in scenario.strategies.values()] == [8, 8]


def test_all_says_in_which_order(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", __init__=INIT + '__all__ = ["doubled", "number"]\n')
    (scenario,) = load(folder)
    assert list(scenario.strategies) == ["doubled", "added"]


def test_files_with_an_underscore_are_left_to_those_that_import_them(tmp_path: Path) -> None:
    added = ADDED.replace(".sums", "._sums")
    folder = folder_of(tmp_path / "mine", _left="1 / 0", _sums=SUMS, added=added, sums="")
    assert list(load(folder)[0].strategies) == ["added", "doubled"]


def test_a_folder_is_one_scenario_if_its_init_declares_one(tmp_path: Path) -> None:
    mine = folder_of(tmp_path / "mine")
    other = folder_of(
        tmp_path / "other",
        __init__=INIT.replace("from harness import", "import harness #").replace(
            "= Scenario(", "= harness.Scenario("
        ),
    )
    broken = folder_of(tmp_path / "wrong", __init__="def broken(:\n")
    folder_of(tmp_path / "package", __init__='"""Several; see harness.Scenario."""\n')
    folder_of(tmp_path / "_hidden")
    single = tmp_path / "alone.py"
    single.write_text("")
    assert module_files(mine) == [mine]
    assert module_files(mine / "__init__.py") == [mine]
    # An __init__.py that declares nothing makes no difference, as before.
    assert [file.name for file in module_files(tmp_path / "package")] == [
        "added.py",
        "doubled.py",
        "sums.py",
    ]
    assert module_files(tmp_path) == [single, mine, other, broken]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"doubled": "x = 1\ndef broken(:\n"}, "doubled.py, line 2: invalid syntax"),
        ({"__init__": INIT + "def broken(:\n"}, "__init__.py, line 13: invalid syntax"),
        ({"sums": "\n1 / 0\n"}, "sums.py, line 2: ZeroDivisionError: division by zero"),
        (
            {
                "sums": SUMS + "\ndef fail():\n    raise OSError('no')\n",
                "z": "from .sums import *\nfail()\n",
            },
            "sums.py, line 13: OSError: no",
        ),
        ({"again": DOUBLED}, "doubled.py: mine: strategy doubled is declared twice"),
        (
            {"added": ADDED.replace('"all"', '"al"')},
            "added.py: mine/added: there is no group 'al' (there are: all)",
        ),
        ({"__init__": INIT.replace('="doubled"', '="none"')}, ": mine: no strategy 'none' (there"),
        ({"sums": SUMS.replace("@scenario.check", "")}, ": mine: no @scenario.check function"),
        (
            {"__init__": "from harness import Scenario\n"},
            "added.py, line 2: ImportError: cannot im",
        ),
        (
            {"__init__": INIT + INIT.replace('"mine"', '"twin"').replace("scenario", "second")},
            "__init__.py: declares another Scenario, but a folder is one scenario",
        ),
        (
            {"second": INIT.replace('"mine"', '"second"')},
            "second.py: declares another Scenario, but a folder is one scenario",
        ),
        (
            {"added": ADDED.replace(".sums", ".sum")},
            "added.py, line 3: ModuleNotFoundError: No module named",
        ),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_line_and_names_the_file(
    changed: dict[str, str], said: str, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "mine", **changed)
    message = problem(folder)
    assert message.startswith(str(folder))
    assert said in message


def test_a_folder_whose_init_declares_nothing_says_so(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path / "mine", __init__="from harness import Scenario\n", added="", doubled="", sums=""
    )
    assert problem(folder) == f"{folder}: declares no Scenario"


@pytest.mark.parametrize(
    ("absolute", "relative"),
    [("sums", ".sums"), ("mine_of_a_test", "."), ("mine_of_a_test.sums", ".")],
)
def test_an_absolute_import_within_the_folder_is_told_to_be_relative(
    absolute: str, relative: str, tmp_path: Path
) -> None:
    added = ADDED.replace(".sums", absolute)
    folder = folder_of(tmp_path / "mine_of_a_test", added=added)
    message = problem(folder)
    assert message.startswith(
        f"{folder / 'added.py'}, line 3: ModuleNotFoundError: No module named"
    )
    assert message.endswith(f"import each other relatively: from {relative} import …")


def test_an_absolute_import_that_finds_the_folder_would_declare_on_another_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = ADDED.replace("from . ", "from mine_of_a_test ")
    folder = folder_of(tmp_path / "mine_of_a_test", added=added)
    monkeypatch.syspath_prepend(str(tmp_path))
    message = problem(folder)
    assert message == (
        f"{folder / '__init__.py'}: imported again as mine_of_a_test; "
        "files of a scenario's folder import each other relatively: from . import …"
    )
    sys.modules.pop("mine_of_a_test")


def test_two_folders_with_equal_names_within_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    doubled = DOUBLED.replace("@scenario", "class Kept:\n    pass\n\n@scenario")
    places = [tmp_path / "a" / "mine", tmp_path / "a" / "yours", tmp_path / "b" / "mine"]
    for number, place in enumerate(places):
        load(folder_of(place, doubled=doubled.replace("SCALE *", f"{number} *")))
    made = [load(place)[0].strategies["doubled"].function for place in places]
    assert [function(5) for function in made] == [0, 5, 10]
    # Pickle sees to it that a class is found under its name.
    for function in made:
        kept = function.__globals__["Kept"]()
        assert type(pickle.loads(pickle.dumps(kept))) is type(kept)


def test_loading_twice_gives_every_file_as_it_now_is(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine")
    load(folder)
    (folder / "doubled.py").write_text(DOUBLED.replace("By a factor.", "By a factor, it says."))
    (folder / "new.py").write_text(DOUBLED.replace("def doubled", "def new"))
    strategies = load(folder)[0].strategies
    assert list(strategies) == ["added", "doubled", "new"]
    assert strategies["doubled"].function.__doc__ == "By a factor, it says."
