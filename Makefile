# make demo: the whole job on drawn cells.
# make test: all tests, the documentation's build among them.
# make docs, make lint, make clean: as they say.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test docs lint clean

help:
	@sed -n "s/^# //p" Makefile

## The mark is made last: a set-up that was interrupted is done again.
$(VENV)/.ready-%: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable "$(if $(filter user,$*),.,.[$*])"
	touch $@

demo: $(VENV)/.ready-user
	$(BIN)/cellsk demo --output demo

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

docs: $(VENV)/.ready-dev
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_docstrings.py

clean:
	rm -rf $(VENV) demo docs/_build docs/auto_examples docs/api/generated build dist
