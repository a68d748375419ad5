"""What processes did when, as trace events, against what is known of the loader."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from harness.host.host import Host
from harness.schema.loader import LoaderRequest, LoaderSetting
from harness.trial.planted import users_loaders
from harness.tuning.bench import Bench
from harness.tuning.timeline import Event, events, write
from tests.some import some


@pytest.mark.parametrize("workers", [0, 2])
def test_every_span_of_a_row_ends_before_the_next(host: Host, tmp_path: Path, workers: int) -> None:
    file = shutil.copy(users_loaders.__file__, tmp_path / "train.py")
    request = LoaderRequest(file=str(file), name="sleeping", step_ms=1.0)
    bench = Bench(host, request, "train.py", time.monotonic() + 60)
    found: list[Event] = []
    bench.run(
        LoaderSetting(workers),
        "watched",
        batches=24,
        seconds=20.0,
        read=lambda folder: found.extend(events(folder)),
    )
    spans = [one for one in found if one["ph"] == "X"]
    named = {one["args"]["name"] for one in found if one["ph"] == "M"}
    assert named == ({"main"} if not workers else {"main", "worker 0", "worker 1"})
    counts = Counter(one["name"] for one in spans)
    expected = {"fetch": 48, "collate": 48, "wait for batch": 48, "step": 48}
    assert expected.items() <= counts.items()
    assert (counts["pickle"] > 0) == (workers > 0)
    rows = defaultdict(list)
    for one in spans:
        rows[one["pid"], one["tid"]].append((one["ts"], one["ts"] + one["dur"]))
    for row in some(rows.values()):
        for (_, end), (begin, _) in some(pairwise(sorted(row))):
            assert begin >= end - 1e-3
    path = tmp_path / "trace.json"
    write(found, path)
    assert len(json.loads(path.read_text())["traceEvents"]) == len(found)
