"""What a page says of lines."""

from __future__ import annotations

import pytest

from harness.trial.profiling import lines_page as at


@pytest.mark.parametrize(("flags", "known"), [(0, 0), (at.ROOM_UNKNOWN, None)])
def test_what_malloc_does_not_report_is_not_known(flags: int, known: int | None) -> None:
    page = at.LinesPage()
    page.write_text({"files": [], "functions": [], "source": "", "allocator": "another"})
    page.words[at.ROWS] = 1
    page.words[page.row_at(0) + at.R_FLAGS] = flags
    (row,) = page.read()["rows"]
    assert (row["heap_bytes"], row["room_bytes"]) == (known, known)
