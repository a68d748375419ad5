"""Start a host in any interpreter that has torch: ``PYTHON bootstrap.py server|once|rank``.

The interpreter need not have ferrybench installed, and must not see the packages installed beside
it: the harness is loaded from its own folder, and no folder is added to ``sys.path``.

Workers that a trial starts by spawn or forkserver import this file again, as multiprocessing has
it, under the name ``__mp_main__``. It then stands for a user's own script: the one scenario that
is measured is imported, and torch with it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def load_harness(folder: Path) -> None:
    """Make ``import harness`` find this very folder, whatever ``sys.path`` says."""
    spec = importlib.util.spec_from_file_location(
        "harness", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} holds no harness")
    module = importlib.util.module_from_spec(spec)
    sys.modules["harness"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    own_folder = Path(__file__).resolve().parent
    # A script's folder comes first on sys.path, where clock.py or memory.py could shadow others.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != own_folder]
    load_harness(own_folder.parent)
    if sys.argv[1] == "rank":  # which torchrun has started
        from harness.trial.base.process import die_with

        die_with(int(sys.argv[2]))  # before torch is imported, which takes seconds
        from harness.trial.ranks import program

        program.main(sys.argv[3:])
        sys.exit()
    from harness.trial.timing.heap_layout import take_layout

    take_layout()
    from harness.trial import server

    server.main(sys.argv[1:])
elif __name__ == "__mp_main__":
    load_harness(Path(__file__).resolve().parent.parent)
    from harness.scenario.discover import load
    from harness.schema.request import SCENARIO_FILE

    if SCENARIO_FILE in os.environ:  # else it is a user's file, which workers find by name
        load(Path(os.environ[SCENARIO_FILE]))
