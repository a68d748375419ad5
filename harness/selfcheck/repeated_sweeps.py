"""How the contests of quick sweeps end, and whether any has two different winners.

``python -m harness.selfcheck.repeated_sweeps FOLDER [--sweeps 10] [SCENARIO …]`` runs the quick
sweep as a user does, each time with another seed, and keeps its journals in FOLDER: one that is
complete is not measured again, so it can be stopped and go on at any time. Exits with 1 where a
target is missed.

Counted are contests that time decides: all of those that a verdict is about, and beside them the
same groups at other sizes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.ranking import Ranking, rankings
from harness.analysis.sweep import sweep
from harness.cases.summaries import summaries
from harness.console import err, out
from harness.errors import EXIT_OK, EXIT_WORSE
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.selfcheck.bench_result import BenchResult

ROOT = Path(__file__).resolve().parents[2]
SWEEPS = 2
MOST_S, LEAST_ENDED = 240.0, 0.9
Key = tuple[str, ...]


@dataclass(frozen=True)
class Ended:
    """How a contest ended, and whether it is one that a verdict is about."""

    word: str
    leaders: tuple[str, ...]
    reference: bool


def ended(run: Run) -> dict[Key, Ended]:
    """Every contest of a run that time decides."""
    rows = summaries(run)
    found: dict[Key, Ended] = {}
    for info in run.header.scenarios:
        own = sweep(info, rows)
        if info.probe or own.weighs != "time":
            continue
        for size in own.sizes:
            for one in rankings(own, own.at(size)):
                if len(one.rows) > 1:
                    key = (info.name, str(size), one.group, one.setting)
                    found[key] = _ended(one, reference=size == own.reference)
    return found


def _ended(one: Ranking, *, reference: bool) -> Ended:
    return Ended(one.word, tuple(sorted(row.strategy for row in one.leaders)), reference)


def sweep_results(folder: Path, count: int, targets: Sequence[str] = ()) -> Iterator[BenchResult]:
    """What came of so many sweeps, into a folder."""
    runs, walls = [], []
    for number in range(1, count + 1):
        path = folder / f"sweep-{number}.jsonl"
        wall_s, run = _measured(path, number, targets)
        runs.append(ended(run))
        walls.append(wall_s)
    yield BenchResult("quick sweep", "s", tuple(walls), MOST_S, judged="max")
    for word in ("winner", "level", "undecided"):
        counts = tuple(float(sum(_is(one, word) for one in run.values())) for run in runs)
        yield BenchResult(f"contests of verdicts: {word}", "", counts)
    shares = tuple(_share_ended(run) for run in runs)
    yield BenchResult("… ended", "share", shares, LEAST_ENDED, at_least=True)
    others = tuple(_share_ended(run, reference=False) for run in runs)
    yield BenchResult("… of other sizes", "share", others)
    different = float(len(two_winners(runs)))
    yield BenchResult("contests with two different winners", "", (different,), 0.0)
    yield BenchResult("… won, and level without the winner", "", (float(len(without(runs))),))


def _is(one: Ended, word: str) -> bool:
    return one.reference and one.word == word


def _share_ended(run: dict[Key, Ended], *, reference: bool = True) -> float:
    own = [one.word != "undecided" for one in run.values() if one.reference == reference]
    return sum(own) / max(1, len(own))


def two_winners(runs: Sequence[dict[Key, Ended]]) -> list[Key]:
    """Contests that two runs say were won by different strategies."""
    winners: dict[Key, set[str]] = {}
    for run in runs:
        for key, one in run.items():
            if one.word == "winner":
                winners.setdefault(key, set()).update(one.leaders)
    return [key for key, names in winners.items() if len(names) > 1]


def without(runs: Sequence[dict[Key, Ended]]) -> list[Key]:
    """Contests that one run says somebody won, who is not among those that another calls level."""
    found = []
    for key in dict.fromkeys(key for run in runs for key in run):
        own = [run[key] for run in runs if key in run]
        winners = {name for one in own if one.word == "winner" for name in one.leaders}
        level = [set(one.leaders) for one in own if one.word == "level"]
        if any(winners - names for names in level):
            found.append(key)
    return found


def _measured(path: Path, seed: int, targets: Sequence[str]) -> tuple[float, Run]:
    """A quick sweep in a process of its own, as a user starts it, unless it is there."""
    took = path.with_suffix(".seconds")
    if not took.exists():
        err.print(f"quick sweep {seed}")
        command = [sys.executable, "-m", "harness", "run", *targets, "--quick", "--seed", str(seed)]
        began = time.perf_counter()
        subprocess.run(
            [*command, "-o", str(path), "--force"], check=True, cwd=ROOT, capture_output=True
        )
        took.write_text(f"{time.perf_counter() - began}\n")
    return float(took.read_text()), read_journal(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is not there, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m harness.selfcheck.repeated_sweeps")
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenarios", nargs="*", help="only these")
    parser.add_argument("--sweeps", type=int, default=10)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    figures = list(sweep_results(options.folder.resolve(), options.sweeps, options.scenarios))
    for figure in figures:
        values = ", ".join(f"{value:.3g}" for value in figure.values)
        missed = "  missed" if figure.met is False else ""
        out.print(f"{figure.name}: {values} {figure.unit}{missed}".rstrip(), soft_wrap=True)
    return EXIT_WORSE if any(figure.met is False for figure in figures) else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
