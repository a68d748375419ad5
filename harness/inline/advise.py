"""``harness.advise``: what ``ferrybench advise`` says, for a script or a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.advising.advice import Advice, Verdict
from harness.advising.as_text import headline, text
from harness.advising.code import code_of
from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.advising.session import advise as find
from harness.advising.tasks import task_named


@dataclass(frozen=True)
class Advised:
    """The answer. Printed, it is the text of ``ferrybench advise``.

    Args:
        found: all that was found, with its figures.
    """

    found: Advice

    @property
    def verdict(self) -> Verdict:
        """``use`` another way than the usual one, ``keep`` that, ``undecided``, or ``none``."""
        return self.found.verdict

    @property
    def name(self) -> str:
        """Of the way to go; empty where there is none."""
        return self.found.way.name if self.found.way else ""

    @property
    def code(self) -> str:
        """A script that goes that way; empty where there is none."""
        return code_of(self.found, self.found.way) if self.found.way else ""

    @property
    def headline(self) -> str:
        """One sentence."""
        return headline(self.found)

    def __str__(self) -> str:
        return text(self.found)


def advise(
    task: str,
    *,
    npy: str | Path | None = None,
    raw: str | Path | None = None,
    shape: tuple[int, ...] | None = None,
    dtype: str | None = None,
    offset: int = 0,
    batch_size: int | None = None,
    shuffle: bool = False,
    need: str | None = None,
    memory: str | int | None = None,
    budget: str | float = "30s",
) -> Advised:
    """Which way is best for some data, what does it take, and is it worth a change?

    All of it is measured in other processes; this one imports no torch for it.

    Args:
        task: to-tensor, to-loader, from-loader, train-from-file or to-device.
        npy: the array, in a file by ``numpy.save``.
        raw: the same in a file without a header, of which shape and dtype are said.
        shape: of the array; without a file, values of this shape are made.
        dtype: of its values, as NumPy names it.
        offset: bytes before the first value of a raw file.
        batch_size: samples of a batch; 64 by default.
        shuffle: whether any sample may come next.
        need: what must come of it; see ``ferrybench advise --help``.
        memory: what the process may take, as text such as "16GiB", or in bytes.
        budget: how long it may take in all, as text such as "2m", or in seconds.

    Raises:
        UsageError: there is no such array or task, or an option that makes no sense.
        UnableError: this machine cannot do it.
    """
    about = task_named(task)
    goal = Goal.of(
        batches=about.batches,
        need=need,
        batch_size=batch_size,
        shuffle=shuffle,
        memory=memory,
        budget=budget,
    )
    data = Data.of(
        npy=None if npy is None else Path(npy),
        raw=None if raw is None else Path(raw),
        shape=None if shape is None else ",".join(map(str, shape)),
        dtype=dtype,
        offset=str(offset) if offset else None,
        rows=about.rows,
    )
    return Advised(find(about, data, goal))
