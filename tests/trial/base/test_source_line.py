"""Lines of a scenario, found in tracebacks, in workers' texts and in what faulthandler prints."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.trial.base.source_line import place, place_in_dump, place_of, without_dump

OWN = __file__
DUMP = """\
ERROR: something before
Fatal Python error: Segmentation fault

Stack (most recent call first):
  File "/lib/torch/tensor.py", line 7 in add
  File "/scenarios/mine.py", line 3 in inner
  File "/scenarios/mine.py", line 9 in outer

Extension modules: numpy, torch (total: 2)
"""


def inner(values: list[int]) -> int:
    return values[3]


def outer() -> int:
    return inner([])


def raised(by: Callable[[], object] = outer) -> BaseException:
    try:
        by()
    except Exception as error:  # noqa: BLE001 — whatever it is
        return error
    raise AssertionError("it did not raise")


def test_the_innermost_line_of_the_file_is_the_place() -> None:
    assert place_of(raised(), OWN).endswith(": return values[3]")
    assert place_of(raised(), OWN).startswith("test_source_line.py:")
    assert place_of(raised(), "/another.py") == ""


def test_lines_of_others_further_in_do_not_count() -> None:
    found = place_of(raised(lambda: textwrap.indent(3, "of others")), OWN)  # type: ignore[arg-type]
    assert 'textwrap.indent(3, "of others")' in found


def test_what_a_worker_brought_as_text_is_nearer_than_where_it_came_out() -> None:
    line = 1 + Path(OWN).read_text().splitlines().index("    return values[3]")
    text = f'Caught IndexError\nOriginal Traceback:\n  File "{OWN}", line {line}, in inner\n    x'

    def bring() -> None:
        raise RuntimeError(text)

    assert place_of(raised(bring), OWN) == f"test_source_line.py:{line}: return values[3]"


def test_a_cause_is_looked_through() -> None:
    error = RuntimeError("wrapped")
    error.__cause__ = raised()
    assert place_of(error, OWN).endswith("return values[3]")
    error.__cause__ = error
    assert place_of(error, OWN) == ""


def test_a_line_without_its_text_is_still_a_line(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.py")
    assert place(gone, 12, gone) == "gone.py:12"
    long = tmp_path / "long.py"
    long.write_text("x = " + "1 + " * 100 + "1\n")
    assert len(place(str(long), 1, str(long))) < 140


def test_a_file_in_the_folder_of_a_scenario_comes_with_that(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    file, beside = folder / "reading.py", tmp_path / "mine_too.py"
    file.write_text("def fail():\n    raise ValueError('no')\n")
    beside.write_text(file.read_text())
    for one, found in ((file, "mine/reading.py:2: raise ValueError('no')"), (beside, "")):
        code: dict[str, Callable[[], object]] = {}
        exec(compile(one.read_text(), str(one), "exec"), code)
        assert place_of(raised(code["fail"]), str(folder)) == found
    dump = DUMP.replace("/scenarios/mine.py", str(file))
    assert place_in_dump(dump, str(folder)).startswith("mine/reading.py:3")
    assert place_in_dump(DUMP, str(folder)) == ""


def test_dumps_are_read_from_the_top(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("\n\ninside()\n" + "\n" * 5 + "outside()\n")
    dump = DUMP.replace("/scenarios/mine.py", str(file))
    assert place_in_dump(dump, str(file)) == "mine.py:3: inside()"
    assert place_in_dump(dump, "/scenarios/mine.py") == ""
    assert place_in_dump("no dump at all", str(file)) == ""


def test_of_many_threads_the_one_that_a_signal_met_counts(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("\n\ninside()\n" + "\n" * 5 + "outside()\n")
    dump = f"""\
Thread 0x00007f (most recent call first):
  File "{file}", line 3 in run

Current thread 0x00008f (most recent call first):
  File "/lib/queue.py", line 1 in get
  File "{file}", line 9 in wait
"""
    assert place_in_dump(dump, str(file)) == "mine.py:9: outside()"
    assert place_in_dump(dump.replace("line 9", "line 9 in x\n"), str(file)) != ""


def test_reasons_are_told_without_the_dump() -> None:
    assert without_dump(DUMP) == "ERROR: something before"
    assert without_dump("what(): bad\n" + DUMP + "after") == (
        "what(): bad\nERROR: something before\nafter"
    )
    fatal = "Fatal Python error: none_dealloc: deallocating None\n\nCurrent thread 0x1 (most recent"
    assert without_dump(fatal) == "none_dealloc: deallocating None"


@pytest.mark.parametrize(
    ("death", "line"),
    [
        ("import ctypes\nctypes.string_at(0)", 2),
        ("import os\n\nos.abort()", 3),
        ("import os, signal, time\nos.kill(os.getpid(), source_line.ASK)\ntime.sleep(0.1)", 2),
    ],
)
def test_what_this_python_prints_is_understood(tmp_path: Path, death: str, line: int) -> None:
    """The format is not promised; a Python that changes it is to be noticed here."""
    file = tmp_path / "dying.py"
    file.write_text(death)
    root = Path(__file__).parents[3]
    code = (
        "from harness.trial.base import source_line\nsource_line.say_where_on_death(2)\n"
        f"exec(compile(open({str(file)!r}).read(), {str(file)!r}, 'exec'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False
    )
    assert place_in_dump(done.stderr, str(file)).startswith(f"dying.py:{line}: "), done.stderr
    assert without_dump(done.stderr).strip() == ""
