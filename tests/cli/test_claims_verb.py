"""``ferrybench claims``: what it prints and writes, and how it ends."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from harness.cli import run
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_USAGE
from tests.made_claims import OWN, write_moving

RESULTS = Path(__file__).parents[2] / "results"
TRANSFERS = RESULTS / "h200-transfers.jsonl"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return write_moving(tmp_path)


@pytest.fixture
def own(journal: Path) -> Path:
    (journal.parent / "moving.claims.toml").write_text(OWN)
    return journal


def test_claims_about_devices_are_answered_from_a_device(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["claims", str(TRANSFERS), "--claim", "41", "--claim", "42"]) == EXIT_OK
    text = capsys.readouterr().out
    assert "41  confirmed  Pinned memory always speeds up" in text
    assert "42  refuted    non_blocking=True is safe" in text
    assert "not_waited, right in every trial: no at 6 places; claimed yes" in text
    assert text.splitlines()[-1].endswith("1 confirmed, 1 refuted, 0 depends, 0 undecided")


def test_without_a_device_they_are_undecided_with_the_command(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["claims", str(journal), "--claim", "41"]) == EXIT_NOT_JUDGED
    text = capsys.readouterr().out
    assert "needs an accelerator; about" in text
    assert ": ferrybench run --quick host_to_device/pinned_to host_to_device/pageable_to" in text


def test_claims_of_ones_own_stand_beside_the_scenario(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["claims", str(own)]) == EXIT_OK
    assert "1001  confirmed  The other one is faster." in capsys.readouterr().out


def test_several_runs_stand_side_by_side(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(own), str(TRANSFERS)]
    assert run(["claims", *paths, "--claim", "41", "--claim", "42"]) == EXIT_OK
    text = capsys.readouterr().out
    rows = [line.split()[:3] for line in text.splitlines()]
    assert ["41", "undecided", "confirmed"] in rows
    assert ["42", "undecided", "refuted"] in rows
    assert "NVIDIA H200" in text


def test_exports_have_every_claim_and_every_figure(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["claims", str(own), "--claim", "1001", "--format", "csv"]) == EXIT_OK
    (row,) = csv.DictReader(StringIO(capsys.readouterr().out))
    assert (row["claim"], row["verdict"], row["scenario"]) == ("1001", "confirmed", "moving")
    path = own.parent / "claims.json"
    assert run(["claims", str(own), "--format", "json", "-o", str(path)]) == EXIT_OK
    (one,) = json.loads(path.read_text())
    found = {claim["claim"]: claim for claim in one["claims"]}
    (part,) = found["1001"]["parts"]
    assert [place["holds"] for place in part["places"]] == [True, True]
    assert part["places"][0]["value"] == pytest.approx(0.5)
    assert found["31"]["command"].startswith("ferrybench run")
    assert run(["claims", str(own), "--format", "json", "-o", str(path)]) == EXIT_USAGE


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (OWN.replace("at_most", "at_mots"), "at_mots"),
        (OWN.replace('"time"', '"speed"'), "no metric 'speed'"),
        (OWN.replace('"1001"', '"31"'), "claim 31 is declared beside"),
        (OWN + "=", "moving.claims.toml"),
    ],
    ids=["key", "metric", "number", "syntax"],
)
def test_a_file_of_claims_that_cannot_be_used_is_one_line(
    journal: Path, capsys: pytest.CaptureFixture[str], changed: str, said: str
) -> None:
    (journal.parent / "moving.claims.toml").write_text(changed)
    assert run(["claims", str(journal)]) == EXIT_USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_an_unknown_number_and_an_output_without_a_format_are_refused(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["claims", str(journal), "--claim", "0"]) == EXIT_USAGE
    assert "there is no claim '0'" in capsys.readouterr().err
    assert run(["claims", str(journal), "-o", "x.txt"]) == EXIT_USAGE
    assert "--format" in capsys.readouterr().err
