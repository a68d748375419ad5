"""What is asked of a tuning: whose loader, with which step, in how long, within which memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.units import parse_duration, parse_size


@dataclass(frozen=True)
class Named:
    """Something in a user's file: ``train.py:make_loader``, or ``train.py:make_loaders.train``: of
    several that it returns.
    """

    file: str
    name: str

    @classmethod
    def of(cls, text: str, what: str) -> Named:
        """Read from the command line.

        Raises:
            UsageError: it is not written like that, or there is no such file.
        """
        file, colon, name = text.rpartition(":")
        if not colon or not all(part.isidentifier() for part in name.split(".")):
            raise UsageError(f"{text}: write FILE.py:NAME, such as train.py:{what}")
        path = Path(file)
        if path.suffix != ".py" or not path.is_file():
            raise UsageError(f"{file} is no Python file, or does not exist")
        return cls(str(path.resolve()), name)


@dataclass(frozen=True)
class Goal:
    """How long it may take, and what is to be kept to.

    Args:
        budget_s: of the whole tuning.
        memory_bytes: that no trial may take, and no setting that is recommended; None: any.
        step_ms: length of a step that sleeps; 0 for none.
        stepped: whether a step is taken, the user's or one that sleeps.
    """

    budget_s: float = 60.0
    memory_bytes: int | None = None
    step_ms: float = 0.0
    stepped: bool = False

    @classmethod
    def of(
        cls,
        budget: str | float,
        memory: str | int | None,
        step_ms: float | None,
        *,
        users_step: bool,
    ) -> Goal:
        """From what a user wrote.

        Raises:
            UsageError: a number makes no sense, or there are two steps.
        """
        if step_ms is not None and users_step:
            raise UsageError("give the step or its length (--step-ms), not both")
        if step_ms is not None and not 0 < step_ms < math.inf:
            raise UsageError(
                "the length of a step must be a positive number; leave it out for none"
            )
        try:
            budget_s = parse_duration(str(budget))
            memory_bytes = None if memory is None else parse_size(str(memory))
        except ValueError as error:
            raise UsageError(str(error)) from error
        return cls(budget_s, memory_bytes, step_ms or 0.0, users_step or step_ms is not None)
