"""How good ``advise`` is: ``python -m harness.selfcheck.advice -o advice.jsonl``.

Ten shapes that no sweep has, up to 2 GiB. Of each: the advice; then every way that does the same,
with all of the data, in interleaved rounds of fresh processes. What the advised way takes more than
the best is its regret. The best of many looks better than it is: every other round says which it
is, and the rounds between how much better. Then the printed code runs by itself, in an interpreter
that knows nothing of this, for the highest memory of its process.

Every shape is a line of the file, and what is there already is not measured again: stop it and go
on at any time. It is to take a quarter of an hour on two quiet processors; ``--small`` takes shapes
of some megabytes, to see that it works.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.advising.advice import Advice, Way
from harness.advising.bench import OWN, Bench
from harness.advising.code import code_of
from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.advising.session import advise
from harness.advising.tasks import TASKS
from harness.console import err, out
from harness.errors import FerrybenchError
from harness.host.host import Host
from harness.schema.records import HostSpec
from harness.selfcheck.count import Count
from harness.units import format_seconds, format_size

LONGEST_S = 30.0
NEAR = 0.05
NEGLIGIBLE_S = 1e-5
"""So little is not lost, whatever share it is: calls that only share take microseconds."""
ROUNDS = 6
NEAR_FACTOR = 1.5
"""After a first round, who takes so many times as long as the best is not tried again."""
HARDEST_S = 60.0
"""Of all rounds after the first."""
FIRST_S, STARTING_S, PATIENCE = 20.0, 10.0, 15
"""What a trial may take: three epochs or calls at least, after its data is there."""
HIGHEST = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) * 1024)
"""
Line = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One question of the ten."""

    task: str
    shape: str
    dtype: str
    goal: Goal = field(default_factory=Goal)
    small: str = ""  # the shape in a trial of this experiment

    @property
    def key(self) -> str:
        need = f" {self.goal.need}" if self.goal.need else ""
        order = " shuffled" if self.goal.shuffle else ""
        return f"{self.task}{need}{order} {self.dtype} {self.shape}"


ASKED = (
    Asked("to-tensor", "1500,700,3", "float32", Goal(), "300,70,3"),
    Asked("to-tensor", "30000,18000", "float32", Goal(need="copy"), "3000,1800"),
    Asked("to-tensor", "41,1234567", "uint8", Goal(need="copy"), "41,123457"),
    Asked(
        "to-loader", "13500,3,230,230", "uint8", Goal(batch_size=256, shuffle=True), "300,3,23,23",
    ),
    Asked("to-loader", "210000,300", "float32", Goal(batch_size=100, shuffle=True), "2100,300"),
    Asked(
        "to-loader", "90000,77", "float64",
        Goal(need="dataloader", batch_size=48, shuffle=True), "9000,77",
    ),
    Asked("to-loader", "7000,33000", "float32", Goal(batch_size=130), "700,3300"),
    Asked("from-loader", "50000,1100", "float32", Goal(batch_size=90), "5000,110"),
    Asked("train-from-file", "60000,5000", "uint8", Goal(batch_size=200, shuffle=True), "6000,500"),
    Asked("train-from-file", "25000,6000", "float32", Goal(batch_size=70), "2500,600"),
)  # fmt: skip


def asked(question: Asked, shape: str) -> tuple[Data, Advice]:
    data = Data.of(shape=shape, dtype=question.dtype, rows=TASKS[question.task].rows)
    return data, advise(TASKS[question.task], data, question.goal)


def measure(question: Asked, shape: str) -> Line:
    """The advice, and what is true."""
    data, found = asked(question, shape)
    with Host(HostSpec(), [OWN]) as host:
        host.preload_scenarios()
        parameters = dict(found.parameters)
        with Bench(host, found.task, data, parameters, time.monotonic() + 3600) as bench:
            names = [one.name for one in found.ways if not one.failed]
            names.sort(key=lambda name: name != (found.chosen.name if found.chosen else ""))
            truth = Truth(bench, names, {one.name for one in _told(found)})
            truth.find()
            bench.deadline = time.monotonic() + 3600
            peaks = [_peak_by_trial(found, bench, way) for way in _told(found)]
    by_code = [_peak_by_code(found, way) for way in _told(found)]
    return {
        "bytes": data.nbytes,
        "took_s": found.took_s,
        "verdict": found.verdict,
        "chosen": found.chosen.name if found.chosen else None,
        "level": list(found.level),
        "way": found.way.name if found.way else None,
        "times_s": truth.times_s,
        "said": {one.name: _said(one) for one in _told(found)},
        "peaks": {one.name: peak for one, peak in zip(_told(found), peaks, strict=True)},
        "peaks_by_code": {one.name: peak for one, peak in zip(_told(found), by_code, strict=True)},
        "held_in_file": not found.task.holds,
        **_regret(found.chosen.name if found.chosen else "", truth.times_s),
    }


def _told(found: Advice) -> list[Way]:
    """The ways of which time and peak are stated as the answer."""
    ways = [one for one in (found.chosen, found.usual) if one is not None and one.time is not None]
    return list({one.name: one for one in ways}.values())


def _said(way: Way) -> Line:
    figures = {"time": way.time, "peak": way.peak}
    return {
        name: [one.low, one.value, one.high, one.extrapolated]
        for name, one in figures.items()
        if one is not None
    }


@dataclass
class Truth:
    """Every way with all of the data, round after round.

    Args:
        bench: runs trials.
        names: of the ways, the one that should be best first: the others have as long as would
            show that they are as fast, and some more.
        told: those of which the advice states a time, and which run in every round.
    """

    bench: Bench
    names: Sequence[str]
    told: Collection[str]
    times_s: dict[str, list[float]] = field(default_factory=dict)

    def find(self) -> None:
        """A round of all of them, and more of those that may be best."""
        self._round(self.names, 0)
        if not self.times_s:
            return
        began = time.monotonic()
        for number in range(1, ROUNDS):
            if time.monotonic() - began > HARDEST_S:
                return
            best = min(map(min, self.times_s.values()))
            near = [
                name
                for name, some in self.times_s.items()
                if name in self.told or min(some) < NEAR_FACTOR * best + NEGLIGIBLE_S
            ]
            self._round(near, number)

    def _round(self, names: Sequence[str], number: int) -> None:
        turn = number % max(1, len(names))
        for name in [*names[turn:], *names[:turn]]:
            best = min((min(some) for some in self.times_s.values()), default=FIRST_S)
            allowed_s = STARTING_S + PATIENCE * best
            self.bench.deadline = time.monotonic() + allowed_s
            reading = self.bench.run(name, self.bench.data.nbytes, "time", 100 + number)
            if reading.outcome.ok and reading.time_s is not None:
                self.times_s.setdefault(name, []).append(reading.time_s)


def _regret(chosen: str, times_s: Mapping[str, Sequence[float]]) -> Line:
    """How much more the chosen one takes; halves of the rounds, each choosing for the other."""
    rounds = len(times_s.get(chosen, ()))
    if rounds < 2:
        return {"regret": None, "best": None}
    shares, losses, best = [], [], ""
    for first in (0, 1):
        choosing = {name: some[first::2] for name, some in times_s.items() if len(some) == rounds}
        telling = {name: some[1 - first :: 2] for name, some in times_s.items()}
        best = min(choosing, key=lambda name: statistics.median(choosing[name]))
        own, other = (statistics.median(telling[name]) for name in (chosen, best))
        shares.append(own / other - 1)
        losses.append(own - other)
    return {"regret": statistics.fmean(shares), "lost_s": statistics.fmean(losses), "best": best}


def _peak_by_trial(found: Advice, bench: Bench, way: Way) -> float | None:
    """By another process of the harness."""
    reading = bench.run(way.name, bench.data.nbytes, "memory", 99)
    if reading.extra_bytes is None:
        return None
    held = found.data.nbytes if found.task.holds else 0
    return found.base_bytes + held + reading.extra_bytes


def _peak_by_code(found: Advice, way: Way) -> int | None:
    """By the code that is printed, as a script; None where pages of files would count, too."""
    if not found.task.holds:
        return None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "code.py")
        script.write_text(code_of(found, way) + HIGHEST)
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, cwd=folder, check=False
        )
    return int(done.stdout) if not done.returncode else None


def summary(lines: Sequence[Line]) -> Iterator[str]:
    """A line on each shape, and what they come to."""
    near, inside_time, inside_peak, soon = Count(), Count(), Count(), Count()
    for line in lines:
        if "failed" in line:
            yield f"{line['key']}: {line['failed']}"
            continue
        is_near = line["regret"] is not None and (
            line["regret"] <= NEAR or line["lost_s"] <= NEGLIGIBLE_S
        )
        _count(near, right=is_near)
        _count(soon, right=line["took_s"] <= LONGEST_S)
        regret = "not known" if line["regret"] is None else f"{line['regret']:+.1%}"
        yield f"{line['key']}, {format_size(line['bytes'])}, in {line['took_s']:.0f} s"
        yield f"  {line['verdict']}: {line['chosen']}; best {line['best']}, regret {regret}"
        yield f"  times {_inside_time(line, inside_time)}; peaks {_inside_peak(line, inside_peak)}"
    for what, count in (
        (f"within {NEAR:.0%} of the best", near),
        ("times inside their intervals", inside_time),
        ("peaks inside their intervals", inside_peak),
        (f"within {LONGEST_S:g} s", soon),
    ):
        yield f"{what}: {count.text() if count.of else 'nothing'}"


def _count(count: Count, *, right: bool) -> None:
    count.found += right
    count.of += 1


def _inside_time(line: Line, count: Count) -> str:
    words = []
    for name, said in line["said"].items():
        if name in line["times_s"] and "time" in said:
            true_s = statistics.median(line["times_s"][name])
            low, _, high, _ = said["time"]
            _count(count, right=low <= true_s <= high)
            words.append(format_seconds(true_s) + ("" if low <= true_s <= high else " (outside)"))
    return ", ".join(words)


def _inside_peak(line: Line, count: Count) -> str:
    """By the printed code, where that tells it."""
    words = []
    for name, said in line["said"].items():
        true = line["peaks_by_code"].get(name) or line["peaks"].get(name)
        if true is not None and "peak" in said:
            low, _, high, _ = said["peak"]
            _count(count, right=low <= true <= high)
            words.append(format_size(true) + ("" if low <= true <= high else " (outside)"))
    return ", ".join(words)


def main() -> None:
    """Measure what is missing, and print what is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-o", "--output", type=Path, default=Path("advice.jsonl"))
    parser.add_argument("--small", action="store_true", help="shapes of some megabytes")
    parser.add_argument(
        "--most", type=int, default=len(ASKED), help="of the ten, the first so many"
    )
    options = parser.parse_args()
    known = options.output.read_text().splitlines() if options.output.exists() else []
    lines = [json.loads(line) for line in known]
    for question in ASKED[: options.most]:
        shape = question.small if options.small else question.shape
        key = f"{question.key}{f' as {shape}' if options.small else ''}"
        if any(line["key"] == key for line in lines):
            continue
        err.print(key)
        try:
            line = {"key": key, **measure(question, shape)}
        except FerrybenchError as error:
            line = {"key": key, "failed": str(error)}
        lines.append(line)
        with options.output.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
    out.print("\n".join(summary(lines)), soft_wrap=True)


if __name__ == "__main__":
    main()
