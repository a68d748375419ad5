# Two commands for a start: `make report` and `make test`. Both may be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What most come for, in two minutes; "make report RUN_ARGS=--quick" measures everything.
RUN_ARGS ?= tensor_from_array loader_from_array --quick
LATEST := results/latest.jsonl

.PHONY: report test lint types bench-harness clean

report: $(READY)
	$(BIN)/ferrybench run $(RUN_ARGS) -o $(LATEST) --force
	$(BIN)/ferrybench report $(LATEST) -o reports/latest --force

test: $(READY)
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

bench-harness: $(READY)
	$(BIN)/python -m harness.bench

# torch comes first and by itself: of 2.13.0 and 2.13.0+cpu pip takes the latter wherever it can
# find it, and leaves several gigabytes of CUDA packages alone.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "ferrybench needs Python 3.11 or newer, and $(PYTHON) is %d.%d; try: make PYTHON=python3.12 $(MAKECMDGOALS)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $(READY)

clean:
	rm -rf $(VENV)
