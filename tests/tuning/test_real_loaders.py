"""Loaders as people write them are gone through, watched, and give the same data to two workers."""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.host.host import Host
from harness.schema.loader import LoaderRequest, LoaderSetting
from harness.tuning.bench import Bench
from harness.tuning.same_data import compare_data

REAL = Path(__file__).with_name("real_loaders.py")
NEEDED = {"hdf5": "h5py", "zarr_store": "zarr"}


@pytest.mark.parametrize("name", ["pictures", "hdf5", "zarr_store", "tokens", "frame", "tuples"])
def test_a_loader_as_people_write_them(host: Host, tmp_path: Path, name: str) -> None:
    if name in NEEDED and find_spec(NEEDED[name]) is None:
        pytest.skip(f"needs {NEEDED[name]}")
    file = shutil.copy(REAL, tmp_path / "train.py")
    bench = Bench(host, LoaderRequest(file=str(file), name=name), name, time.monotonic() + 60)
    bench.seconds = 20.0
    watched = bench.run(LoaderSetting(0), "watched", batches=8)
    assert watched.stages is not None
    assert sum(one.batches for one in watched.stages.processes) == 16
    assert watched.batch_samples == 8
    one, two = (bench.run(LoaderSetting(workers), "data", batches=100).data for workers in (0, 2))
    assert one is not None
    assert two is not None
    assert one.ended
    assert compare_data(one, two, None).same == "same"
