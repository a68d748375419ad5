"""Inputs of a run: made once per point, kept in a temporary folder, gone when the run ends.

A run that is killed cannot remove them; the next one does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from harness.errors import UnableError
from harness.host.answers import answer_as
from harness.host.closing import Closing
from harness.host.host import Host, Report
from harness.scenario.declaration import TINY_BYTES
from harness.scenario.npy import NPY, RAW
from harness.schema.description import ScenarioInfo
from harness.schema.records import Case, Outcome, Value
from harness.schema.request import InputsRequest
from harness.schema.texts import as_file_name
from harness.units import format_size

PREFIX = "ferrybench-inputs-"
_MARGIN = 1.1  # of free disk space to inputs
_PROBE_BYTES = 4096
_LONGEST_PATH = 107 - len("/pymp-12345678/listener-12345678")  # unix(7), multiprocessing
KEPT_BYTES, KEPT_SHARE = 4 * 1024**3, 0.1
"""Inputs are kept up to so many bytes, or this share of the free space, whichever is more."""


def temporary_folder() -> Path:
    """Where temporary files go: the folder that TMPDIR names, or the system's own.

    Raises:
        UnableError: nothing can be written there. No other one is taken, as Python would do:
            it may lie on another disk.
    """
    named = os.environ.get("TMPDIR", "")
    try:
        folder = Path(named or tempfile.gettempdir())
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
    except OSError as error:
        raise UnableError(
            f"the temporary folder{f' {named}' if named else ''} cannot be written to: "
            f"{error.strerror}; set TMPDIR to one with room"
        ) from error
    return folder


def temporary_folder_for_workers() -> None:
    """Refuse a temporary folder in which the workers of a loader would hang, before they do.

    They hand shared memory over by a socket in a folder below it (multiprocessing's
    resource_sharer), and a name that is too long for one ends in a thread of theirs, unseen.

    Raises:
        UnableError: its path is too long; or see :func:`temporary_folder`.
    """
    folder = temporary_folder()
    length = len(os.fsencode(folder))
    if length > _LONGEST_PATH:
        raise UnableError(
            f"the temporary folder {folder} has too long a path ({length} bytes): DataLoader "
            "workers would hang, because socket names are limited to 107 bytes; set TMPDIR to a "
            f"folder whose path has at most {_LONGEST_PATH} bytes"
        )


class FixtureStore(Closing):
    """Makes inputs on demand and remembers them by the parameters they depend on.

    Raises:
        UnableError: there is no place for them.
    """

    def __init__(self, seed: int) -> None:
        place = temporary_folder()
        _remove_stale(place)
        self.seed = seed
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
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
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
        except BaseException:  # interrupted: what is left is to go, too
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def get(
        self, host: Host, info: ScenarioInfo, case: Case, timeout_s: float
    ) -> tuple[Path, Outcome]:
        """The file with a case's inputs, made by ``host`` unless it is there already.

        The outcome is ok, or tells why there are no inputs.
        """
        parameters = {name: case.parameters[name] for name in info.input_parameters}
        digest = hashlib.sha256(f"{info.name} {sorted(parameters.items())}".encode()).hexdigest()
        path = self.folder / f"{as_file_name(info.name)}-{digest[:16]}.bin"
        made = self._made.pop(path, None)
        if made is None:
            made = self._make(host, info, parameters, path, timeout_s)
        self._made[path] = made  # the last of them is the one that was used last
        return path, made

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
        # A user's own file stays where it is; one without a header is copied behind one.
        stays = parameters.get(NPY) and not parameters.get(RAW)
        needed = size if isinstance(size, int) and not stays else 0
        lacking = self._lacking(needed * _MARGIN, needed)
        if lacking is not None:
            return lacking
        request = InputsRequest(info.path, info.name, parameters, self.seed, str(path))
        report = host.call(request, timeout_s)
        taken = (report.answer or {}).get("needed_bytes", 0)
        if taken:  # more than their size says, and more than is free
            lacking = self._lacking(taken, taken)
            report = host.call(request, timeout_s) if lacking is None else report
            still = (report.answer or {}).get("needed_bytes", 0)
            lacking = lacking or (self._unmet(still) if still else None)
        outcome = lacking or _outcome(report, timeout_s)
        if not outcome.ok:
            _remove(path)
        return outcome

    def _lacking(self, wanted_bytes: float, needed_bytes: int) -> Outcome | None:
        """Make room; why there is not enough of it, if so."""
        free = self._make_room(wanted_bytes)
        return None if wanted_bytes <= free else self._unmet(needed_bytes)

    def _unmet(self, needed_bytes: int) -> Outcome:
        free = shutil.disk_usage(self.folder).free
        return Outcome(
            "skipped",
            f"its inputs need {format_size(needed_bytes)} in {self.folder.parent}, "
            f"which has {format_size(free)} free",
        )

    def _make_room(self, wanted_bytes: float) -> int:
        """Free space, if need be after the removal of inputs that were not used for longest.

        They are made anew when they are wanted. Those used last stay: they may be in use. A search
        for a largest size makes many, so that there is a limit to what is kept.
        """
        for path in list(self._made)[:-1]:
            free = shutil.disk_usage(self.folder).free
            kept = sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
            if free >= wanted_bytes and kept <= max(KEPT_BYTES, KEPT_SHARE * free):
                break
            del self._made[path]
            _remove(path)
        return shutil.disk_usage(self.folder).free


def _remove(path: Path) -> None:
    """Delete inputs, or what there is of them; of a user's file, the link to it."""
    for file in path.parent.glob(f"{path.stem}.*"):
        if file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        else:
            file.unlink(missing_ok=True)


def _outcome(report: Report, timeout_s: float) -> Outcome:
    if report.answer is None:
        failed = report.failure(timeout_s)
    elif "outcome" in report.answer:
        failed = answer_as(Outcome, report.answer["outcome"])
    else:
        return Outcome("ok")
    return replace(failed, reason=f"its inputs could not be made: {failed.reason}")


def _remove_stale(place: Path) -> None:
    """Delete inputs that a killed run left behind."""
    for folder in place.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)
