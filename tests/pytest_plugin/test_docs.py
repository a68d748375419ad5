"""Every example of docs/pytest.md, run as it stands there."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase

import pytest

from harness.inline.budget import Budget
from tests.pytest_plugin.suites import ROOT, Suite
from tests.some import some

PAGE = ROOT / "docs" / "pytest.md"
_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAMS = {"pytest": ["-m", "pytest"], "ferrybench": ["-m", "harness"]}


@dataclass
class Example:
    """A file of tests, and what is done with it."""

    name: str
    code: str
    steps: list[tuple[str, list[str]]] = field(default_factory=list)
    """Commands, each with lines that it says, in their order."""


def examples() -> list[Example]:
    found: list[Example] = []
    for kind, text in _BLOCK.findall(PAGE.read_text()):
        if kind == "python":
            name = text.partition("\n")[0].removeprefix("# ").removesuffix(".py")
            found.append(Example(name, text))
            continue
        for line in text.splitlines():
            if line.startswith("$ "):
                found[-1].steps.append((line.removeprefix("$ "), []))
            elif line.strip():
                found[-1].steps[-1][1].append(line)
    return found


def plain(line: str, *, whole: bool = False) -> str:
    """A line without what differs from machine to machine: bytes, faults, widths of columns.

    How many copies there are, and how many tests, is the same everywhere.
    """
    if not re.search(r"\b(passed|failed|same|calls)\b", line):
        line = re.sub(r"(?<![\d.])\d[\d.,]*( [KMG]iB| B)?(?![\d.,]*×)", "#", line)
    if not whole:
        line = re.sub(r"(\d\.\d)\d×", r"\1×", line)
    return re.sub(r"\s+", " ", re.sub(r"-{2,}", "-", line)).strip()


NUMBER = re.compile(r"\d+(?:\.\d+)?")
HUNDREDTH = 0.01
"""A peak that has passed may read low by a few pages for each processor."""


def same(wanted: str, said: str) -> bool:
    if fnmatchcase(plain(said), f"*{plain(wanted).replace('[', '[[]')}*"):
        return True
    wanted, said = plain(wanted, whole=True), plain(said, whole=True)
    numbers = [[float(text) for text in NUMBER.findall(line)] for line in (wanted, said)]
    return NUMBER.sub("#", wanted) == NUMBER.sub("#", said) and numbers[0] == pytest.approx(
        numbers[1], rel=HUNDREDTH
    )


def test_numbers_are_compared_and_not_their_digits() -> None:
    assert same("24 MiB at the peak, 3.00×", "23.9 MiB at the peak, 2.99×")
    assert not same("24 MiB at the peak, 3.00×", "24 MiB at the peak, 2.9×")
    assert not same("24 MiB at the peak", "24 MiB kept")


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_example(example: Example, suite: Suite) -> None:
    (suite.pytester.path / f"{example.name}.py").write_text(example.code)
    assert example.steps
    for command, wanted in example.steps:
        program, *arguments = shlex.split(command)
        done = suite.pytester.run(sys.executable, *_PROGRAMS[program], *arguments)
        fails = any(line.startswith("FAILED") for line in wanted)
        assert done.ret == fails, done.stdout.str()
        said = iter([*done.outlines, *done.errlines])
        for line in some(wanted):
            assert any(same(line, other) for other in said), f"{command}: not said: {line}"


def test_every_example_is_there() -> None:
    names = [example.name for example in examples()]
    assert names == ["test_load", "test_budget", "test_fixture", "test_saved"]


def test_the_page_tells_every_keyword_of_a_budget() -> None:
    page = PAGE.read_text()
    for one in some(fields(Budget)):
        assert f"| `{one.name}=" in page
