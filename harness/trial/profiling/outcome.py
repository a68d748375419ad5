"""What becomes of a call that is watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.schema.records import Outcome
from harness.trial.base.outcomes import failure
from harness.trial.profiling.target import Target


def outcome_of(
    target: Target, watched: Callable[[Callable[[], Any]], Any] = lambda call: call()
) -> Outcome:
    """Make the call; whatever it raises is its outcome.

    Args:
        target: what to call.
        watched: makes a call while something watches.
    """
    try:
        watched(target.call)
    except BaseException as error:  # noqa: BLE001 — whatever a function raises is a result
        return failure(error, target.folder or target.file)
    return Outcome("ok")
