"""Sums of PSS agree with what datasets and their copies weigh, and a bent sum does not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import pytest

from harness.host.host import Host, Report
from harness.schema.records import HostSpec
from harness.schema.request import TaskRequest, VersionsRequest
from harness.selfcheck.tree_accuracy import TREE_TRUTHS, tree_checks

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="process trees are watched on Linux only"
)


@pytest.mark.parametrize("workers", [1, 3])
def test_sum_pss_is_what_the_dataset_and_its_copies_weigh(workers: int, host: Host) -> None:
    checks = list(tree_checks(host, workers=(workers,)))
    assert len(checks) == len(TREE_TRUTHS)
    assert [check for check in checks if not check.ok] == []


def test_the_truths_hold_whatever_start_method_a_python_prefers(tmp_path: Path) -> None:
    """From 3.14 on it is forkserver; here every Python is made to prefer it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import multiprocessing\nmultiprocessing.set_start_method('forkserver')\n"
    )
    with Host(HostSpec("default", "", {"PYTHONPATH": str(tmp_path)})) as host:
        assert host.ask(VersionsRequest())["start_method"] == "forkserver"
        checks = list(tree_checks(host, workers=(2,)))
    assert [check for check in checks if not check.ok] == []


class BentHost:
    """Answers like a host whose observer adds up resident memory, which shares nothing."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def ask(self, request: TaskRequest) -> dict[str, Any]:
        return self.host.ask(request)

    def call(self, *arguments: Any, **options: Any) -> Report:
        report = self.host.call(*arguments, **options)
        assert report.answer is not None
        idle = report.answer["tree"]["idle"]
        idle["pss"]["anon_bytes"] = idle["rss_bytes"]
        return report


def test_a_sum_of_rss_is_caught(host: Host) -> None:
    checks = list(tree_checks(cast("Host", BentHost(host)), workers=(2,)))
    assert "array shared by 2 workers, 64 MiB" in [c.name for c in checks if not c.ok]
