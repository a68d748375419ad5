"""``python -m harness.bench``: see :mod:`harness.selfcheck.bench`."""

from __future__ import annotations

from harness.selfcheck.bench import main

if __name__ == "__main__":
    main()
