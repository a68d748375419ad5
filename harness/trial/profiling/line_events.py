"""Events of lines: sys.monitoring from Python 3.12 on (PEP 669), sys.settrace before.

Both report in the thread that listens alone. What a function starts in other threads is part of
the line that this thread is in meanwhile.
"""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType
from typing import Any, Protocol, Self

Event = Any
_CANDIDATES = (2, 3, 4)
"""Tools of sys.monitoring that may be free: that of profilers, and two without a name."""


class Listener(Protocol):
    """Who is told of lines."""

    def watches(self, frame: FrameType) -> bool:
        """Whether to tell of this frame."""

    def line(self, frame: FrameType) -> None:
        """A line is about to begin, or to go on."""

    def resumed(self, frame: FrameType) -> None:
        """A generator goes on, in the middle of a line."""

    def left(self, frame: FrameType) -> None:
        """A frame returns, yields, or is left by an exception."""


class Traced:
    """By sys.settrace. Use it as a context manager."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def __enter__(self) -> Self:
        sys.settrace(self._called)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        sys.settrace(None)

    @property
    def lost(self) -> bool:
        """Whether somebody else listens now instead."""
        return sys.gettrace() != self._called

    def _called(self, frame: FrameType, event: str, argument: object) -> Event:
        if event != "call" or not self._listener.watches(frame):
            return None
        if frame.f_lineno != frame.f_code.co_firstlineno:
            self._listener.resumed(frame)
        return self._inside

    def _inside(self, frame: FrameType, event: str, argument: object) -> Event:
        if event == "line":
            self._listener.line(frame)
        elif event == "return":
            self._listener.left(frame)
        return self._inside


class Monitored:
    """By sys.monitoring, which costs nothing in functions that are not watched."""

    def __init__(self, listener: Listener, tool: int) -> None:
        self._listener = listener
        self._monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        self._tool = tool
        self._thread = threading.get_ident()
        self._local = 0

    def __enter__(self) -> Self:
        tools, events = self._monitoring, self._monitoring.events
        tools.use_tool_id(self._tool, "ferrybench")
        self._local = events.LINE | events.PY_RETURN | events.PY_YIELD | events.PY_RESUME
        for event, do in (
            (events.PY_START, self._started),
            (events.LINE, self._line),
            (events.PY_RETURN, self._left),
            (events.PY_YIELD, self._left),
            (events.PY_RESUME, self._resumed),
            (events.PY_THROW, self._thrown),
            (events.PY_UNWIND, self._unwound),
        ):
            tools.register_callback(self._tool, event, do)
        # These two are never told of one code object alone.
        tools.set_events(self._tool, events.PY_START | events.PY_UNWIND | events.PY_THROW)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._monitoring.get_tool(self._tool) is not None:
            self._monitoring.set_events(self._tool, 0)
            self._monitoring.free_tool_id(self._tool)

    @property
    def lost(self) -> bool:
        """Whether somebody else has put an end to this."""
        return bool(self._monitoring.get_tool(self._tool) != "ferrybench")

    def _elsewhere(self) -> bool:
        return threading.get_ident() != self._thread

    def _started(self, code: CodeType, offset: int) -> Event:
        if not self._listener.watches(sys._getframe(1)):  # noqa: SLF001 — whose event it is
            return self._monitoring.DISABLE
        self._monitoring.set_local_events(self._tool, code, self._local)
        return None

    def _line(self, code: CodeType, line: int) -> None:
        if not self._elsewhere():
            self._listener.line(sys._getframe(1))  # noqa: SLF001

    def _left(self, code: CodeType, offset: int, value: object) -> None:
        if not self._elsewhere():
            self._listener.left(sys._getframe(1))  # noqa: SLF001

    def _resumed(self, code: CodeType, offset: int) -> None:
        if not self._elsewhere():
            self._listener.resumed(sys._getframe(1))  # noqa: SLF001

    def _thrown(self, code: CodeType, offset: int, error: object) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        if not self._elsewhere() and self._listener.watches(frame):
            self._listener.resumed(frame)

    def _unwound(self, code: CodeType, offset: int, error: object) -> None:
        if not self._elsewhere():
            self._listener.left(sys._getframe(1))  # noqa: SLF001


def line_events(listener: Listener) -> Traced | Monitored:
    """What this Python has; traced where other tools have taken all that sys.monitoring has room
    for.
    """
    monitoring: Any = getattr(sys, "monitoring", None)
    free = [one for one in _CANDIDATES if monitoring and monitoring.get_tool(one) is None]
    return Monitored(listener, free[0]) if free else Traced(listener)
