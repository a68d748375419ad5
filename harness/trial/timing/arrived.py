"""Batches that are on their way to an accelerator when a loader gives them.

A step would wait for them on the device, where nobody sees it. Waiting for them before the step
begins makes that a part of waiting for the batch. A batch that is brought on another stream, while
the one before is computed on, has arrived by then, and costs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from harness.trial.base.unsupported import lacking


def _arrive() -> None:
    """Wait for the current stream; for all of the device where a backend has no streams."""
    try:
        torch.accelerator.current_stream().synchronize()
    except RuntimeError as error:
        if not lacking(error):
            raise
        torch.accelerator.synchronize()


class Arrived:
    """A loader whose batches are there before they are given.

    Args:
        loader: where they come from.
        arrive: waits for all that is queued on the current stream.
    """

    def __init__(self, loader: Iterable[Any], arrive: Callable[[], None] = _arrive) -> None:
        self._loader = loader
        self._arrive = arrive

    def __iter__(self) -> Iterator[Any]:
        for batch in self._loader:
            self._arrive()
            yield batch
