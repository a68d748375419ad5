"""The command line: one module per verb, loaded when it is used.

Errors become one line on stderr and an exit code here, and nowhere else.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cyclopts import App, CycloptsError

from harness.cli.stopping import interrupted_once, stopped
from harness.cli.streams import lasting_streams
from harness.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_UNABLE, EXIT_USAGE, FerrybenchError
from harness.schema.texts import one_line
from harness.version import __version__

TRACEBACK = "FERRYBENCH_TRACEBACK"
"""The environment variable that asks for the whole of a fault in ferrybench itself."""

_VERBS = {
    "list": "Show scenarios, their parameters and strategies.",
    "run": "Measure, and write a journal.",
    "report": "Make a page, figures and a summary from a journal.",
    "explain": "What a code of a report means, such as FB002, and what to do about it.",
    "merge": "Make one run of journals that were measured apart.",
    "ab": "Compare two interpreters, environments or revisions, interleaved in one run.",
    "compare": "Is one run worse than another in memory, copies, page faults, outcomes or time?",
    "history": "Follow cases over many runs: what changed, in which run, and what else changed.",
    "claims": "What people say about moving data, put to the test by a run: each with its verdict.",
    "matrix": "Show which conversions share, copy, cast, warn, raise or abort.",
    "predict": "How long would it take at a size that a run did not measure?",
    "profile": "Where did it go: memory and time of one call, line by line.",
    "tune": "What does your own loader wait for, and which setting is best?",
    "advise": "Which way is best for your own data, and is it worth a change?",
    "export": "Write a journal's cases as CSV, as JSON or for other tools.",
    "doctor": "Is this machine fit to measure on, and how far can its numbers be trusted?",
}
_HELP = """Measure how data moves between NumPy and PyTorch, accurately and in isolation.

Start with: ferrybench run --quick, then ferrybench report. Sizes are written 64MiB, times 5m.

Exit codes: 0 done, 1 worse or unfit, 2 usage, 3 not judged, 4 unable, 130 interrupted.
"""


def build_app() -> App:
    """The program, with none of its verbs imported yet."""
    app = App(
        name="ferrybench",
        help=_HELP,
        version=__version__,
        help_format="plaintext",  # the markdown renderer takes a tenth of a second to import
        result_action="return_value",
    )
    for verb, summary in _VERBS.items():
        app.command(f"harness.cli.{verb}_verb:{verb}_command", name=verb, help=summary)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code."""
    try:
        code = build_app()(arguments, exit_on_error=False, print_error=False, help_on_error=False)
    except CycloptsError as error:
        return _fail(str(error), EXIT_USAGE)
    except FerrybenchError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)
    except MemoryError:
        return _fail("out of memory in ferrybench itself", EXIT_UNABLE)
    except OSError as error:  # such as no room for the temporary files of a host
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", EXIT_UNABLE)
    except Exception as error:  # noqa: BLE001 — or Python would end with 1, which says "worse"
        return _fail(_fault(error), EXIT_UNABLE)
    return code if isinstance(code, int) else EXIT_OK


def _fault(error: Exception) -> str:
    """A fault of ours, in one line that can be reported."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}"[:300]
    return (
        f"a fault in ferrybench itself, {what} ({Path(last.filename).name}:{last.lineno}); "
        f"please report it, with what {TRACEBACK}=1 shows"
    )


def _fail(message: str, code: int) -> int:
    print(f"ferrybench: {one_line(message)}", file=sys.stderr)  # noqa: T201
    return code


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of the ``ferrybench`` command, whose arguments are those of the process."""
    with lasting_streams() as streams, interrupted_once():
        code = streams.concluded(run(arguments))
    if code == EXIT_INTERRUPTED:
        stopped()
    sys.exit(code)
