"""Trials of work whose cost is known beforehand: the scenarios of
:mod:`harness.trial.planted.memory`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.host.answers import answer_as
from harness.host.host import OBSERVED_FOR, Host
from harness.scenario.declaration import TINY_BYTES
from harness.schema.records import Effort, Found, TrialKind, Value
from harness.schema.request import InputsRequest, LimitRequest, TrialRequest

TRUTHS_FILE = Path(__file__).resolve().parents[1] / "trial" / "planted" / "memory.py"
TREE_TRUTHS_FILE = TRUTHS_FILE.with_name("process_tree.py")
STALL_TRUTHS_FILE = TRUTHS_FILE.with_name("stalls.py")
LUCK_FILE = TRUTHS_FILE.with_name("luck.py")
_TIMEOUT_S = 60.0
_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
_PIECE = b"\1" * 1024**2


class Planted:
    """Runs trials of the planted scenarios on one host."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def trial(
        self,
        scenario: str,
        strategy: str,
        parameters: dict[str, Value],
        *,
        kind: TrialKind = "memory",
        steady_s: float = 0.0,
        file: Path = TRUTHS_FILE,
        bound: LimitRequest | None = None,
        layout_seed: int | None = None,
    ) -> tuple[Found | None, float, str]:
        """What the trial found out, the seconds it took, and the reason when it failed."""
        name, value = next(iter(parameters.items()))
        tiny = self._inputs(file, scenario, name, TINY_BYTES if name == "size" else value)
        request = TrialRequest(
            path=str(file),
            scenario=scenario,
            parameters=parameters,
            strategy=strategy,
            kind=kind,
            effort=Effort(trials=1, steady_s=steady_s, timeout_s=_TIMEOUT_S),
            threads=1,
            fixture=self._inputs(file, scenario, name, value),
            tiny_fixture=tiny,
            bound=bound,
            layout_seed=layout_seed,
        )
        report = self.host.call(
            request,
            _TIMEOUT_S,
            observe=OBSERVED_FOR.get(kind, ""),
            grouped=bound is not None and bound.limit == "cgroup",
        )
        if report.answer is None:
            return None, report.wall_s, report.failure(_TIMEOUT_S).reason
        found = answer_as(Found, report.answer)
        return found, report.wall_s, found.outcome.reason

    def _inputs(self, file: Path, scenario: str, name: str, value: Value) -> str:
        made = self.folder / f"{scenario}-{value}.bin"
        if not made.exists():
            self.host.ask(InputsRequest(str(file), scenario, {name: value}, 0, str(made)))
        return str(made)


@contextmanager
def planted(host: Host) -> Iterator[Planted]:
    """The planted scenarios, with a folder on a real disk for as long as they are measured."""
    with tempfile.TemporaryDirectory(prefix="ferrybench-truths-", dir=_folder_on_disk()) as folder:
        yield Planted(host, Path(folder))


def _folder_on_disk() -> str:
    """A folder for temporary files whose mapped pages count as file pages: not in memory."""
    mounts = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    for folder in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()):  # noqa: S108
        path = folder.resolve()
        mounted = next((str(p) for p in (path, *path.parents) if str(p) in mounts), "")
        if path.is_dir() and mounts.get(mounted) not in _IN_MEMORY:
            return str(path)
    return tempfile.gettempdir()


def write_file(file: Path, size: int) -> None:
    """A file of ``size`` bytes, none of them zero, so that no file system leaves holes in it."""
    with file.open("wb") as stream:
        for start in range(0, size, len(_PIECE)):
            stream.write(_PIECE[: size - start])
