"""Which of Python's two ways reports lines."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from harness.trial.profiling.line_events import Monitored, Traced, line_events


@pytest.mark.parametrize(
    ("taken", "way"), [((), Monitored), ((2, 3), Monitored), ((2, 3, 4), Traced)]
)
def test_lines_are_traced_where_other_tools_have_taken_all_room(
    taken: tuple[int, ...], way: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = SimpleNamespace(get_tool=lambda number: "coverage" if number in taken else None)
    monkeypatch.setattr(sys, "monitoring", tools, raising=False)
    listener: Any = None
    assert type(line_events(listener)) is way


def test_lines_are_traced_by_a_python_that_has_no_monitoring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(sys, "monitoring", raising=False)
    listener: Any = None
    assert isinstance(line_events(listener), Traced)
