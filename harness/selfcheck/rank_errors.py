"""How often is the slow rank named, a killed one, and how near is the memory of all ranks?

``python -m harness.selfcheck.rank_errors -o FILE [--slow 20] [--kills 50] [--memory 6]`` launches
planted ranks by torchrun: as many with one that takes twice as long for every sample, as many where
none does, as many of which one rank is killed at a random instant, and as many that hold a known
size, with and without workers. What FILE has already is not measured again. Exits with 1 where a
slow rank is missed, one is named though none is, a killed rank is not named, anything is left
behind, or memory is off by more than 3%.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from harness.cases.parts.ranks import ranks_of
from harness.console import out
from harness.errors import EXIT_OK, EXIT_WORSE
from harness.host.host import Host
from harness.schema.records import Found, HostSpec, Trial, TrialKind, Value
from harness.selfcheck.count import Count
from harness.selfcheck.planted import TRUTHS_FILE, Planted, planted
from harness.units import MIB

FILE = TRUTHS_FILE.with_name("ranks.py")
FAULTY = 1
HELD_BYTES = 64 * MIB
WORKERS = (0, 1, 2)
TOLERATED = 0.03
MOST_WAIT_S = 8.0
"""From when ranks are there until one is killed: they import torch, load, and drive epochs."""
_PATIENCE_S = 60.0
_NAP_S = 0.01
Row = dict[str, Any]


def launched(
    planting: Planted, strategy: str, kind: TrialKind = "time", **changed: Value
) -> tuple[Found | None, str]:
    """What a launch of two planted ranks has found, or why it has found nothing."""
    point: dict[str, Value] = {"size": MIB, "ranks": 2, "num_workers": 0, "nap_ms": 1.0}
    parameters = {**point, "where": "batch", **changed}
    found, _, problem = planting.trial("planted_ranks", strategy, parameters, kind=kind, file=FILE)
    return found, problem


def slow(planting: Planted, strategy: str) -> Row:
    """Whether a slow rank was named, and which."""
    found, problem = launched(planting, strategy)
    ranks = ranks_of([Trial(case=0, kind="time", round=1, **vars(found))]) if found else None
    if ranks is None:
        return {"problem": problem or "nothing was timed"}
    return {"named": ranks.slowest if ranks.is_slow else None, "skew": ranks.skew.median}


def kill(planting: Planted, draw: random.Random) -> Row:
    """Whether a rank that is killed at a random instant is named, and what is left of all."""
    before = {one.pid for one in _processes()}
    killed: list[int] = []

    def kill_one() -> None:
        ranks = _wait_for_ranks(before)
        time.sleep(draw.uniform(0.0, MOST_WAIT_S))
        alive = [one for one in ranks if one.is_running()]
        if alive:
            victim = draw.choice(alive)
            killed.append(_rank_of(victim))
            victim.kill()

    thread = threading.Thread(target=kill_one)
    thread.start()
    found, problem = launched(planting, "slow", nap_ms=3.0)
    thread.join()
    left = [one.pid for one in _processes() if one.pid not in before and is_rank(one)]
    said = found.outcome.reason if found else problem
    return {"killed": killed, "said": said, "left": len(left)}


def _processes() -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def is_rank(process: psutil.Process) -> bool:
    """Whether torchrun has started a process as a rank of ours; not once it has ended."""
    try:
        return "rank" in process.cmdline()[-3:]
    except psutil.Error:
        return False


def _rank_of(process: psutil.Process) -> int:
    try:
        return int(process.environ().get("RANK", -1))
    except psutil.Error:
        return -1


def _wait_for_ranks(before: set[int]) -> list[psutil.Process]:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        ranks = [one for one in _processes() if one.pid not in before and is_rank(one)]
        if len(ranks) > FAULTY:
            return ranks
        time.sleep(_NAP_S)
    return []


def memory(planting: Planted, workers: int) -> Row:
    """What two ranks and their workers hold, against what they were told to."""
    grown = []
    for size in (HELD_BYTES, 4096):
        found, problem = launched(planting, "holds", "tree", size=size, num_workers=workers)
        if found is None or found.tree is None:
            return {"problem": problem}
        grown.append(found.tree.idle.own_bytes)
    truth = HELD_BYTES * 2 * (1 + workers / 2)
    return {"workers": workers, "share": (grown[0] - grown[1]) / truth - 1}


def rows(planting: Planted, wanted: Sequence[tuple[str, int]], seed: int) -> Iterator[Row]:
    """Each experiment, in an order in which the kinds take turns."""
    for kind, number in wanted:
        draw = random.Random(f"{seed}/{kind}/{number}")
        if kind in ("slow", "even"):
            found = slow(planting, kind)
        elif kind == "kill":
            found = kill(planting, draw)
        else:
            found = memory(planting, WORKERS[number % len(WORKERS)])
        yield {"kind": kind, "number": number, **found}


def failures(done: Sequence[Row]) -> int:
    """Say what was found, and count what should not be."""
    named, alarms, kills, near = Count(), Count(), Count(), Count()
    left = 0
    for row in done:
        if row["kind"] == "slow":
            _count(named, row.get("named") == FAULTY)
        elif row["kind"] == "even":
            _count(alarms, row.get("named") is not None)
        elif row["kind"] == "kill" and row["killed"]:
            _count(kills, row["said"].startswith(f"rank {row['killed'][0]} was killed"))
            left += row["left"]
        elif row["kind"] == "memory":
            _count(near, abs(row.get("share", 1.0)) <= TOLERATED)
    for label, count in (
        ("slow ranks named", named),
        ("named where none is slow", alarms),
        ("killed ranks named", kills),
        ("sums of PSS within 3%", near),
    ):
        if count.of:
            out.print(f"{label}: {count.text()}")
    out.print(f"processes left behind: {left}")
    missed = sum(count.of - count.found for count in (named, kills, near))
    return missed + alarms.found + left


def _count(count: Count, found: bool) -> None:
    count.of += 1
    count.found += found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what FILE lacks, and judge all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--memory", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    counts = {"slow": asked.slow, "even": asked.slow, "kill": asked.kills, "memory": asked.memory}
    wanted = [
        (kind, number)
        for number in range(max(counts.values()))
        for kind, count in counts.items()
        if number < count
    ]
    text = asked.output.read_text() if asked.output.exists() else ""
    done = [json.loads(line) for line in text.splitlines()]
    known = {(row["kind"], row["number"]) for row in done}
    missing = [one for one in wanted if one not in known]
    with Host(HostSpec(), [FILE]) as host, planted(host) as planting:
        for row in rows(planting, missing, asked.seed):
            with asked.output.open("a") as file:
                file.write(json.dumps(row) + "\n")
            done.append(row)
    return EXIT_WORSE if failures(done) else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
