# Every target sets up by itself; `make setup` reruns only what changed.
.PHONY: help setup demo test test-fast lint format docs
PYTHON ?= python3

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## virtual environment, ROS 2, interfaces
	@$(PYTHON) deploy/setup_environment.py

demo: setup  ## one whole mission in the embedded simulator
	@.venv/bin/tenacious demo

# Cores side by side; nodes one after the other, for they run against the clock.
SIDE_BY_SIDE = -n logical --maxprocesses 8 --dist worksteal

test: setup  ## all tests
	@failed=0; \
	.venv/bin/python -m pytest -m "not ros" $(SIDE_BY_SIDE) || failed=1; \
	.venv/bin/python -m pytest -m ros || failed=1; \
	exit $$failed

test-fast: setup  ## tests of the cores: no ROS, no missions
	@.venv/bin/python -m pytest -m "not ros and not mission" $(SIDE_BY_SIDE)

lint: setup  ## style, types and import rules
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy tenacious_rover && .venv/bin/lint-imports

format: setup  ## format the sources
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

docs: setup  ## how-tos and reference, as pages in site/
	@.venv/bin/python docs/reference.py && .venv/bin/mkdocs build --quiet && echo "docs: site/index.html"

bench-%: setup  ## a benchmark, such as make bench-sim
	@.venv/bin/tenacious bench $*
