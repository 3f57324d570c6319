# `make test` and `make local` set everything up by themselves; PYTHON names another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: setup local test lint types reference lock bench

setup: $(VENV)/ready

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=python3.13 ...")'
	@echo "setting up $(VENV), once"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

local: setup  ## the service on http://127.0.0.1:8000
	@$(BIN)/services local --port $(PORT)

test: setup lint types  ## everything that has to hold
	$(BIN)/python -m pytest -n auto --cov --cov-report=term

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

reference: setup  ## what is made from the models: the schema and the page
	@$(BIN)/services schema > schema/services.schema.json
	@$(BIN)/services schema --reference > docs/services-yaml.md

# Extras stay in the lock: with coverage==1 alone, older pips take coverage[toml] for unpinned as soon as there is a 2.
lock:  ## requirements.lock from pyproject.toml: hashes, and no index
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras \
		--extra local --group dev --output-file requirements.lock pyproject.toml

bench: setup  ## what it costs, against other frameworks where PEERS or PATH has them; writes bench/README.md
	@PATH="$(if $(PEERS),$(PEERS):)$$PATH" PYTHONPATH=. $(BIN)/python bench/report.py
