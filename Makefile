# Two commands for a start: `make report` and `make test`. Both may be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What most come for, in two minutes; "make report RUN_ARGS=--quick" measures everything.
RUN_ARGS ?= tensor_from_array loader_from_array --quick
LATEST := results/latest.jsonl
TEST_WORKERS ?= 2

# What is held against results/baseline-*.jsonl. Nothing is timed: memory and outcomes alone hardly
# vary from run to run. Both sides are measured with the same arguments.
GATES := conversions matrices
RUN_conversions := tensor_from_array array_from_tensor --quick --trials 0 --size 1MiB --seed 1
RUN_matrices := matrix_array_to_tensor matrix_tensor_to_array --set dtype=uint8,float32,complex64 --trials 0 --seed 1
GATE = PATH="$(abspath $(BIN)):$$PATH" GATE_FOLDER=reports/gate-$* GATE_LOOKS=30 docs/ci/gate.sh

.PHONY: report test test-most test-inline test-slow test-all test-again test-accelerator page-check lint types gate baseline bench-harness clean

report: $(READY)
	$(BIN)/ferrybench run $(RUN_ARGS) -o $(LATEST) --force
	$(BIN)/ferrybench report $(LATEST) -o reports/latest --force

# What is marked slow is left out here; CI runs it. Two processors are kept busy.
TEST = $(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal

# What is measured in the process of pytest itself comes in a session of its own: in one that has
# run thousands of tests, what its heap keeps free can leave memory unknown.
INLINE := tests/inline

test: test-most test-inline

test-most: $(READY)
	$(TEST) -m "not slow" --ignore $(INLINE)

test-inline: $(READY)
	$(TEST) -m "not slow" $(INLINE)

test-slow: $(READY)
	$(TEST) -m slow

test-all: test test-slow

# What failed beside other tests, once more and alone: another process may have disturbed what was
# measured. What fails again has failed.
test-again: $(READY)
	$(BIN)/pytest --last-failed --last-failed-no-failures none

# On a machine that has a device. Where torch is installed already and nothing is to be:
# make test-accelerator READY= BIN=FOLDER-OF-ITS-PYTHON
test-accelerator: $(READY)
	$(BIN)/python3 -m pytest -ra tests/accelerator

# Pages in headless Chromium with the network off. Needs a Chromium, and npm for axe-core, which finds
# what keeps people from reading; without either those tests are skipped, with the reason.
AXE := .page-check/node_modules/axe-core/axe.min.js
AXE_VERSION := 4.14.1

page-check: $(READY) $(AXE)
	$(BIN)/pytest tests/browser

$(AXE):
	npm install --silent --no-audit --no-fund --prefix .page-check axe-core@$(AXE_VERSION)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: $(READY)
	$(BIN)/mypy

gate: $(GATES:%=gate-%)

gate-%: $(READY)
	$(GATE) results/baseline-$*.jsonl ferrybench run $(RUN_$*) -o {}

baseline: $(GATES:%=baseline-%)

# What varies by chance shows only in several processes: a baseline has ten readings of each case, but
# one of a cell of a matrix, of which its outcome alone is asked.
baseline-%: $(READY)
	$(GATE) --store results/baseline-$*.jsonl ferrybench run $(RUN_$*) --memory-trials 10 -o {}

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
