"""Folders that are one scenario each, written for tests."""

from __future__ import annotations

from pathlib import Path

INIT = """
from harness import Scenario

SCALE = 2.0
scenario = Scenario("mine", question="?", baseline="doubled", groups={"all": "in any case"})

@scenario.inputs
def number():
    return 3

def right(number):
    return SCALE * number
"""
DOUBLED = """
from . import SCALE, right, scenario

@scenario.strategy(group="all")
def doubled(number):
    \"\"\"By a factor.\"\"\"
    return SCALE * number
"""
ADDED = """
from . import scenario
from .sums import total

@scenario.strategy(group="all")
def added(number):
    \"\"\"By a sum.\"\"\"
    return total([number, number])
"""
SUMS = """
import math
from . import right, scenario

def total(numbers):
    return math.fsum(numbers)

@scenario.check
def check(number, result):
    assert result == right(number)
"""
FILES = {"__init__": INIT, "doubled": DOUBLED, "added": ADDED, "sums": SUMS}


def folder_of(folder: Path, **changed: str) -> Path:
    """A scenario of several files, some of them changed or added."""
    folder.mkdir()
    for name, text in {**FILES, **changed}.items():
        (folder / f"{name}.py").write_text(text)
    return folder
