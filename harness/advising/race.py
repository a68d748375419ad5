"""Which way is fastest: all of them with a little of the data, the best with all of it.

First everyone shows with little data that it works, what memory it takes and about how long. Then
heats: interleaved rounds in which what is clearly slower drops out. The last one is at the full
size where time and memory allow, else at the largest that they do.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.advising.bench import Bench, Reading
from harness.advising.figures import LEAST_FREEDOM, LEVEL, Scatter
from harness.advising.tasks import THE_DATA
from harness.errors import UnableError
from harness.schema.records import TrialKind
from harness.units import format_size, plural

FIRST_BYTES, FIRST_ROWS = 4 * 1024**2, 2048
HEAT_BYTES = 64 * 1024**2
LOOK_SHARE = 0.5
"""Of the time, for the first look."""
HEAT_SHARE = 0.3
"""Of the time that is left after the first look, for the heat before the last."""
HEAT_ROUNDS, LAST_ROUNDS, LEAST_ROUNDS, ENOUGH_ROUNDS = 3, 8, 2, 4
FINALISTS = 3
LOOKS_SLOWER = 4.0
CLEARLY_SLOWER = {1: 2.0, 2: 1.3, 3: 1.15}
"""After the first look, or by rounds: who takes so many times as long as the best drops out."""
TRIAL_S = 0.06
"""What a trial takes at least."""
FREE_SHARE = 0.85
"""Of the free memory, what a trial may take."""
SPARE_S = 1.0
WRITTEN_A_SECOND = 500e6
"""Bytes of a file, where one has to be made."""
ALIKE = 50
SLIGHT_S = 2e-4
"""So much a first time may be off, whatever it is of."""
FEW_S, MEMORY_SHARE = 3.0, 0.25
"""More than a few finalists take this together at most; and of the time left, one more trial each
that finds out memory."""


def near(one_s: float, other_s: float) -> bool:
    """Whether two times are of one kind: microseconds scatter otherwise than seconds."""
    return max(one_s, other_s) < ALIKE * min(one_s, other_s)


@dataclass
class Runner:
    """A strategy in the race.

    Args:
        name: its.
        readings: of all its processes that ended well, as they came.
        failed: why it is out for good; empty where it is not.
        note: why it was not measured at the largest size.
    """

    name: str
    readings: list[Reading] = field(default_factory=list)
    failed: str = ""
    note: str = ""

    def times(self) -> dict[int, list[float]]:
        """Seconds by size."""
        found: dict[int, list[float]] = {}
        for one in self.readings:
            if one.time_s is not None:
                found.setdefault(one.size_bytes, []).append(max(one.time_s, 1e-9))
        return found

    def extras(self) -> dict[int, list[int]]:
        """Growth of memory by size: in trials of their own, or else in those that time."""
        found: dict[int, list[int]] = {}
        for size, readings in self.of_memory().items():
            known = [one.extra_bytes for one in readings if one.extra_bytes is not None]
            if known:
                found[size] = known
        return found

    def of_memory(self) -> dict[int, list[Reading]]:
        """The readings that tell it, by size."""
        found: dict[int, list[Reading]] = {}
        for one in self.readings:
            found.setdefault(one.size_bytes, []).append(one)
        own = {size: [one for one in some if one.time_s is None] for size, some in found.items()}
        return {size: own[size] or some for size, some in found.items()}

    @property
    def known_bytes(self) -> int:
        """The largest size that was timed; 0 where none was."""
        return max(self.times(), default=0)

    @property
    def quick_s(self) -> float:
        """What it takes with the most data that was timed, else when it was first tried."""
        if times := self.times():
            return statistics.median(times[max(times)])
        return min(one.first_s for one in self.readings if one.first_s is not None)

    def trial_s(self, size_bytes: int) -> float:
        """About how long a trial will take at some size."""
        if not self.readings:
            return TRIAL_S
        last = max(self.readings, key=lambda one: one.size_bytes)
        beyond = max(0.0, last.wall_s - TRIAL_S)
        return TRIAL_S + beyond * size_bytes / last.size_bytes

    def extra_bytes(self, size_bytes: int) -> float:
        """About what it will take of memory beside the data."""
        if not (extras := self.extras()):
            return 2.0 * size_bytes
        largest = max(extras)
        return max(extras[largest]) * size_bytes / largest


@dataclass
class Race:
    """All strategies that do the same.

    Args:
        bench: runs trials.
        names: the usual one first.
        free_bytes: memory that trials may take.
        say: told what is going on.
    """

    bench: Bench
    names: Sequence[str]
    free_bytes: float
    say: Callable[[str], None]
    last_bytes: int = field(default=0, init=False)
    rounds: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.runners = [Runner(name) for name in self.names]
        self.usual = self.runners[0]
        self._draw = random.Random(0)

    def run(self, *, batch_size: int) -> None:
        """All of it.

        Raises:
            UnableError: memory is too little for the least that can be looked at.
        """
        full, first = self.bench.data.nbytes, self._first_bytes(batch_size)
        self.say(f"every way, with {format_size(first)}")
        look_s = self.bench.left_s * (1 - LOOK_SHARE)
        for one in self.runners:
            if self.bench.left_s > look_s or one is self.usual:
                self._try(one, first, memory=True, checked=True)
        heat = self._heat_bytes(first, full)
        if heat < full or len(self._in_question()) > FINALISTS + 1:
            self.say(f"a heat with {format_size(heat)}")
            until_s = self.bench.left_s * (1 - HEAT_SHARE)
            self._heat(self._in_question(), heat, HEAT_ROUNDS, until_s)
        while self._last_heat(full):
            pass

    def _first_bytes(self, batch_size: int) -> int:
        """Of the first look: the data so far, and as much again that is made of it, must fit."""
        task, data = self.bench.task, self.bench.data
        allowed = FREE_SHARE * self.free_bytes / 2
        least = data.first((batch_size + 1) * data.row_bytes if task.batches else 0)
        if least > allowed:
            what = plural(min(batch_size if task.batches else 2, data.rows), "row")
            raise UnableError(
                f"{'a batch of ' if task.batches else ''}{what} of {format_size(data.row_bytes)} "
                f"and what is made of them do not fit into {format_size(self.free_bytes)} of memory"
            )
        rows = min(FIRST_ROWS, FIRST_BYTES // max(1, data.row_bytes))
        wanted = rows * data.row_bytes if task.batches else FIRST_BYTES
        return max(least, data.first(min(wanted, allowed)))  # more than one batch

    def _heat_bytes(self, first: int, full: int) -> int:
        size, allowed_s = min(full, HEAT_BYTES), HEAT_SHARE * self.bench.left_s
        while size > first and self._round_s(self._in_question(), size) * 3 > allowed_s:
            size = self.bench.data.first(size // 2)
        return max(size, first)

    @staticmethod
    def _round_s(runners: Sequence[Runner], size_bytes: int) -> float:
        return sum(one.trial_s(size_bytes) for one in runners)

    def _running(self) -> list[Runner]:
        return [one for one in self.runners if not one.failed and one.readings]

    def _in_question(self) -> list[Runner]:
        """Who may still be best, the best first; and the usual one."""
        running = self._running()
        if not running:
            return []
        most = max(one.known_bytes for one in running)
        with_most = [one for one in running if one.known_bytes == most]
        slower = CLEARLY_SLOWER[1] if any(one.times() for one in with_most) else LOOKS_SLOWER
        slower_s = slower * min(one.quick_s for one in with_most) + SLIGHT_S
        keep = [one for one in running if one is self.usual or one.quick_s <= slower_s]
        return sorted((one for one in keep if one.known_bytes == most), key=lambda one: one.quick_s)

    def _try(
        self, one: Runner, size_bytes: int, *, memory: bool = False, checked: bool = False
    ) -> None:
        kind: TrialKind = "memory" if memory else "time"
        reading = self.bench.run(one.name, size_bytes, kind, self.rounds, checked=checked)
        if reading.outcome.ok:
            one.readings.append(reading)
        elif one.readings and reading.outcome.name in ("timeout", "oom", "crash", "skipped"):
            one.note = f"{reading.outcome.name} with {format_size(size_bytes)}"
        else:
            one.failed = f"{reading.outcome.name}: {reading.outcome.reason}"

    def _heat(self, runners: list[Runner], size: int, rounds: int, until_s: float) -> None:
        """Rounds in which everyone is tried once; ends when only ``until_s`` are left."""
        for number in range(1, rounds + 1):
            if number > 1 and self.bench.left_s - self._round_s(runners, size) < until_s:
                return
            self.rounds += 1
            order = sorted(runners, key=lambda one: (one is not self.usual, one.quick_s))
            if number > 1:
                self._draw.shuffle(order)
            for one in order:
                if not one.note and self.bench.left_s > one.trial_s(size):
                    self._try(one, size)
            runners = self._left(runners, size, number)
            if not runners or self._decided(runners, size, number):
                return

    def _left(self, runners: list[Runner], size: int, number: int) -> list[Runner]:
        times = {one.name: one.times().get(size, []) for one in runners if not one.failed}
        known = {name: statistics.median(some) for name, some in times.items() if some}
        if not known:
            return []
        bar = min(known.values()) * CLEARLY_SLOWER.get(number, min(CLEARLY_SLOWER.values()))
        return [
            one
            for one in runners
            if one.name in known and not one.note and (one is self.usual or known[one.name] <= bar)
        ]

    def _decided(self, runners: list[Runner], size: int, number: int) -> bool:
        """Whether more rounds would change nothing: each is slower than the best, or level."""
        if number < ENOUGH_ROUNDS:
            return False
        all_times = [times for one in runners if (times := one.times().get(size))]
        best = min(all_times, key=statistics.median)
        scatter = self.scatter(statistics.median(best))
        bounds = [scatter.ratio(times, best) for times in all_times if times is not best]
        return all(low > 1 + LEVEL or high < 1 + LEVEL for _, low, high in bounds)

    def scatter(self, of_s: float) -> Scatter:
        """How far processes of one strategy and size lie apart that take about so long; where there
        are too few of these, of all.
        """
        all_times = [some for one in self.runners for some in one.times().values()]
        alike = Scatter.of(some for some in all_times if near(statistics.median(some), of_s))
        return alike if alike.freedom >= LEAST_FREEDOM else Scatter.of(all_times)

    def _last_heat(self, full: int) -> bool:
        """With all of the data, if there is time; with less, if not, and then again with more.

        Returns whether there may be a further one.
        """
        in_question = self._in_question()
        if not in_question:
            return False
        others = [one for one in in_question if one is not self.usual]
        finalists = others if self._round_s(others, full) * LAST_ROUNDS < FEW_S else []
        finalists = finalists or others[:FINALISTS]
        if self.usual in in_question:
            finalists = self._with_usual(finalists, in_question, full)
        finalists.sort(key=lambda one: one.quick_s)
        # Of rivals that are as near as that, it is better to know one well than none.
        while len(finalists) > 1 and self._last_size(finalists, full) < full:
            if self._last_size(finalists[:1], full) < full:
                break
            finalists = finalists[:-1]
        if self.usual not in finalists:
            self.usual.note = self.usual.note or "too slow to be measured with more"
        size = self._last_size(finalists, full)
        if size <= self.last_bytes:
            return False
        self.last_bytes = size
        self.say(f"the best {len(finalists)}, with {format_size(size)}")
        if self._round_s(finalists, size) < MEMORY_SHARE * self.bench.left_s:
            for one in finalists:
                if size not in one.extras():
                    self._try(one, size, memory=True)
        self._heat(finalists, size, LAST_ROUNDS if size == full else HEAT_ROUNDS, SPARE_S)
        return size < full

    def _with_usual(self, finalists: list[Runner], all_: list[Runner], full: int) -> list[Runner]:
        """The usual one races too, unless it takes the time that the others need."""
        others_s = self._round_s(finalists, full)
        usual_s = self.usual.trial_s(full)
        there_is = self.bench.left_s - SPARE_S > LEAST_ROUNDS * (others_s + usual_s)
        if there_is or not finalists:
            return [*finalists, self.usual]
        near = all_[:FINALISTS]
        if self.usual in near and self.usual.quick_s < CLEARLY_SLOWER[2] * near[0].quick_s:
            return near
        if self.bench.left_s - SPARE_S > LEAST_ROUNDS * self._round_s(
            [*finalists[:1], self.usual], full
        ):
            return [*finalists[:1], self.usual]
        return finalists

    def _last_size(self, finalists: Sequence[Runner], full: int) -> int:
        """The largest, by halves, that time and memory allow."""
        size = full
        least = max(reading.size_bytes for one in finalists for reading in one.readings)
        while size > least:
            spent_s = LEAST_ROUNDS * self._round_s(finalists, size)
            if self.bench.task.writes(self.bench.data, size):
                spent_s += size / WRITTEN_A_SECOND
            needed = max(self._needed_bytes(one, size) for one in finalists)
            if spent_s <= self.bench.left_s - SPARE_S and needed <= FREE_SHARE * self.free_bytes:
                return size
            size = self.bench.data.first(size // 2)
        return math.floor(min(least, full))

    def _needed_bytes(self, one: Runner, size: int) -> float:
        """What a trial takes of memory; of a file that is read, too, if only of the page cache."""
        data = self.bench.data
        held = self.bench.task.held(data, one.name)
        beside = sum(some for name, some in held.items() if name != THE_DATA)
        return size + beside * size / data.nbytes + one.extra_bytes(size)
