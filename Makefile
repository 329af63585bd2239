# Everything a newcomer needs. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make

.DEFAULT_GOAL := help
.PHONY: help demo test up check bench format clean

help:  ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: $(STAMPS)/run  ## The whole way once: three bots, three sandbox helpdesks, their tickets
	$(BIN)/baton demo

up: $(STAMPS)/run  ## Run everything on this machine until Ctrl-C
	$(BIN)/baton up

test: $(STAMPS)/dev  ## Every test
	$(BIN)/pytest -q -n auto --dist loadfile --ignore=tests/journeys --ignore=tests/gateway/torture/test_storm.py --ignore=tests/gateway/torture/test_timers.py
	$(BIN)/pytest -q -n 2 tests/journeys tests/gateway/torture/test_storm.py tests/gateway/torture/test_timers.py  # each starts a whole installation

check: $(STAMPS)/dev  ## Format, lint, types, the starter policy and its tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/baton policy check policies/starter
	$(BIN)/baton policy test policies/starter

bench: $(STAMPS)/dev  ## All benchmarks (docs/benchmarks.md)
	$(BIN)/python -m benchmarks.intake
	$(BIN)/python -m benchmarks.worker
	$(BIN)/python -m benchmarks.policy
	$(BIN)/python -m benchmarks.replay
	$(BIN)/python -m benchmarks.sla
	$(BIN)/python -m benchmarks.vendors
	$(BIN)/python -m benchmarks.sla_rows

format: $(STAMPS)/dev  ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what make and tests have made
	rm -rf $(VENV) $(STAMPS) var .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Baton needs Python 3.11 or newer; name one with PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[postgres,dev]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/run
