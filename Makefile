# Two commands matter: `make demo` and `make test`. Both set up everything they need in .venv and say so.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test test-slow bench lint release clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	@echo "==> tuner demo: the practice journey, for real (about three minutes; nothing leaves this machine)"
	@$(BIN)/tuner demo $(ARGS)

test: $(VENV)/.installed-dev lint
	@echo "==> tests (pytest)"
	@$(BIN)/python -m pytest $(ARGS)

test-slow: $(VENV)/.installed-dev
	@echo "==> slow tests (pytest -m slow)"
	@$(BIN)/python -m pytest -m slow $(ARGS)

bench: $(VENV)/.installed-dev
	@echo "==> measurements (tests/bench)"
	@$(BIN)/python -m pytest -m bench tests/bench $(ARGS)

lint: $(VENV)/.installed-dev
	@echo "==> style (ruff)"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@echo "==> types (mypy --strict)"
	@$(BIN)/mypy --no-error-summary
	@echo "==> import contracts (lint-imports)"
	@$(BIN)/lint-imports > $(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "tuner needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> virtual environment in $(VENV) ($$($(PYTHON) --version))"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "==> installing tuner and what it needs (torch, transformers, trl, textual, ...): a few minutes the first time"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "==> installing the test tools (pytest, ruff, mypy, ...)"
	@$(PIP) --editable '.[dev]'
	@touch $@

release: $(VENV)/.installed
	@echo "==> wheel, SBOM, licences and known faults of the pins, in dist/"
	@$(PYTHON) -m venv $(VENV)-release
	@$(VENV)-release/bin/python -m pip --disable-pip-version-check install --quiet 'cyclonedx-bom>=7' 'pip-audit>=2.9' 'pip-licenses>=5'
	@$(VENV)-release/bin/python tests/release.py $(BIN)/python

clean:
	rm -rf $(VENV) $(VENV)-release dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
