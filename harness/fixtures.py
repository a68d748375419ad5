"""Inputs of a run: made once per point, kept in a temporary folder, gone when the run ends."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from harness.closing import Closing
from harness.description import ScenarioInfo
from harness.host import Host, Report
from harness.model import Case, Outcome, Value
from harness.scenario import TINY_BYTES
from harness.units import format_size

PREFIX = "ferrybench-inputs-"
_MARGIN = 1.1  # of free disk space to inputs


class FixtureStore(Closing):
    """Makes inputs on demand and remembers them by the parameters they depend on."""

    def __init__(self, seed: int) -> None:
        _remove_stale()
        self.seed = seed
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.scratch = self.folder / "scratch"
        self._made: dict[Path, Outcome] = {}

    @contextlib.contextmanager
    def clean_scratch(self) -> Iterator[None]:
        """Whatever a trial leaves in ``scratch`` is gone afterwards, however the trial ended."""
        try:
            yield
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(
        self, host: Host, info: ScenarioInfo, case: Case, timeout_s: float
    ) -> tuple[Path, Outcome]:
        """The file with a case's inputs, made by ``host`` unless it is there already.

        The outcome is ok, or tells why there are no inputs.
        """
        parameters = {name: case.parameters[name] for name in info.input_parameters}
        digest = hashlib.sha256(f"{info.name} {sorted(parameters.items())}".encode()).hexdigest()
        path = self.folder / f"{info.name}-{digest[:16]}.bin"
        if path not in self._made:
            self._made[path] = self._make(host, info, parameters, path, timeout_s)
        return path, self._made[path]

    def get_tiny(
        self, host: Host, info: ScenarioInfo, case: Case, timeout_s: float
    ) -> tuple[Path, Outcome]:
        """The same inputs at the smallest size, to warm a strategy with."""
        size = case.parameters.get("size")
        if not isinstance(size, int) or size <= TINY_BYTES:
            return self.get(host, info, case, timeout_s)
        tiny = replace(case, parameters={**case.parameters, "size": TINY_BYTES})
        return self.get(host, info, tiny, timeout_s)

    def _make(
        self,
        host: Host,
        info: ScenarioInfo,
        parameters: dict[str, Value],
        path: Path,
        timeout_s: float,
    ) -> Outcome:
        size = parameters.get("size")
        free = shutil.disk_usage(self.folder).free
        if isinstance(size, int) and size * _MARGIN > free:
            return Outcome(
                "skipped",
                f"its inputs need {format_size(size)} in {self.folder.parent}, "
                f"which has {format_size(free)} free",
            )
        request: dict[str, Any] = {
            "path": info.path,
            "scenario": info.name,
            "parameters": parameters,
            "seed": self.seed,
            "file": str(path),
        }
        return _outcome(host.call("make", request, timeout_s), timeout_s)


def _outcome(report: Report, timeout_s: float) -> Outcome:
    if report.answer is not None:
        return Outcome("ok")
    failed = report.failure(timeout_s)
    return replace(failed, reason=f"its inputs could not be made: {failed.reason}")


def _remove_stale() -> None:
    """Delete inputs that a killed run left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)
