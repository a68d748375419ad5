"""Whatever stands in a file, a command ends with a documented exit code, and never in a traceback.

Files are good ones with a part or two changed: to another value of its kind, to one of another, or
to nothing. What is drawn is the same in every run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as draw

from harness.cli import run
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_UNABLE, EXIT_USAGE, EXIT_WORSE
from harness.schema.records import Outcome
from tests.formats.saved_files import saved
from tests.journals import planned, searched, trial, write_run
from tests.report.runs import moving

DOCUMENTED = (EXIT_OK, EXIT_WORSE, EXIT_USAGE, EXIT_NOT_JUDGED, EXIT_UNABLE)
COMMANDS = (
    ("export", "FILE"),
    ("export", "FILE", "--format", "json"),
    ("export", "FILE", "--format", "pytest-benchmark"),
    ("export", "FILE", "--format", "bencher"),
    ("compare", "GOOD", "FILE"),
    ("history", "GOOD", "FILE", "--all"),
    ("matrix", "FILE", "--reasons"),
    ("merge", "GOOD", "FILE", "-o", "/dev/null", "--force"),
)
NESTED: list[Any] = []
for _ in range(200):
    NESTED = [NESTED]
NUMBERS = (0, -1, 2**63, 10**400, 1e308, -1e308, 5e-324, *({"$float": n} for n in ("nan", "inf")))
TEXTS = ("", "[/]", "$x_{$", "../../x", "a\x1b[2J\nb", "=1+1", "x" * 10_000, "\u202ea", "yesterday")
DATES = ("0001-01-01T00:00:00", "9999-12-31T23:59:59-12:00")
OTHERS: tuple[Any, ...] = (None, True, [], {}, [1], {"a": 1}, NESTED)
Place = tuple[int, tuple[Any, ...]]
"""A line, and the way to a part of it."""


def parts(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to everything in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in inner:
        yield (*way, name)
        if isinstance(item, dict | list):
            yield from parts(item, (*way, name))


@draw.composite
def changed(choose: draw.DrawFn, lines: list[Any], places: list[Place]) -> bytes:
    """The lines of a file with a part or two changed, or with the file cut short."""
    new = json.loads(json.dumps(lines))
    for number, way in choose(draw.lists(draw.sampled_from(places), min_size=1, max_size=2)):
        whole = new[number]
        try:
            for name in way[:-1]:
                whole = whole[name]
            old = whole[way[-1]]
        except (KeyError, IndexError, TypeError):  # the first change took it away
            continue
        like = NUMBERS if isinstance(old, int | float) else (*TEXTS, *DATES)
        value = choose(draw.sampled_from((*like, *like, *OTHERS)))
        if choose(draw.integers(0, 9)):
            whole[way[-1]] = value
        else:
            del whole[way[-1]]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in new)
    return data if choose(draw.integers(0, 9)) else data[: choose(draw.integers(0, len(data)))]


def journal(path: Path) -> Path:
    cases = [planned("base", baseline=True), planned("clone"), planned("view")]
    trials = [trial(case, number) for case in (0, 1) for number in (0, 1, 2)]
    trials += searched(2, (1 << 20, Outcome("ok")), (1 << 21, Outcome("oom", "no")), budget=1 << 22)
    return write_run(path, cases, trials, infos=[moving()])


@pytest.mark.parametrize(("make", "name"), [(journal, "file.jsonl"), (saved, "file.json")])
def test_any_file_ends_in_a_documented_code(make: Any, name: str, tmp_path: Path) -> None:
    good, file = make(tmp_path / f"good-{name}"), tmp_path / name
    text = good.read_text()
    lines = [json.loads(text)] if make is saved else list(map(json.loads, text.splitlines()))
    places = [(number, way) for number, line in enumerate(lines) for way in parts(line)]

    @settings(
        max_examples=120,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(changed(lines, places), draw.sampled_from(COMMANDS))
    def check(data: bytes, command: tuple[str, ...]) -> None:
        file.write_bytes(data)
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run([str({"FILE": file, "GOOD": good}.get(one, one)) for one in command])
        assert code in DOCUMENTED
        assert code != EXIT_WORSE or command[0] == "compare"
        assert "a fault in ferrybench" not in err.getvalue()
        assert "\x1b" not in out.getvalue() + err.getvalue()
        if code in (EXIT_USAGE, EXIT_UNABLE):
            assert err.getvalue().splitlines()[-1].startswith("ferrybench: ")

    check()


def test_numbers_that_no_field_holds_are_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = journal(tmp_path / "file.jsonl")
    text = file.read_text()
    for before in ('"payload_bytes":1048576', '"processors":2'):
        file.write_text(text.replace(before, f"{before.partition(':')[0]}:{10**400}"))
        assert run(["export", str(file)]) == EXIT_USAGE
        assert "a number of more than 64 bits\n" in capsys.readouterr().err


def test_an_export_is_json_whatever_a_parameter_is(tmp_path: Path) -> None:
    file, out = journal(tmp_path / "file.jsonl"), tmp_path / "out.json"
    text = file.read_text()
    for value in ("nan", "inf"):
        file.write_text(text.replace('"size":1048576', f'"size":{{"$float":"{value}"}}'))
        arguments = ["export", str(file), "--format", "pytest-benchmark", "-o", str(out), "--force"]
        assert run(arguments) == EXIT_OK
        assert json.loads(out.read_text(), parse_constant=pytest.fail)["benchmarks"]


@pytest.mark.parametrize("node", ["", "/", "..", "::", "::test[1]", "a/"])
def test_a_test_of_any_name_has_one(node: str, tmp_path: Path) -> None:
    file = saved(tmp_path / "file.json")
    document = json.loads(file.read_text())
    document["benchmarks"][3]["fullname"] = node
    file.write_text(json.dumps(document))
    assert run(["export", str(file), "-o", str(tmp_path / "out.csv")]) == EXIT_OK
