"""Real launches of torchrun: times, coverage and memory of ranks, and how they fail."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.cases.parts.ranks import ranks_of
from harness.host.answers import answer_as
from harness.host.host import Host
from harness.schema.records import Effort, Found, HostSpec, Outcome, Trial, TrialKind, Value
from harness.selfcheck.planted import TRUTHS_FILE
from harness.selfcheck.rank_errors import is_rank
from harness.trial.ranks.board import BUILT, READY, Board
from harness.trial.ranks.files import first_failure, write_failure
from harness.trial.ranks.launch import Launch, RankError
from tests.lab import Lab

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="ranks are watched on Linux only"
)
MIB = 1024**2
PLANTED = TRUTHS_FILE.with_name("ranks.py")
SCENARIO = Path(__file__).parents[2] / "scenarios" / "rank_memory.py"
PATIENT = Effort(trials=1, steady_s=0.01, timeout_s=240.0)
"""A launch imports torch in every rank, which takes long on a busy machine."""
CLOSE = 0.03
ROWS = 257
ROUNDING_S = 1e-9  # of differences between readings of one clock


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(HostSpec(), [PLANTED, SCENARIO]) as host:
        host.preload_scenarios()
        yield host


@pytest.fixture(scope="module")
def lab(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(host, tmp_path_factory.mktemp("planted"), PLANTED, "planted_ranks")


def point(**changed: Value) -> dict[str, Any]:
    usual: dict[str, Any] = {"size": MIB, "ranks": 2, "num_workers": 0, "nap_ms": 1.0}
    return {**usual, "where": "batch", **changed}


def launched(
    lab: Lab, strategy: str, kind: TrialKind = "time", effort: Effort = PATIENT, **changed: Value
) -> Found:
    report = lab.measure(
        strategy,
        kind=kind,
        timeout_s=effort.timeout_s,
        observe="tree" if kind == "tree" else "",
        effort=effort,
        **point(**changed),
    )
    assert report.answer is not None, report.stderr
    assert report.reaped == 0
    return answer_as(Found, report.answer)


def as_trial(found: Found) -> Trial:
    return Trial(case=0, kind="time", round=1, **vars(found))


def left_behind(before: set[int]) -> list[str]:
    """Processes of launches that are still there, and files of torch's in shared memory."""
    own = psutil.Process().children(recursive=True)
    found = [str(one) for one in own if one.pid not in before and is_rank(one)]
    return found + [path.name for path in Path("/dev/shm").glob("torch_*_samples.npy")]


def test_ranks_are_timed_each_and_together_and_padding_is_named(lab: Lab) -> None:
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    found = launched(lab, "sound")
    assert found.outcome == Outcome("ok")
    ranks, loading, timing = found.ranks, found.loading, found.timing
    assert ranks is not None
    assert loading is not None
    assert timing is not None
    assert (ranks.backend, len(ranks.ranks)) == ("gloo", 2)
    # 257 samples for 2 ranks: 129 each, of which one comes twice.
    assert (ranks.rows, ranks.missing, ranks.repeated) == (ROWS, 0, 1)
    assert "1 of 257 samples once more" in found.result
    assert [rank.samples for rank in ranks.ranks] == [129, 129]
    assert (loading.samples, loading.batches) == (258, 2 * 17)
    for index, whole_s in enumerate(timing.samples_s):
        for rank in ranks.ranks:
            assert 0 < rank.waits_s[index] <= rank.epochs_s[index] <= whole_s + ROUNDING_S
    assert all(0 < rank.built_s < rank.first_batch_s for rank in ranks.ranks)
    assert left_behind(before) == []


def test_a_rank_that_fails_first_is_named_and_not_those_that_it_took_along(tmp_path: Path) -> None:
    write_failure(tmp_path, 2, Outcome("error", "ValueError: mine"))
    time.sleep(0.002)
    write_failure(tmp_path, 0, Outcome("error", "RuntimeError: a peer is gone"))
    assert first_failure(tmp_path) == (2, Outcome("error", "ValueError: mine"))


def watching(folder: Path, board: Board, patience_s: float = 60.0) -> Launch:
    """A launch whose torchrun sleeps."""
    agent = os.fork()
    if not agent:
        time.sleep(60)
        os._exit(0)
    return Launch(folder, board, agent, patience_s, time.monotonic() + 60)


def test_a_rank_that_is_killed_is_named_though_others_say_more(tmp_path: Path) -> None:
    board = Board.create(tmp_path / "board", 3)
    launch = watching(tmp_path, board)
    pids = []
    for rank in range(3):
        pid = os.fork()
        if not pid:
            time.sleep(60)
            os._exit(0)
        pids.append(pid)
        board.begin(rank, pid)
        board.reach(rank, BUILT)
        board.begin_epoch(rank, 4)
    try:
        os.kill(pids[1], signal.SIGKILL)
        write_failure(tmp_path, 0, Outcome("error", "RuntimeError: a peer is gone"))
        os.kill(pids[2], signal.SIGTERM)  # as torchrun then does
        with pytest.raises(RankError, match="rank 1 was killed by SIGKILL while fetching batches"):
            launch.until(BUILT + 1)
    finally:
        for pid in (*pids, launch.agent):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def test_of_ranks_that_stand_still_the_one_that_nobody_waits_in_is_named(tmp_path: Path) -> None:
    board = Board.create(tmp_path / "board", 3)
    launch = watching(tmp_path, board, patience_s=0.2)
    for rank in range(3):
        board.reach(rank, READY)
        board.reach(rank, BUILT)
        board.begin_epoch(rank, 5)
    waiting = [
        threading.Thread(target=board.meet, args=(rank, threading.Event().wait), daemon=True)
        for rank in (0, 2)
    ]
    for one in waiting:
        one.start()
    try:
        with pytest.raises(RankError, match=r"rank 1 did nothing .* fetching .* epoch 5"):
            launch.until(BUILT + 1)
    finally:
        os.kill(launch.agent, signal.SIGKILL)
        os.waitpid(launch.agent, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "where", "name", "said"),
    [
        ("dies", "build", "crash", "rank 1 was killed by SIGKILL while loading"),
        ("dies", "batch", "crash", "rank 1 was killed by SIGKILL while fetching batches"),
        ("dies", "worker", "error", "rank 1: "),
        ("raises", "batch", "error", "rank 1: ValueError: no sample"),
        ("wrong", "batch", "wrong", "rank 1: "),
        ("first_half_twice", "batch", "wrong", "128 of 257 samples were given to no rank"),
    ],
)
def test_what_fails_is_an_outcome_with_its_rank(
    lab: Lab, strategy: str, where: str, name: str, said: str
) -> None:
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    outcome = launched(lab, strategy, where=where).outcome
    assert outcome.name == name
    assert outcome.reason.startswith(said)
    assert left_behind(before) == []


@pytest.mark.slow
def test_a_rank_that_hangs_is_named(lab: Lab) -> None:
    outcome = launched(lab, "hangs", effort=Effort(1, 0.01, timeout_s=60.0)).outcome
    assert outcome.name == "timeout"
    assert outcome.reason.startswith("rank 1 did nothing for ")


@pytest.mark.slow
def test_a_slow_rank_is_found_and_where_none_is_none(lab: Lab) -> None:
    slow = ranks_of([as_trial(launched(lab, "slow"))])
    assert slow is not None
    assert (slow.slowest, slow.is_slow) == (1, True)
    assert 1.1 < slow.skew.low <= slow.skew.median < 1.5  # 2 of (1 + 2) / 2 is 1.33
    even = ranks_of([as_trial(launched(lab, "even"))])
    assert even is not None
    assert even.is_slow is False


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2])
def test_memory_of_all_ranks_and_workers_is_what_they_took(lab: Lab, workers: int) -> None:
    """64 MiB in either rank, and half of it in each of its workers; less what nothing takes."""
    grown = []
    for size in (64 * MIB, 4096):
        found = launched(lab, "holds", "tree", size=size, num_workers=workers)
        assert found.outcome == Outcome("ok")
        assert found.tree is not None
        assert found.tree.idle.processes == 2 + 2 * (1 + workers)  # with the trial, and torchrun
        grown.append(found.tree.idle.own_bytes)
    truth = 64 * MIB * 2 * (1 + workers / 2)
    assert abs(grown[0] - grown[1] - truth) < CLOSE * truth


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy",
    ["rank_0_shares", "file_in_shared_memory", "rank_0_scatters", "part_in_rank"],
)
def test_strategies_give_every_sample_to_some_rank(
    host: Host, tmp_path: Path, strategy: str
) -> None:
    lab = Lab(host, tmp_path, SCENARIO, "rank_memory")
    report = lab.measure(
        strategy, kind="time", timeout_s=120.0, effort=PATIENT,
        size=MIB + 2048, ranks=2, num_workers=1,
    )  # fmt: skip
    assert report.answer is not None
    found = answer_as(Found, report.answer)
    assert found.outcome == Outcome("ok")
    assert found.ranks is not None
    assert found.ranks.missing == 0
    # 513 samples: a sampler fills up, and so does scattering; whoever takes a part does not.
    assert found.ranks.repeated == (0 if strategy == "part_in_rank" else 1)
    assert left_behind(set()) == []


@pytest.mark.slow
def test_a_rank_killed_at_any_moment_leaves_nothing(lab: Lab) -> None:
    draw, before = random.Random(1), {one.pid for one in psutil.Process().children(recursive=True)}
    killed: list[int] = []

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ranks = [
                one
                for one in psutil.Process().children(recursive=True)
                if one.pid not in before and is_rank(one)
            ]
            if len(ranks) >= 2:
                time.sleep(draw.uniform(0, 2))
                victim = draw.choice(ranks)
                killed.append(victim.pid)
                victim.kill()
                return
            time.sleep(0.01)

    thread = threading.Thread(target=kill_one)
    thread.start()
    found = launched(lab, "slow", nap_ms=3.0)
    thread.join()
    assert killed
    assert found.outcome.name == "crash", found.outcome
    assert "was killed by SIGKILL" in found.outcome.reason
    assert left_behind(before) == []
