"""A user's scenario that is a folder: its workers, the places of failures, its sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.cli import run
from harness.host.host import Host
from harness.run.session import describe
from harness.schema.records import HostSpec, Outcome
from tests.lab import Lab

INIT = """
import numpy as np
from harness import Scenario

scenario = Scenario(
    "NAME",
    question="Is it fed?",
    baseline="loads",
    epochs=True,
    parameters={"size": 65536, "num_workers": 2, "start_method": "fork"},
    groups={"fed": "if NAME is fed", "left": "if it is left"},
)

@scenario.inputs
def rows(size):
    return np.arange(size // 4, dtype=np.float32).reshape(16, -1)

@scenario.check
def right(rows, batches):
    assert np.array_equal(np.concatenate([batch.numpy() for batch in batches]), SIGN * rows)
"""
DATASETS = """
from torch.utils.data import DataLoader, Dataset

class Rows(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return SIGN * self.rows[index]

class Broken(Rows):
    def __getitem__(self, index):
        raise ValueError("not today")

def loader(dataset, num_workers, start_method):
    return DataLoader(
        dataset, 4, num_workers=num_workers, multiprocessing_context=start_method
    )
"""
WAYS = """
from . import scenario
from .datasets import Broken, Rows, loader

@scenario.strategy(group="fed")
def loads(rows, num_workers, start_method):
    return loader(Rows(rows), num_workers, start_method)

@scenario.strategy(group="left")
def breaks(rows, num_workers, start_method):
    return loader(Broken(rows), num_workers, start_method)

@scenario.strategy(group="left")
def dies(rows):
    import os
    os.abort()
"""


def feeding(folder: Path, name: str, sign: int) -> str:
    folder.mkdir(parents=True)
    for stem, text in (("__init__", INIT), ("datasets", DATASETS), ("ways", WAYS)):
        (folder / f"{stem}.py").write_text(text.replace("NAME", name).replace("SIGN", str(sign)))
    return str(folder)


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lab]]:
    """Two scenarios, in folders of one name whose files have the same names too."""
    folder = tmp_path_factory.mktemp("folders")
    there = {
        "mine": Path(feeding(folder / "a" / "own", "mine", 1)),
        "yours": Path(feeding(folder / "b" / "own", "yours", -1)),
    }
    with Host(HostSpec(), list(there.values())) as host:
        host.preload_scenarios()
        yield {name: Lab(host, folder, path, name) for name, path in there.items()}


def outcome(lab: Lab, strategy: str, start_method: str = "spawn") -> Outcome:
    report = lab.measure(
        strategy, timeout_s=300, size=65536, num_workers=1, start_method=start_method
    )
    if report.answer is None:
        return report.failure(300)
    return msgspec.convert(report.answer["outcome"], Outcome)


@pytest.mark.parametrize("name", ["mine", "yours"])
def test_workers_in_new_interpreters_find_the_datasets_of_the_folder(
    name: str, labs: dict[str, Lab]
) -> None:
    assert outcome(labs[name], "loads") == Outcome("ok")


def test_so_do_workers_of_a_fork_server(labs: dict[str, Lab]) -> None:
    assert outcome(labs["mine"], "loads", "forkserver") == Outcome("ok")


def test_a_failure_is_placed_in_the_file_of_the_folder(labs: dict[str, Lab]) -> None:
    line = 1 + DATASETS.splitlines().index('        raise ValueError("not today")')
    broken = outcome(labs["yours"], "breaks")
    assert broken.name == "error"
    assert broken.where == f'own/datasets.py:{line}: raise ValueError("not today")'
    died = outcome(labs["mine"], "dies")
    assert died.name == "crash"
    assert died.where.startswith("own/ways.py:")
    assert died.where.endswith(": os.abort()")


def test_a_folder_is_described_with_whole_sources_and_the_meaning_of_its_groups(
    labs: dict[str, Lab],
) -> None:
    paths = [lab.file for lab in labs.values()]
    for info, sign in zip(describe(labs["mine"].host, paths), (1, -1), strict=True):
        assert info.meaning("fed") == f"if {info.name} is fed"
        text = info.strategy("loads").source
        for part in ("class Rows(Dataset):", "import DataLoader, Dataset", f"return {sign} * self"):
            assert part in text


def test_what_is_wrong_with_a_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(feeding(tmp_path / "own", "mine", 1))
    (folder / "ways.py").write_text("def broken(:\n")
    assert run(["list", "--scenarios", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{folder / 'ways.py'}, line 1: invalid syntax" in line
