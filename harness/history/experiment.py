"""``python -m harness.history.experiment``: see :mod:`harness.selfcheck.history_false_alarms`."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    runpy.run_module("harness.selfcheck.history_false_alarms", run_name="__main__", alter_sys=True)
