"""Finding and loading scenarios in files; whatever is wrong with one is told in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.scenario import discover
from harness.scenario.discover import ScenarioLoadError, built_in_files, load, module_files

GOOD = """
from harness import Scenario

scenario = Scenario("mine", question="?", baseline="only")

@scenario.inputs
def number():
    return 1

@scenario.strategy()
def only(number):
    return number

@scenario.check
def check(number, result):
    assert number == result
"""


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_module_may_hold_several_scenarios(tmp_path: Path) -> None:
    second = GOOD.replace("scenario", "other").replace("mine", "yours").replace("Scenario(", "S(")
    text = GOOD + second.replace("import Scenario", "import Scenario as S")
    file = written(tmp_path, text.replace("import S\n", "import Scenario as S\n"))
    assert [scenario.name for scenario in load(file)] == ["mine", "yours"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\n", ": declares no Scenario"),
        ("def broken(:\n    pass\n", ", line 1: invalid syntax"),
        ("\n\nraise RuntimeError('first\\nsecond')\n", ", line 3: RuntimeError: first second"),
        ("def f():\n    return 1 / 0\nf()\n", ", line 2: ZeroDivisionError: division by zero"),
        ("\nimport no_such_module\n", ", line 2: ModuleNotFoundError: No module named"),
        ("import json\n\njson.loads('{')\n", ", line 3: JSONDecodeError: Expecting"),
        ("import sys\nsys.exit('bye')\n", ", line 2: SystemExit: bye"),
        (GOOD.replace("@scenario.check", ""), ": mine: no @scenario.check function"),
        (GOOD.replace('baseline="only"', 'baseline="none"'), ": mine: no strategy 'none'"),
        (GOOD.replace("def number()", "def number(colour)"), "mine: inputs takes colour"),
        (GOOD.replace('"mine"', '"my own"'), "scenario name 'my own' is not an identifier"),
        ("from harness import Scenario\nScenario('x')\n", ", line 2: TypeError: Scenario.__init__"),
    ],
)
def test_a_module_that_cannot_be_used_is_one_line(text: str, problem: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ScenarioLoadError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert problem in message
    assert "\n" not in message


def test_a_file_that_is_no_module_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioLoadError, match=r"notes.txt: not a Python module$"):
        load(written(tmp_path, "hello", "notes.txt"))


def test_a_path_is_a_file_or_a_folder_of_files(tmp_path: Path) -> None:
    second = written(tmp_path, "", "b.py")
    first = written(tmp_path, "", "a.py")
    written(tmp_path, "", "_helper.py")
    written(tmp_path, "", "notes.txt")
    assert module_files(tmp_path) == [first.resolve(), second.resolve()]
    assert module_files(first) == [first.resolve()]


def test_a_path_with_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioLoadError, match=r"nowhere: no such file or folder$"):
        module_files(tmp_path / "nowhere")
    with pytest.raises(ScenarioLoadError, match=r"no Python files in this folder$"):
        module_files(tmp_path)


def test_the_built_in_scenarios_are_found() -> None:
    assert "tensor_from_array.py" in [file.name for file in built_in_files()]
    assert all(file.is_absolute() for file in built_in_files())


class Entry:
    """What importlib.metadata has of an entry point."""

    def __init__(self, module: str) -> None:
        self.name, self.module = "theirs", module


def test_installed_packages_offer_scenarios(tmp_path: Path, monkeypatch: Any) -> None:
    file = written(tmp_path, GOOD, "their_scenarios.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry(file.stem)])
    assert discover.entry_point_files() == [file]


def test_an_entry_point_to_nowhere_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry("no_such_one")])
    with pytest.raises(ScenarioLoadError, match="theirs: module no_such_one cannot be found"):
        discover.entry_point_files()


def test_loading_twice_gives_the_file_as_it_now_is(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    load(file)
    written(tmp_path, GOOD.replace('question="?"', 'question="again, longer?"'))
    assert load(file)[0].question == "again, longer?"


def test_an_error_in_what_a_module_imports_is_placed_where_it_imports_it(
    tmp_path: Path, monkeypatch: Any
) -> None:
    written(tmp_path, "def broken(:\n", "helper_of_mine.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = written(tmp_path, "\nimport helper_of_mine\n")
    with pytest.raises(ScenarioLoadError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}, line 2: SyntaxError: invalid syntax (helper_of_")


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, GOOD.replace('"mine"', f'"{name}"'))
    (one,), (two,) = (load(tmp_path / name / "mine.py") for name in ("one", "two"))
    for scenario in (one, two):  # as pickle finds it
        function = scenario.strategies["only"].function
        assert vars(sys.modules[function.__module__])["only"] is function
