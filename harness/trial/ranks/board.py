"""Where ranks and the trial that started them see how far each is: words in a file that all map.

A rank that is killed leaves its words as they were, so that what it was doing is known. Nobody
waits for an answer: a rank that hangs stands still here, while the others wait in a collective.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path

READY, BUILT, IDLE, DROPPED, DONE = range(1, 6)
"""Stages of a rank: its process group is up; its loader is made; its last epoch is over, and all is
still alive; its loader was dropped; it has written what it found."""
DOING = {
    0: "starting",
    READY: "loading",
    BUILT: "fetching batches",
    IDLE: "dropping its loader",
    DROPPED: "ending",
    DONE: "ending",
}
"""What a rank does that has reached a stage, and not the next."""
_WORDS = 8
_PID, _STAGE, _PROGRESS, _EPOCH, _WAITS = range(5)
_NAP_S = 0.001


class Board:
    """Words in a file: one of the trial, which says how far ranks may go, and some of each rank.

    Args:
        path: the file.
        ranks: how many there are.
    """

    def __init__(self, path: Path, ranks: int) -> None:
        self.ranks = ranks
        with path.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), 0)

    @classmethod
    def create(cls, path: Path, ranks: int) -> Board:
        path.write_bytes(bytes(8 * _WORDS * (ranks + 1)))
        return cls(path, ranks)

    def _get(self, owner: int, word: int) -> int:
        value: int = struct.unpack_from("=q", self._map, 8 * (_WORDS * owner + word))[0]
        return value

    def _set(self, owner: int, word: int, value: int) -> None:
        struct.pack_into("=q", self._map, 8 * (_WORDS * owner + word), value)

    def let(self, stage: int) -> None:
        """For the trial: ranks that have reached a stage may go on."""
        self._set(0, _STAGE, stage)

    def begin(self, rank: int, pid: int) -> None:
        """For a rank: this is its process."""
        self._set(rank + 1, _PID, pid)

    def reach(self, rank: int, stage: int) -> None:
        """For a rank: it has reached a stage."""
        self._set(rank + 1, _STAGE, stage)
        self.note(rank)

    def wait(self, stage: int) -> None:
        """For a rank: until the trial lets it go on."""
        while self._get(0, _STAGE) < stage:
            time.sleep(_NAP_S)

    def note(self, rank: int) -> None:
        """For a rank: it is alive, and has done something."""
        self._set(rank + 1, _PROGRESS, self._get(rank + 1, _PROGRESS) + 1)

    def begin_epoch(self, rank: int, epoch: int) -> None:
        """For a rank: it goes on to an epoch, for which it waits for all others."""
        self._set(rank + 1, _EPOCH, epoch)
        self.note(rank)

    def meet(self, rank: int, meeting: Callable[[], object]) -> None:
        """For a rank: wait for all others in a collective."""
        self._set(rank + 1, _WAITS, 1)
        try:
            meeting()
        finally:
            self._set(rank + 1, _WAITS, 0)
            self.note(rank)

    def pid(self, rank: int) -> int:
        """0 before it has begun."""
        return self._get(rank + 1, _PID)

    def stage(self, rank: int) -> int:
        return self._get(rank + 1, _STAGE)

    def waits(self, rank: int) -> bool:
        """Whether it waits for others."""
        return bool(self._get(rank + 1, _WAITS))

    def progress(self) -> tuple[int, ...]:
        """Of every rank, a number that is another as soon as it has done something."""
        return tuple(self._get(rank + 1, _PROGRESS) for rank in range(self.ranks))

    def all_at(self, stage: int) -> bool:
        return all(self.stage(rank) >= stage for rank in range(self.ranks))

    def doing(self, rank: int) -> str:
        """``fetching batches of epoch 3``."""
        stage, epoch = self.stage(rank), self._get(rank + 1, _EPOCH)
        where = f" of epoch {epoch}" if stage == BUILT and epoch else ""
        return f"{DOING[stage]}{where}"

    def epoch(self, rank: int) -> int:
        return self._get(rank + 1, _EPOCH)
