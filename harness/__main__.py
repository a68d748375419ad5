"""``python -m harness`` is the same program as ``ferrybench``."""

from harness.cli import main

if __name__ == "__main__":
    main()
