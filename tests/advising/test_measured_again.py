"""The command that is printed to be typed again writes nothing."""

from __future__ import annotations

import pytest

from harness.cli.advise_verb import _without_output

PLAIN = ["advise", "to-tensor", "--npy", "output.npy", "--offset", "8", "--only", "from_numpy"]


@pytest.mark.parametrize("option", ["-o advice.py", "--output advice.py", "--output=a.py", "-o=a"])
@pytest.mark.parametrize("place", [2, 4, len(PLAIN)])
def test_where_the_code_goes_is_left_out(option: str, place: int) -> None:
    given = [*PLAIN[:place], *option.split(), *PLAIN[place:], "--force"]
    assert _without_output(given) == PLAIN
