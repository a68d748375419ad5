"""The source shown for a strategy runs by itself: with its classes, constants and imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.scenario.discover import load
from harness.trial.source import source
from harness.trial.source_files import SourceFile
from tests.scenario.folders import INIT, folder_of
from tests.scenarios.bench import built_in

MODULE = '''
import math
from math import gcd, tau as turn

import numpy as np
import torch
from harness import Scenario

scenario = Scenario("pasted", question="?", baseline="one")
SCALE, SHIFT = 2.0, 1.0
UNUSED = 3


class Base:
    pass


class Halves(Base):
    """Half of it."""

    def __init__(self, data):
        self.data = shift(data)


def factor():
    return math.pi * SCALE * turn


def shift(data):
    return data + SHIFT


def tensor(size):
    return torch.ones(size)


scenario.inputs(tensor)


@scenario.strategy()
def one(tensor):
    """Says what it does."""
    return torch.tensor(Halves(tensor).data)


@scenario.strategy()
def two(tensor):
    """Says it again."""
    return one(tensor) * np.float32(factor())


@scenario.check
def right(tensor, result):
    pass
'''


def test_what_a_strategy_needs_comes_with_it_in_the_modules_order(tmp_path: Path) -> None:
    (tmp_path / "pasted.py").write_text(MODULE)
    (scenario,) = load(tmp_path / "pasted.py")
    text = source(scenario.strategies["one"])
    assert text == (
        "SCALE, SHIFT = 2.0, 1.0\n\n"
        "class Base:\n    pass\n\n"
        'class Halves(Base):\n    """Half of it."""\n\n'
        "    def __init__(self, data):\n        self.data = shift(data)\n\n"
        "def shift(data):\n    return data + SHIFT\n\n"
        "def one(tensor):\n    return torch.tensor(Halves(tensor).data)"
    )


def test_imports_come_first_and_only_those_needed(tmp_path: Path) -> None:
    (tmp_path / "pasted.py").write_text(MODULE)
    (scenario,) = load(tmp_path / "pasted.py")
    text = source(scenario.strategies["two"])
    assert text.startswith("import math\nfrom math import tau as turn\n\nSCALE")
    assert "def factor():" in text
    assert "@" not in text
    assert "UNUSED" not in text
    assert "import numpy" not in text
    # A name that is only an attribute elsewhere, as in torch.tensor, is not taken for a function.
    assert "def tensor(" not in text


def shown(folder: Path, strategy: str) -> tuple[str, Any]:
    """What is shown of a strategy, and the function that it defines where it is pasted."""
    (scenario,) = load(folder)
    text = source(scenario.strategies[strategy])
    pasted: dict[str, Any] = {}
    exec(text, pasted)
    return text, pasted[strategy]


def test_what_stands_in_other_files_of_a_folder_comes_along(tmp_path: Path) -> None:
    text, added = shown(folder_of(tmp_path / "mine"), "added")
    assert text == (
        "import math\n\ndef total(numbers):\n    return math.fsum(numbers)\n\n"
        "def added(number):\n    return total([number, number])"
    )
    assert added(4) == 8
    text, doubled = shown(tmp_path / "mine", "doubled")
    assert text == "SCALE = 2.0\n\ndef doubled(number):\n    return SCALE * number"
    assert doubled(4) == 8


PARTS = """
import math
from collections import deque

class Base:
    def first(self):
        return self.held[0] if isinstance(self.held, deque) else math.nan

TWICE = 2
FOURFOLD: int = TWICE * TWICE
NOTHING = None
"""
USING = """
import collections
from collections import OrderedDict
from . import parts, scenario
from .parts import *
from .parts import Base as Plain, TWICE as factor

class Held(Plain):
    def __init__(self, number):
        self.held = collections.deque([number, NOTHING])

@scenario.strategy(group="all")
def using(number):
    assert OrderedDict
    return factor * parts.TWICE * FOURFOLD // parts.FOURFOLD * Held(number).first()
"""


def test_other_names_whole_files_and_stars_are_followed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "mine", parts=PARTS, using=USING)
    text, using = shown(folder, "using")
    assert using(5) == 20
    assert text.startswith(
        "import collections\nimport math\nfrom collections import OrderedDict, deque\n"
        "from types import SimpleNamespace\n\nclass Base:"
    )
    assert "factor = TWICE\n\n" in text
    assert "parts = SimpleNamespace(FOURFOLD=FOURFOLD, TWICE=TWICE)\n\n" in text


def test_two_definitions_of_one_name_say_where_they_stand(tmp_path: Path) -> None:
    clash = "from . import scenario\nfrom .sums import total as other\n" + (
        "def total(numbers):\n    return other(numbers)\n\n"
        '@scenario.strategy(group="all")\ndef both(number):\n    return total([number])\n'
    )
    (scenario,) = load(folder_of(tmp_path / "mine", clash=clash))
    text = source(scenario.strategies["both"])
    assert "# sums.py\ndef total(numbers):\n    return math" in text
    assert "# clash.py\ndef total(numbers):\n    return other" in text


def test_a_setup_of_another_file_is_shown_with_what_it_needs(tmp_path: Path) -> None:
    made = "from .sums import total\ndef made(number):\n    return total([number])\n"
    last = "from . import scenario\nfrom .made import made\n" + (
        '@scenario.strategy(group="all", setup=made)\n'
        "def last(number, ready):\n    return ready * 2\n"
    )
    text, _ = shown(folder_of(tmp_path / "mine", made=made, last=last), "last")
    assert [line for line in text.splitlines() if line.startswith("def ")] == [
        "def total(numbers):",
        "def made(number):",
        "def last(number, ready):",
    ]


def test_files_that_import_each_other_are_shown_once_each(tmp_path: Path) -> None:
    init = INIT + "def late(number):\n    from . import sums\n    return sums.total([number])\n"
    folder = folder_of(tmp_path / "mine", __init__=init)
    assert shown(folder, "added")[1](1) == 2


def test_a_file_is_read_once_for_all_of_its_strategies() -> None:
    strategies = list(built_in()["memmap_training"].strategies.values())
    files = {str(one.function.__module__) for one in strategies}
    SourceFile.of.cache_clear()
    for one in strategies:
        source(one)
    assert 1 < len(files) <= SourceFile.of.cache_info().misses < len(strategies)
    read = SourceFile.of.cache_info().misses
    for one in strategies:
        source(one)
    assert SourceFile.of.cache_info().misses == read
