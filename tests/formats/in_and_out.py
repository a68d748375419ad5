"""Files of pytest-benchmark go in and come out again with nothing lost or renamed.

``python -m tests.formats.in_and_out FOLDER`` tries every file below a folder, such as a project's
``.benchmarks``: every statistic against the file's own, and pytest-benchmark's own ``compare`` of
the file with what is exported of it.
"""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.cases.frame import case_frame
from harness.formats.open_results import read_run
from harness.formats.pytest_benchmark import write

NAMED = ("fullname", "name", "group", "params", "param", "extra_info", "options", "stats")


def exported(path: Path, folder: Path, number: int = 0) -> Path:
    """What a file comes out as."""
    run = read_run(path)
    again = folder / f"{path.stem}-again-{number}.json"
    with again.open("w") as stream:
        write(run, case_frame(run), stream)
    return again


def faults(path: Path, again: Path) -> Iterator[str]:
    """What of a file is not the same in our frame, or in what was exported."""
    theirs, ours = (json.loads(one.read_text())["benchmarks"] for one in (path, again))
    run = read_run(path)
    rows = case_frame(run).to_dict("records")
    if not len(theirs) == len(ours) == len(rows):
        yield f"{len(theirs)} tests, {len(ours)} again, {len(rows)} cases"
        return
    keys = [str(row["case"]) for row in rows]
    if len(set(keys)) < len(keys):
        yield f"names that stand twice: {[k for k, n in Counter(keys).items() if n > 1]}"
    for before, after, row in zip(theirs, ours, rows, strict=True):
        name, stats = before["fullname"], before["stats"]
        yield from (
            f"{name}: {one} differs" for one in NAMED if _text(before, one) != _text(after, one)
        )
        yield from (
            f"{name}: {stat} is {row.get(stat)!r}, in the file {value!r}"
            for stat, value in stats.items()
            if stat != "data" and row.get(stat) != value
        )
        wanted = {"steady_median_s": "median", "steady_min_s": "min", "samples": "rounds"}
        yield from (
            f"{name}: {column} is {row[column]!r}"
            for column, stat in wanted.items()
            if stat in stats and row[column] != stats[stat]
        )
        if row["case"] != str(row["case"]).strip() or not str(row["case"]).isprintable():
            yield f"{name}: is called {row['case']!r}"
        if any(_is_known(row[one]) for one in ("trials", "coverage", "threads", "first_call_s")):
            yield f"{name}: something is said that the file does not state"


def _text(benchmark: dict[str, Any], name: str) -> str:
    """A part of a test as text: NaN does not equal itself."""
    return json.dumps(benchmark.get(name, "absent"), sort_keys=True)


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def unmatched(files: Sequence[Path], folder: Path) -> list[str]:
    """The rows of pytest-benchmark's own comparison that do not stand there twice."""
    table = folder / "compared.csv"
    options = ["--csv", str(table), "--group-by", "fullname", "--name", "long"]
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [done.stderr.strip().rpartition("\n")[2]]
    with table.open(newline="") as stream:
        rows = Counter(tuple(row) for row in csv.reader(stream))
    return [row[0] for row, count in rows.items() if count % 2 and row[0] != "name"]


def main(folder: Path) -> int:
    good, tests = 0, 0
    paths = sorted(
        path
        for path in folder.rglob("*.json")
        if b'"benchmarks"' in (data := path.read_bytes()) and b'"machine_info"' in data
    )
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        again = [exported(path, scratch, number) for number, path in enumerate(paths)]
        theirs = unmatched([*paths, *again], scratch)
        for path, one in zip(paths, again, strict=True):
            found = [*faults(path, one)]
            tests += len(read_run(path).header.plan.cases)
            good += not found
            for fault in found:
                sys.stdout.write(f"{path}: {fault}\n")
    sys.stdout.write(
        f"{good} of {len(paths)} files, with {tests} tests, came out as they went in\n"
    )
    sys.stdout.write(
        "pytest-benchmark compare matches every test with what came out\n"
        if not theirs
        else "".join(f"pytest-benchmark compare does not match {name}\n" for name in theirs)
    )
    return 0 if good == len(paths) > 0 and not theirs else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
