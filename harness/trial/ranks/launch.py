"""One launch by torchrun: started, watched until every rank has reached a stage, and ended.

torchrun is PyTorch's own command, called in a process of its own that has torch already; ranks are
new interpreters. It finds a free port by itself (--standalone), on the loopback device. Nothing of
it outlives the trial: its process dies with the trial, and ranks die with theirs.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.schema.records import Outcome
from harness.trial.base import process
from harness.trial.base.outcomes import one_line
from harness.trial.ranks.board import DONE, Board
from harness.trial.ranks.files import (
    BOARD,
    RankTask,
    failure_of,
    first_failure,
    write_task,
)

BOOTSTRAP = Path(__file__).resolve().parents[1] / "bootstrap.py"
LOG = "torchrun.log"
_NAP_S = 0.005
_LATE_S = 0.3
"""A process that is killed closes its sockets, which others see, before it is seen to end."""
_PARTING_S = 20.0
_LAST_WORDS = 300
_EXIT_CODE = 51 - 2  # exit_code is field 52 of proc_pid_stat(5); the first two end with the name


class RankError(Exception):
    """A rank ended, failed or stood still; its outcome says which, and doing what."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@dataclass
class Launch:
    """Ranks that are running.

    Args:
        folder: where they tell what they find.
        board: and how far they are.
        agent: torchrun's process.
        patience_s: how long all may stand still.
        deadline_s: when all must be over, by the monotonic clock.
    """

    folder: Path
    board: Board
    agent: int
    patience_s: float
    deadline_s: float
    _status: int | None = None  # how torchrun ended, as wait(2) says it

    def until(self, stage: int) -> None:
        """Wait until every rank has reached a stage.

        Raises:
            RankError: one did not.
        """
        moved, seen = time.monotonic(), self.board.progress()
        while not self.board.all_at(stage):
            self._refuse_failures()
            now, progress = time.monotonic(), self.board.progress()
            if progress != seen:
                moved, seen = now, progress
            started = all(self.board.stage(rank) for rank in range(self.board.ranks))
            if now > self.deadline_s or (started and now - moved > self.patience_s):
                raise RankError(self._stalled(now - moved))
            time.sleep(_NAP_S)

    def finish(self) -> None:
        """Wait for torchrun to end.

        Raises:
            RankError: a rank failed as it ended.
        """
        until = time.monotonic() + _PARTING_S
        while not self._has_ended():
            if time.monotonic() > until:
                raise RankError(Outcome("timeout", "torchrun did not end after its ranks", "ranks"))
            time.sleep(_NAP_S)
        if self._status:
            reason = f"torchrun {_how(self._status)} after its ranks were done{self._last_words()}"
            raise RankError(Outcome("crash", reason, "ranks"))

    def _has_ended(self) -> bool:
        if self._status is None:
            ended, status = os.waitpid(self.agent, os.WNOHANG)
            self._status = status if ended else None
        return self._status is not None

    def _refuse_failures(self) -> None:
        """Raise RankError if a rank has failed or died: the first, not those that it took along.

        A rank that is killed says nothing; the others then fail, and say that it is gone, or are
        asked to end by torchrun.
        """
        told = first_failure(self.folder)
        if told is not None:
            time.sleep(_LATE_S)
        gone = self._gone(told)
        if gone is not None:
            raise RankError(gone)
        told = told or first_failure(self.folder)  # what a rank has written as it went
        if told is not None:
            rank, outcome = told
            raise RankError(_of_rank(rank, outcome))
        if self._has_ended():
            raise RankError(self._of_torchrun())

    def _of_torchrun(self) -> Outcome:
        """What torchrun says that has ended by itself: of a rank that died before it had begun."""
        ranks = range(self.board.ranks)
        told = {rank: self._told_by_torchrun(rank) for rank in ranks if not self.board.pid(rank)}
        for rank, status in told.items():
            if status not in (None, signal.SIGTERM):
                doing = self.board.doing(rank)
                return Outcome("crash", f"rank {rank} {_how(status)} while {doing}", f"rank {rank}")
        return Outcome("crash", f"torchrun ended before its ranks{self._last_words()}", "ranks")

    def _gone(self, told: tuple[int, Outcome] | None) -> Outcome | None:
        """A rank that has died without having said why, if it was the first to."""
        silent = dict[int, int | None]()
        for rank in range(self.board.ranks):
            pid = self.board.pid(rank)
            if pid and not failure_of(self.folder, rank).exists():
                status = _status(pid)
                if status != _ALIVE and self.board.stage(rank) < DONE:
                    silent[rank] = status if status is not None else self._told_by_torchrun(rank)
        silent = {r: s for r, s in silent.items() if not failure_of(self.folder, r).exists()}
        own = [rank for rank, status in silent.items() if status not in (None, signal.SIGTERM)]
        named = own or ([] if told else list(silent))
        if not named:
            return None
        rank = named[0]
        how = _how(silent[rank])
        return Outcome("crash", f"rank {rank} {how} while {self.board.doing(rank)}", f"rank {rank}")

    def _told_by_torchrun(self, rank: int) -> int | None:
        """How a rank ended that torchrun has waited for already, by what it logs."""
        with contextlib.suppress(OSError):
            text = (self.folder / LOG).read_text(errors="replace")
            found = re.search(rf"exitcode: (-?\d+)\) local_rank: {rank} ", text)
            if found:
                code = int(found[1])
                return -code if code < 0 else code << 8  # as wait(2) has them
        return None

    def _stalled(self, still_s: float) -> Outcome:
        """Whoever does not wait for others keeps them waiting; of all of them, the last one."""
        ranks = range(self.board.ranks)
        late = [rank for rank in ranks if not self.board.waits(rank)] or list(ranks)
        furthest = min((self.board.stage(rank), self.board.epoch(rank)) for rank in late)
        last = [
            rank for rank in late if (self.board.stage(rank), self.board.epoch(rank)) == furthest
        ]
        names = " and ".join(map(str, last))
        word = "rank" if len(last) == 1 else "ranks"
        doing = self.board.doing(last[0])
        reason = f"{word} {names} did nothing for {still_s:.0f} s while {doing}"
        return Outcome("timeout", reason, f"{word} {names}")

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self.folder / LOG).read_text(errors="replace").split("\n")
            told = [line for line in lines if any(map(str.isalpha, line))]
            return f": {one_line(told[-1], _LAST_WORDS)}" if told else ""
        return ""


_ALIVE = -1


def _status(pid: int) -> int | None:
    """How a process ended, as wait(2) says it; None once nobody can tell, _ALIVE before."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    if fields[0] not in "ZX":
        return _ALIVE
    return int(fields[_EXIT_CODE])


def _how(status: int | None) -> str:
    if status is None:
        return "ended without a word"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(number).name}"
        return f"was killed by signal {number}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def _of_rank(rank: int, outcome: Outcome) -> Outcome:
    reason = one_line(f"rank {rank}: {outcome.reason}")
    return Outcome(outcome.name, reason, outcome.kind or f"rank {rank}", outcome.where)


@contextmanager
def launched(
    folder: Path, task: RankTask, patience_s: float, deadline_s: float
) -> Iterator[Launch]:
    """Start ranks, and leave none behind whatever happens; see :class:`Launch`."""
    write_task(folder, task)
    board = Board.create(folder / BOARD, task.ranks)
    process.adopt_orphans()  # ranks whose torchrun has died
    launch = Launch(folder, board, _start(folder, task.ranks), patience_s, deadline_s)
    try:
        yield launch
    except BaseException:
        process.kill_tree()
        raise


def _start(folder: Path, ranks: int) -> int:
    """Torchrun in a process of its own; returns its number."""
    pid = os.fork()
    if pid:
        return pid
    arguments = [
        "--standalone",
        f"--nproc-per-node={ranks}",
        "--max-restarts=0",
        "--local-addr=127.0.0.1",
        f"--log-dir={folder / 'logs'}",
        "--redirects=3",
        str(BOOTSTRAP),
        "rank",
        str(os.getpid()),
        str(folder),
    ]
    try:
        process.die_with_parent()
        log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        _close_others()
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        sys.argv = ["torchrun", *arguments]
        from torch.distributed.run import main

        main(arguments)
    except BaseException as error:  # noqa: BLE001 — this copy of the trial must not go on as one
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


def _close_others() -> None:
    """In a process just forked: what only the trial writes to, such as the pipe of its answer."""
    os.closerange(3, 256)
