"""Mutations are no use once the code that they change has moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.patches import ROOT, Mutation, mutations


def test_every_patch_applies_and_names_tests_that_exist() -> None:
    refused = {one.name: said for one in mutations() if (said := one.apply(ROOT, "--check"))}
    assert not refused


def test_a_patch_of_code_that_has_moved_is_refused(tmp_path: Path) -> None:
    stale = tmp_path / "stale.patch"
    stale.write_text(
        "Tests: tests/stats\n\n--- a/harness/units.py\n+++ b/harness/units.py\n"
        "@@ -1 +1 @@\n-this line was never there\n+nor this one\n"
    )
    assert "harness/units.py" in Mutation.of(stale).apply(ROOT, "--check")


@pytest.mark.parametrize(
    "first",
    ["", "Tests:", "Tests: tests/nowhere.py", "--- a/harness/x.py", "Tests: tests/lab.py::nothing"],
)
def test_a_patch_must_name_tests(tmp_path: Path, first: str) -> None:
    patch = tmp_path / "silent.patch"
    patch.write_text(f"{first}\n")
    with pytest.raises(ValueError, match=r"silent\.patch"):
        Mutation.of(patch)
