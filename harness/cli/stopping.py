"""Being told to stop: by the keyboard, by a system that shuts down, by a terminal that closes.

The first time, a command is interrupted: it ends its journal, its hosts and its temporary files,
which takes a few seconds. Whoever asks again meanwhile asks for what is being done.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
PATIENCE_S = 10.0
"""For as long after the first time, asking again changes nothing."""


def stopped() -> None:
    """Let nobody stop a program that ends for having been stopped: its exit code is to count."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Raise KeyboardInterrupt when told to stop, but not again while the command cleans up.

    What is ignored stays so, as SIGHUP is by nohup, and SIGINT in the background of a script.
    """
    asked_at: list[float] = []

    def stop(number: int, frame: object) -> None:
        now = time.monotonic()
        if asked_at and now - asked_at[-1] < PATIENCE_S:
            return
        asked_at.append(now)
        raise KeyboardInterrupt

    before = {one: signal.getsignal(one) for one in SIGNALS}
    taken = [one for one, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for one in taken:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, before[one])
