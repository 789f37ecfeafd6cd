# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test sanitize clean

help:
	@echo "make demo      set up, train on the shipped data, rank a few texts"
	@echo "make test      set up, lint, type-check, run every test"
	@echo "make sanitize  run the native tests under address and undefined-behaviour sanitizers"
	@echo "make clean     remove everything that was built"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

setup: $(BIN)/python
	$(BIN)/python -m pip install --quiet .

demo: setup
	$(BIN)/arborank demo --force

test: setup
	$(BIN)/python -m pip install --quiet --group test --group lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

sanitize: $(BIN)/python
	$(BIN)/python -m pip install --quiet "numpy>=2.0" scipy scikit-learn click tqdm nanobind cmake ninja
	$(BIN)/python -m pip install --quiet --group test
	PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/sanitize.sh

clean:
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache demo-model
