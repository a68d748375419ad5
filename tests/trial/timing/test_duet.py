"""Two processes that take turns, with clocks that show who worked when."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness.schema.records import Effort
from harness.schema.request import DuetRequest
from harness.trial.timing.clock import Stopwatch
from harness.trial.timing.duet import ALONE, InTurn, meet, paced

BRIEF = Effort(trials=1, steady_s=0.02, min_samples=5, max_samples=8)
PATIENCE_S = 10.0


def both(folder: Path, work: Callable[[InTurn], object]) -> list[object]:
    """Run the two halves of a duet in threads; what each has come to, the leader first."""
    results: list[object] = [None, None]

    def half(index: int) -> None:
        results[index] = work(meet(DuetRequest(str(folder), index == 0, PATIENCE_S)))

    threads = [threading.Thread(target=half, args=(index,)) for index in (1, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * PATIENCE_S)
    return results


def test_samples_alternate_and_there_are_as_many_on_either_side(tmp_path: Path) -> None:
    course: list[bool] = []

    def work(turns: InTurn) -> int:
        taken = 0
        for _ in paced(BRIEF, turns, time.perf_counter_ns):
            course.append(turns.leads)
            time.sleep(0.001)
            taken += 1
        return taken

    first, second = both(tmp_path, work)
    assert first == second == len(course) // 2
    assert course == [True, False] * (len(course) // 2)
    assert BRIEF.min_samples <= len(course) // 2 <= BRIEF.max_samples


def test_a_stopwatch_in_turn_times_its_own_calls_alone(tmp_path: Path) -> None:
    busy = threading.Lock()

    def exclusive() -> None:
        assert busy.acquire(blocking=False), "both halves work at once"
        time.sleep(0.0005)
        busy.release()

    def work(turns: InTurn) -> list[float]:
        return list(Stopwatch(exclusive, ()).steady(BRIEF, turns=turns).samples_ns)

    first, second = both(tmp_path, work)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert len(first) == len(second) >= BRIEF.min_samples


def test_who_loses_the_other_half_ends_with_what_it_has(tmp_path: Path) -> None:
    def work(turns: InTurn) -> int:
        taken = 0
        for _ in paced(BRIEF, turns, time.perf_counter_ns):
            if not turns.leads and taken == 2:
                turns.end()  # as the kernel does for a process that dies
                break
            taken += 1
        return taken

    first, second = both(tmp_path, work)
    assert second == 2
    assert first == 3


def test_nobody_waits_for_a_half_that_will_not_come(tmp_path: Path) -> None:
    for leads in (True, False):
        folder = tmp_path / str(leads)
        folder.mkdir()
        threading.Timer(0.1, shutil.rmtree, [folder]).start()
        turns = meet(DuetRequest(str(folder), leads, patience_s=60.0))
        assert not turns.wait()
        assert Stopwatch(int, ()).steady(BRIEF, turns=turns).samples_ns == ()


def test_alone_it_is_always_ones_turn() -> None:
    assert ALONE.wait()
    assert sum(1 for _ in paced(BRIEF, ALONE, time.perf_counter_ns)) == BRIEF.max_samples
