"""The terminal: results go to stdout, progress and remarks to stderr."""

from __future__ import annotations

import math
import time
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.status import Status
from rich.text import Text

from harness.host.closing import Closing
from harness.schema.records import Trial
from harness.schema.texts import visible
from harness.units import format_duration


class PlainStatus(Status):
    """A spinner with a text, which rich would read as markup."""

    def __init__(self, status: RenderableType, **options: Any) -> None:
        super().__init__(_as_text(status), **options)

    def update(self, status: RenderableType | None = None, **options: Any) -> None:
        """Change it."""
        super().update(None if status is None else _as_text(status), **options)


def _as_text(status: RenderableType) -> RenderableType:
    return Text(visible(status)) if isinstance(status, str) else status


class Plain(Console):
    """A console to which every text is a text: no markup, no emoji, no command to the terminal.

    Much of what is printed comes from files of anybody's. What is to have a style is printed with
    ``style=``, or as rich's own ``Text``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as it is printed, in a line or a cell of a table."""
        return super().render_str(visible(text), **options)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """A spinner with a text."""
        return PlainStatus(status, console=self, **options)


def titled(name: str, text: str) -> Text:
    """A name in bold, and what is said of it."""
    return Text.assemble((visible(name), "bold"), f"  {visible(text)}")


out = Plain()
err = Plain(stderr=True)

PLAIN_EVERY_S = 10.0


class Progress(Closing):
    """Shows a run on a terminal as a bar; elsewhere, such as in CI, as a line now and then."""

    def __init__(self, console: Plain) -> None:
        self._console = console
        self._bar = Bar(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]:>12}"),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, left="")
        self._plain_at = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def close(self) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a remark above the bar."""
        self._console.print(text, soft_wrap=True)

    def begin(self, steps: int) -> None:
        self._bar.update(self._task, total=steps)

    def working_on(self, what: str, left_s: float) -> None:
        left = "" if math.isnan(left_s) else f"{format_duration(left_s)} left"
        self._bar.update(self._task, description=visible(what), left=left)
        now = time.monotonic()
        if not self._console.is_terminal and now - self._plain_at > PLAIN_EVERY_S:
            self._plain_at = now
            task = self._bar.tasks[0]
            total = int(task.total or 0)
            self.say(f"{int(task.completed)}/{total} trials, {left or 'estimating'}: {what}")

    def finished(self, what: str, trial: Trial, *, declared: bool = False) -> None:
        self._bar.advance(self._task)
        # The cells of a matrix fail by design, as does a strategy that says so of itself;
        # elsewhere a failure is worth a line at once.
        if not trial.outcome.ok and trial.kind != "probe" and not declared:
            self.say(f"{trial.outcome.name}: {what}: {trial.outcome.reason}")

    def dropped(self, steps: int) -> None:
        self._bar.advance(self._task, steps)

    def added(self, steps: int) -> None:
        self._bar.update(self._task, total=(self._bar.tasks[0].total or 0) + steps)
