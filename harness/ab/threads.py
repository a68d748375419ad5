"""Threads that nobody waits for: neither who closes them, nor the interpreter when it ends.

Those of concurrent.futures are waited for by both: after Ctrl-C, for as long as the trials may take
that they wait for. Here a trial that still runs is cut off by the end of its host.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads:
    """So many threads, which stay: hosts that one of them starts end with it.

    Args:
        count: of the threads.
    """

    def __init__(self, count: int) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._count = count
        for _ in range(count):
            threading.Thread(target=self._serve, daemon=True).start()

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called in one of them.

        Args:
            function: to call.
            *args: of it.
            **kwargs: the same.

        Returns:
            Its result, or the exception that it raised, once there is one.
        """
        future: Future[T] = Future()

        def do() -> None:
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 — raised where the result is asked for
                future.set_exception(error)

        self._work.put(do)
        return future

    def close(self) -> None:
        """They end as soon as they have nothing to do."""
        for _ in range(self._count):
            self._work.put(None)

    def _serve(self) -> None:
        while (do := self._work.get()) is not None:
            do()
