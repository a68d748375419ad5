"""Where claims stand: ``NAME.claims.toml`` beside a scenario's file, ``claims.toml`` in its folder.

They are data, so that a run can be judged where neither torch nor the scenario can be imported.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from harness.analysis.claims.declared import Claim
from harness.errors import UsageError
from harness.files.reading import opened, rest_of
from harness.journal.lines import Run
from harness.journal.paths import located
from harness.scenario.discover import built_in_files

FILE = "claims.toml"


class _Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    claim: tuple[Claim, ...]


def claims_file(scenario: Path) -> Path:
    """Where the claims of a scenario stand, a file or a folder; it need not exist."""
    return scenario.with_suffix(f".{FILE}") if scenario.suffix == ".py" else scenario / FILE


@cache
def built_in_claims() -> tuple[Claim, ...]:
    """Those of the scenarios that come with ferrybench, by number."""
    return _ordered(claims_in(file, file.stem) for file in built_in_files())


def claims_for(run: Run) -> tuple[Claim, ...]:
    """What is to be put to the test with a run: built-in claims, and those of a user's scenarios.

    Raises:
        UsageError: a file of claims cannot be used.
    """
    known = {file.stem for file in built_in_files()}
    own = [
        claims_in(located(info.path), info.name)
        for info in run.header.scenarios
        if run.header.ours and info.path and info.name not in known
    ]
    return _ordered([built_in_claims(), *own])


def claims_in(scenario: Path, name: str) -> tuple[Claim, ...]:
    """The claims beside one scenario; none where there is no file of them.

    Raises:
        UsageError: the file cannot be used; the message says what is wrong with it.
    """
    path = claims_file(scenario)
    if not path.is_file():
        return ()
    with opened(path) as stream:
        data = rest_of(stream, path)
    try:
        found = msgspec.convert(tomllib.loads(data.decode()), _Listed)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path}: {error}") from error
    return tuple(msgspec.structs.replace(one, scenario=name) for one in found.claim)


def _ordered(files: Iterable[tuple[Claim, ...]]) -> tuple[Claim, ...]:
    found: dict[str, Claim] = {}
    for claim in (claim for claims in files for claim in claims):
        if claim.code in found:
            raise UsageError(
                f"claim {claim.code} is declared beside {found[claim.code].scenario} "
                f"and beside {claim.scenario}"
            )
        found[claim.code] = claim
    return tuple(sorted(found.values(), key=lambda claim: _number(claim.code)))


def _number(code: str) -> tuple[int, str]:
    digits = "".join(letter for letter in code if letter.isdigit())
    return (int(digits) if digits else 0, code)
