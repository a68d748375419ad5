"""What is to be watched: a call, and whose lines count."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import FrameType, FunctionType, GeneratorType
from typing import Any

from harness.scenario.discover import is_part
from harness.trial.base.callables import bare, python_function


@dataclass(frozen=True, eq=False)
class Target:
    """A call that is to be watched.

    Args:
        make: makes it.
        function: what is called.
        payload_bytes: of its inputs.
        folder: a scenario's, all files of which count as its own; empty where there is none.
        name: by which people know it, if not by its own.
    """

    make: Callable[[], Any]
    function: Any
    payload_bytes: int = 0
    folder: str = ""
    name: str = ""

    def call(self) -> Any:
        """Make the call. A generator that comes of it is gone through: only then its lines run."""
        made = self.make()
        if isinstance(made, GeneratorType):
            deque(made, maxlen=0)
        return made

    @property
    def label(self) -> str:
        one = bare(self.function)
        return self.name or getattr(one, "__name__", "") or type(one).__name__

    @cached_property
    def own(self) -> FunctionType | None:
        """The function that has the lines; None where it is written in C."""
        return python_function(self.function)

    @property
    def file(self) -> str:
        """The file that it stands in, as tracebacks name it; empty where it is written in C."""
        return self.own.__code__.co_filename if self.own is not None else ""

    @property
    def refused(self) -> str:
        """Why it has no lines to watch; empty where it has."""
        own = self.own
        if inspect.iscoroutinefunction(own) or inspect.isasyncgenfunction(own):
            return f"{self.label} is a coroutine function: profile one that runs it by asyncio.run"
        if own is not None:
            return ""
        return f"{self.label} is written in C and has no lines: profile a function that calls it"

    def watched(self, files: tuple[str, ...]) -> Callable[[FrameType], bool]:
        """Says of a frame whether its lines count: those of the function's module or notebook, of
        its scenario, and of ``files``.
        """
        own: Any = self.own  # for mypy, that of a cached property might be a method
        names, folder, own_globals = {self.file, *files}, self.folder, own.__globals__

        def counts(frame: FrameType) -> bool:
            file = frame.f_code.co_filename
            if frame.f_globals is own_globals or file in names:
                return True
            return bool(folder) and is_part(file, folder)

        return counts
