"""Count what a process pickles for its workers, and what passes between them.

multiprocessing has no counters of its own, so the three functions through which everything goes
are wrapped: ``reduction.dump`` writes the objects a new worker starts from, ``Connection`` sends
and receives. Only in trials that watch a process tree: each message costs a little more.
"""

from __future__ import annotations

from multiprocessing import connection, reduction
from typing import Any, Self


class SentBytes:
    """Counts bytes while it is open, in this process alone: workers are the other end.

    Attributes:
        started: pickled for workers to start from: the dataset above all. 0 with fork.
        sent: written to pipes and queues.
        received: read from them. A tensor travels as a handle to shared memory.
    """

    def __init__(self) -> None:
        self.started = self.sent = self.received = 0
        self._saved: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        dump = reduction.dump
        send = connection.Connection._send_bytes  # type: ignore[attr-defined]  # noqa: SLF001
        receive = connection.Connection._recv_bytes  # type: ignore[attr-defined]  # noqa: SLF001

        def counted_dump(obj: Any, file: Any, protocol: Any = None) -> None:
            before = file.tell()
            dump(obj, file, protocol)
            self.started += file.tell() - before

        def counted_send(wire: Any, buf: Any) -> None:
            self.sent += len(buf)
            send(wire, buf)

        def counted_receive(wire: Any, maxsize: Any = None) -> Any:
            received = receive(wire, maxsize)
            self.received += received.getbuffer().nbytes
            return received

        self._replace(reduction, "dump", counted_dump)
        self._replace(connection.Connection, "_send_bytes", counted_send)
        self._replace(connection.Connection, "_recv_bytes", counted_receive)
        return self

    def _replace(self, owner: Any, name: str, function: Any) -> None:
        self._saved.append((owner, name, getattr(owner, name)))
        setattr(owner, name, function)

    def __exit__(self, *exception: object) -> None:
        for owner, name, original in self._saved:
            setattr(owner, name, original)
