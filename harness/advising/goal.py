"""What the user wants of the data, and keeps to."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UsageError
from harness.units import parse_duration, parse_size

LEAST_BUDGET_S = 10.0


@dataclass(frozen=True)
class Goal:
    """What is asked for.

    Args:
        need: what must come of it; empty for what most need.
        batch_size: samples of a batch.
        shuffle: whether any sample may come next.
        memory_bytes: what the process may take; None: what there is.
        budget_s: how long measuring may take in all.
        only: names of strategies to try beside the usual one; empty for all.
    """

    need: str = ""
    batch_size: int = 64
    shuffle: bool = False
    memory_bytes: int | None = None
    budget_s: float = 30.0
    only: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        batches: bool,
        need: str | None,
        batch_size: int | None,
        shuffle: bool,
        memory: str | int | None,
        budget: str | float,
        only: tuple[str, ...] = (),
    ) -> Goal:
        """From what a user wrote.

        Args:
            batches: whether the task has any.
            need: see Goal; so are the others, as they were written.
            batch_size: of samples.
            shuffle: whether it was asked for.
            memory: text such as 16GiB, or bytes.
            budget: text such as 30s, or seconds.
            only: names.

        Raises:
            UsageError: a number makes no sense, or the task has no use for an option.
        """
        if not batches and batch_size is not None:
            raise UsageError("--batch-size: this task makes no batches")
        if not batches and shuffle:
            raise UsageError("--shuffle: this task makes no batches that could be shuffled")
        if batch_size is not None and batch_size < 1:
            raise UsageError(f"--batch-size {batch_size}: a batch holds one sample or more")
        try:
            memory_bytes = None if memory is None else parse_size(str(memory))
            budget_s = parse_duration(f"{budget}s" if isinstance(budget, int | float) else budget)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if budget_s < LEAST_BUDGET_S:
            raise UsageError(f"--budget {budget}: give {LEAST_BUDGET_S:g}s or more")
        return cls(need or "", batch_size or 64, shuffle, memory_bytes, budget_s, only)
