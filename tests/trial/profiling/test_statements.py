"""Lines of one statement belong to its first."""

from __future__ import annotations

from pathlib import Path

from harness.trial.profiling.statements import first_lines

SOURCE = """\
@decorated(
    1,
)
def f(a,
      b=2):
    x = g(
        a,
    )
    for i in range(
        3
    ):
        x += i; y = (
            1)
    if x: z = h(
        2)
    try:
        pass
    except (ValueError,
            TypeError):
        return [
            one
            for one in x
        ]
"""
FIRSTS = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 6, 7: 6, 8: 6, 9: 9, 10: 9, 11: 9, 12: 12, 13: 12}
FIRSTS |= {14: 14, 15: 14, 16: 16, 17: 17, 18: 18, 19: 18, 20: 20, 21: 20, 22: 20, 23: 20}


def test_lines_of_a_statement_count_as_its_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SOURCE)
    assert first_lines(str(file)) == FIRSTS


def test_what_cannot_be_read_has_lines_by_themselves(tmp_path: Path) -> None:
    file = tmp_path / "magic.py"
    file.write_text("%time f()\n")
    assert first_lines(str(file)) == {}
    assert first_lines(str(tmp_path / "none.py")) == {}
