"""The source shown for a strategy runs by itself: with its classes, constants and imports."""

from __future__ import annotations

from pathlib import Path

from harness.scenario.discover import load
from harness.trial.source import source

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
