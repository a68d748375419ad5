"""How often the gate cries wolf, and what it misses: ``python -m harness.ab.experiment``.

A suite of ordinary work (:mod:`harness.trial.planted.gate`) is compared with itself, from the first
trial to the verdict, while another process loads the machine for part of the time. Then it is
recorded in duets: identical code, every case slowed down by a tenth, and by a twentieth. From these
pairs whole comparisons are drawn, with the very code that ``ab`` decides with, and their verdicts
counted; drawing costs nothing, so there can be thousands.

Which of two equal sides is called the candidate is a matter of names, so what is drawn of identical
code may point either way, lap by lap. Without that, whatever luck the few recorded hosts had would
be a difference, and be found. Planted pairs are drawn as they were recorded: a wait of a tenth is
not always one on a loaded machine.
Planted copies and leaks are not drawn: those runs are judged as they are.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.table import Table

from harness.ab.runner import contenders, run_ab
from harness.ab.session import SidesToCompare, open_ab_session
from harness.ab.spec import DUET, SideSpec
from harness.ab.stopping import MOST_PAIRS, StoppingRule
from harness.comparison.paired import PAIRS_A_BATCH, Duets, Pair, last_word
from harness.comparison.sides import match, sides_within
from harness.comparison.suite import Rules, compare
from harness.comparison.tolerance import Tolerance
from harness.comparison.verdicts import RunComparison
from harness.console import Progress, err, out
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.planning.plan import Request
from harness.run.session import Settings
from harness.selfcheck.count import Count
from harness.trial.timing.heap_layout import layout_can_be_shared

SUITE = Path(__file__).resolve().parents[1] / "trial" / "planted" / "gate.py"
NAME, PLANTED = "gate_truths", "FERRYBENCH_PLANTED"
"""As in that module, which cannot be imported here: it needs torch."""
STRATEGIES = (
    "numpy_copy", "torch_tensor", "cast_both_ways", "in_place_passes", "stack_rows",
    "gather_rows", "preallocate", "many_small_calls",
)  # fmt: skip
GATE_SIZES = (128 * 1024, 512 * 1024, 4 * 1024**2)
SMALLEST_FOR_MEMORY = GATE_SIZES[-1]
"""A twentieth of it is more than what two readings of the same memory may differ by."""
EVERY_CASE = [f"{strategy} {size}" for strategy in STRATEGIES for size in GATE_SIZES]
PLANTED_SHARES = {"10%": 0.1, "5%": 0.05}
PLANTS_A_SUITE = 4
"""Cases that are slower in a comparison that is drawn, of each amount."""
_LOAD = """
import random, time
while True:
    end = time.time() + random.uniform(3, 15)
    while time.time() < end:
        sum(range(1000))
    time.sleep(random.uniform(3, 15))
"""


@dataclass(frozen=True)
class Source:
    """What the duets of a case are drawn from.

    Args:
        batches: recorded pairs, lap by lap.
        identical: nothing was planted.
    """

    batches: tuple[tuple[Pair, ...], ...]
    identical: bool

    def draw_batch(self, draw: random.Random) -> list[Pair]:
        """The pairs of one lap, which share the luck of their hosts."""
        side = draw.choice((-1, 1)) if self.identical else 1
        return [Pair(side * pair.log_ratio, pair.even) for pair in draw.choice(self.batches)]


class Drawing(Protocol):
    """What a lap's pairs of a case come from."""

    def draw_batch(self, draw: random.Random) -> list[Pair]: ...


Pool = Mapping[str, Drawing]
"""By case."""


@contextmanager
def load() -> Iterator[None]:
    """Another process takes a processor, about half of the time."""
    process = subprocess.Popen([sys.executable, "-c", _LOAD])
    try:
        yield
    finally:
        process.kill()
        process.wait()


Plants = Mapping[str, Mapping[str, float]]
"""By case, as strategy and size: what is planted, and how much of it."""


def record(journal: Path, plants: Plants, pairs: int, seed: int, *, decide: bool = False) -> Run:
    """Measure the suite against itself, with these plants in the candidate.

    Args:
        journal: to be written.
        plants: what the candidate has.
        pairs: of each case, or the most of them.
        seed: of the order and of all luck that can be drawn.
        decide: stop where a case is decided, and measure anew what is flagged, as ``ab`` does.
    """
    candidate = SideSpec("planted", env={PLANTED: json.dumps(plants)})
    sides = SidesToCompare(SideSpec("as it is"), candidate)
    request = Request((NAME,), "quick")
    settings = Settings(DUET, seed)
    with (
        open_ab_session(sides, request, settings, [SUITE]) as session,
        Journal.create(journal, session.header) as written,
        Progress(err) as progress,
    ):
        cases = contenders(session.header) if pairs else []
        shared = layout_can_be_shared()
        rule = StoppingRule(
            cases, Tolerance().time, pairs, seed, decide=decide, layout_is_shared=shared
        )
        run_ab(session.header, written, session.pool, progress, rule, Tolerance())
    return read_journal(journal)


def pool_of(run: Run, *, identical: bool) -> Pool:
    """The duets of a run that was not decided early."""
    base, candidate = sides_within(run)
    found = {
        key: Duets.of(case.trials, candidate.cases[key].trials) for key, case in base.cases.items()
    }
    return {
        key: Source(_batches(duets.first), identical)
        for key, duets in found.items()
        if duets is not None
    }


def _batches(pairs: Sequence[Pair]) -> tuple[tuple[Pair, ...], ...]:
    starts = range(0, len(pairs), PAIRS_A_BATCH)
    return tuple(tuple(pairs[start : start + PAIRS_A_BATCH]) for start in starts)


@dataclass(frozen=True)
class Drawn:
    """What a comparison that was drawn has come to."""

    slower: frozenset[str]
    same: int  # cases
    pairs: int  # that it took


def draw_comparison(pools: Pool, draw: random.Random) -> Drawn:
    """One comparison, from the first pair to the verdict.

    Args:
        pools: what each case's duets are drawn from.
        draw: with replacement.
    """
    keys = list(pools)
    tolerance = Tolerance().time
    rule = StoppingRule(range(len(keys)), tolerance, MOST_PAIRS, draw.randrange(2**31))
    for batch in rule.batches():
        for case in batch.rounds[0]:
            source = pools[keys[case]]
            for pair in source.draw_batch(draw):
                rule.note(case, pair, again=batch.again)
    flagged = rule.flagged
    called = {
        keys[case]
        for case in flagged
        for one in (rule.contenders[case],)
        if one.word == "slower"
        and last_word(one.again, one.word, tolerance, len(flagged))[0] == "called"
    }
    pairs = sum(len(one.first) + len(one.again) for one in rule.contenders.values())
    same = sum(one.word == "same" for one in rule.contenders.values())
    return Drawn(frozenset(called), same, pairs)


def false_alarms(identical: Pool, comparisons: int, draw: random.Random) -> tuple[Count, float]:
    """Suites of identical code with any case called slower, and the pairs a case took."""
    count, pairs = Count(of=comparisons), 0
    for _ in range(comparisons):
        drawn = draw_comparison(identical, draw)
        count.found += bool(drawn.slower)
        pairs += drawn.pairs
    return count, pairs / comparisons / len(identical)


def power(
    identical: Pool, planted: Mapping[str, Pool], comparisons: int, draw: random.Random
) -> dict[str, Count]:
    """Of cases with plants among others without, how many are called slower, by amount.

    The last count is of suites in which a case without a plant was.
    """
    counts = {name: Count() for name in planted} | {"other": Count(of=comparisons)}
    for _ in range(comparisons):
        keys = draw.sample(list(identical), PLANTS_A_SUITE * len(planted))
        pools = dict(identical)
        chosen: dict[str, list[str]] = {}
        for index, (name, pool) in enumerate(planted.items()):
            chosen[name] = keys[index * PLANTS_A_SUITE : (index + 1) * PLANTS_A_SUITE]
            pools |= {key: pool[key] for key in chosen[name]}
        slower = draw_comparison(pools, draw).slower
        for name, some in chosen.items():
            counts[name].of += len(some)
            counts[name].found += len(slower & set(some))
        counts["other"].found += bool(slower - set(keys))
    return counts


def real_comparisons(folder: Path, count: int, seed: int) -> dict[str, Count]:
    """Identical code compared from end to end: suites with a case called slower, or heavier."""
    counts = {"slower": Count(of=count), "heavier": Count(of=count)}
    for number in range(count):
        found = _compared(folder / f"real-{seed + number}.jsonl", {}, seed + number)
        for word, counted in counts.items():
            cases = [case.key for case in found.cases if case.word == word]
            counted.found += bool(cases)
            for key in cases:
                err.print(f"false {word} in comparison {number}: {key}")
        err.print(f"{number + 1} of {count} real comparisons are done")
    return counts


def real_plants(folder: Path, count: int, seed: int) -> dict[str, Count]:
    """Slowdowns in some of the cases, compared from end to end: how many are found."""
    counts = {name: Count() for name in PLANTED_SHARES}
    counts["other"] = Count(of=count)
    for number in range(count):
        draw = random.Random(seed + number)
        keys = draw.sample(EVERY_CASE, PLANTS_A_SUITE * len(PLANTED_SHARES))
        names = dict(zip(keys, PLANTS_A_SUITE * list(PLANTED_SHARES), strict=True))
        plants = {key: {"slower": PLANTED_SHARES[name]} for key, name in names.items()}
        found = _compared(folder / f"planted-{seed + number}.jsonl", plants, seed + number)
        slower = {_plain(case.key) for case in found.cases if case.word == "slower"}
        for key, name in names.items():
            counts[name].of += 1
            counts[name].found += key in slower
        counts["other"].found += bool(slower - set(keys))
        err.print(f"{number + 1} of {count} real comparisons with plants are done")
    return counts


def _compared(journal: Path, plants: Plants, seed: int) -> RunComparison:
    run = record(journal, plants, MOST_PAIRS, seed, decide=True)
    return compare(match(*sides_within(run)), Rules(interleaved=True))


def _plain(key: str) -> str:
    """A case's key as plants are named by."""
    return f"{key.partition('/')[2].partition(' ')[0]} {key.rpartition('size=')[2]}"


def memory_plants(folder: Path, runs: int, draw: random.Random) -> tuple[Count, Count]:
    """Planted copies and leaks that are called heavier, and cases without any that are."""
    found, wrong = Count(), Count()
    for number in range(runs):
        names = draw.sample(STRATEGIES, len(STRATEGIES) // 2)
        plants = {
            f"{name} {SMALLEST_FOR_MEMORY}": {draw.choice(("copies", "leaks")): 0.05}
            for name in names
        }
        run = record(folder / f"memory-{number}.jsonl", plants, 0, number)
        for case in compare(match(*sides_within(run)), Rules(interleaved=True)).cases:
            count = found if _plain(case.key) in plants else wrong
            count.of += 1
            count.found += case.word == "heavier"
    return found, wrong


def main() -> None:
    """Record, draw, print."""
    parser = argparse.ArgumentParser(prog="python -m harness.ab.experiment", description=__doc__)
    parser.add_argument("--pairs", type=int, default=40, help="duets of each case and amount")
    parser.add_argument("--comparisons", type=int, default=1000, help="to be drawn; 0: none")
    parser.add_argument("--real", type=int, default=100, help="end to end, of identical code")
    parser.add_argument("--real-plants", type=int, default=10, help="end to end, with slowdowns")
    parser.add_argument("--memory-runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the journals")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ferrybench-gate-") as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with load():
            pools = _recorded(folder, chosen.pairs, chosen.seed) if chosen.comparisons else {}
            memory = memory_plants(folder, chosen.memory_runs, random.Random(chosen.seed))
            real = real_comparisons(folder, chosen.real, chosen.seed)
            plants = real_plants(folder, chosen.real_plants, chosen.seed)
    rows = {
        "end to end, identical code: suites with a false slower": real["slower"],
        "end to end, identical code: suites with a false heavier": real["heavier"],
        **{f"end to end, slower by {name}: found": plants[name] for name in PLANTED_SHARES},
        "end to end, beside those: suites with a false slower": plants["other"],
        "5% more memory, kept or not: found": memory[0],
        "beside those: cases falsely heavier": memory[1],
    }
    if pools:
        rows |= _drawn(pools, chosen.comparisons, random.Random(chosen.seed))
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{len(EVERY_CASE)} cases")
    table.add_column("share, with a 95% interval")
    for name, count in rows.items():
        table.add_row(name, count.text() if count.of else "not measured")
    out.print(table)


def _recorded(folder: Path, pairs: int, seed: int) -> dict[str, Pool]:
    """Duets of identical code, and of each amount planted everywhere."""
    pools = {}
    for name, share in {"identical": 0.0, **PLANTED_SHARES}.items():
        plants = {key: {"slower": share} for key in EVERY_CASE if share}
        run = record(folder / f"{name}.jsonl", plants, pairs, seed)
        pools[name] = pool_of(run, identical=not share)
    return pools


def _drawn(pools: Mapping[str, Pool], comparisons: int, draw: random.Random) -> dict[str, Count]:
    identical = pools["identical"]
    planted = {name: pools[name] for name in PLANTED_SHARES}
    alarms, pairs = false_alarms(identical, comparisons, draw)
    counts = power(identical, planted, comparisons, draw)
    out.print(f"pairs a case took in a comparison of identical code: {pairs:.1f} on average")
    return {
        f"drawn {comparisons} times, identical code: suites with a false slower": alarms,
        **{f"drawn, slower by {name}: found": counts[name] for name in planted},
        "drawn, beside those: suites with a false slower": counts["other"],
    }


if __name__ == "__main__":
    main()
