"""What a trial is asked for: names that both sides of the process boundary use."""

from __future__ import annotations

SCENARIO_FILE = "FERRYBENCH_SCENARIO_FILE"
"""Environment variable in which a trial tells its workers what it measures."""
