"""Trials of work whose cost is known beforehand: the scenarios of
:mod:`harness.trial.planted.memory`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from harness.host.host import OBSERVED_FOR, Host
from harness.scenario.declaration import TINY_BYTES
from harness.schema.records import Effort, TrialKind, Value
from harness.trial.limit.memory_limit import LimitRequest

TRUTHS_FILE = Path(__file__).resolve().parents[1] / "trial" / "planted" / "memory.py"
TREE_TRUTHS_FILE = TRUTHS_FILE.with_name("process_tree.py")
STALL_TRUTHS_FILE = TRUTHS_FILE.with_name("stalls.py")
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
    ) -> tuple[dict[str, Any], float, str]:
        """The trial's record, the seconds it took, and the reason when it failed."""
        name, value = next(iter(parameters.items()))
        tiny = self._inputs(file, scenario, name, TINY_BYTES if name == "size" else value)
        request = {
            "path": str(file),
            "scenario": scenario,
            "strategy": strategy,
            "parameters": parameters,
            "threads": 1,
            "effort": asdict(Effort(trials=1, steady_s=steady_s, timeout_s=_TIMEOUT_S)),
            "kind": kind,
            "fixture": self._inputs(file, scenario, name, value),
            "tiny_fixture": tiny,
            "bound": asdict(bound) if bound else None,
        }
        report = self.host.call(
            "measure",
            request,
            _TIMEOUT_S,
            observe=OBSERVED_FOR.get(kind, ""),
            grouped=bound is not None and bound.limit == "cgroup",
        )
        if report.answer is None:
            return {}, report.wall_s, report.failure(_TIMEOUT_S).reason
        return report.answer, report.wall_s, report.answer["outcome"]["reason"]

    def _inputs(self, file: Path, scenario: str, name: str, value: Value) -> str:
        made = self.folder / f"{scenario}-{value}.bin"
        if not made.exists():
            request = {
                "path": str(file),
                "scenario": scenario,
                "parameters": {name: value},
                "seed": 0,
                "file": str(made),
            }
            self.host.ask("make", request)
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
