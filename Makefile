# make up    installs and starts everything on this machine
# make test  installs what the tests need and passes them

# Which Python: make PYTHON=python3.12 up. Empty: the first found from 3.11 on.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
CLAUDE_CODE := @anthropic-ai/claude-code@2.1.328
# Stamps live in the virtual environment: removing .venv forgets all of them, and a second run costs nothing.
UP := $(VENV)/.installed-up
DEV := $(VENV)/.installed-dev
NODE := $(VENV)/node/.installed-$(subst /,-,$(CLAUDE_CODE))

.DEFAULT_GOAL := help
.PHONY: help up install test check format bench chaos postgres-15 system clean

help:  ## say what there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

up: $(UP)  ## install and start everything: proxy 3000, dashboard 3001 (options: make up ARGS='--proxy-port 4000')
	@exec $(BIN)/footplate up $(ARGS)

install: $(DEV) $(NODE)  ## install what development and tests need

test: system $(DEV) $(NODE)  ## run the whole suite (part of it: make test ARGS=tests/core)
	$(BIN)/pytest $(ARGS)

postgres-15: system $(DEV)  ## run what touches Postgres again, on Debian's PostgreSQL 15
	FOOTPLATE_TEST_POSTGRES=/usr/lib/postgresql/15/bin $(BIN)/pytest -m 'postgres and not browser' $(ARGS)

check: $(DEV)  ## lint, types, and the architecture tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p core -p sql -p proxy -p dashboard -p deploy
	$(BIN)/pytest -q tests/architecture

format: $(DEV)  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV)  ## measure against a naive proxy and nginx in the same run (quick: make bench ARGS=--quick)
	$(BIN)/python -m tests.bench $(ARGS)

chaos: $(DEV)  ## the long kill loop: 200 kills under load, then count
	$(BIN)/python -m tests.chaos $(ARGS)

system:
	@.ci/system-packages

clean:  ## remove what make made here; the data folder stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@.ci/virtual-environment $(VENV) $(PYTHON)

$(UP): $(BIN)/python pyproject.toml requirements.lock
	$(PIP) --constraint requirements.lock --editable '.[embedded]'
	@touch $@

$(DEV): $(BIN)/python pyproject.toml requirements.lock
	$(PIP) --constraint requirements.lock --editable '.[dev]'
	@touch $@ $(UP)

# Real Claude Code for the tests that drive it. Its own updater and downloads stay off.
$(NODE): | $(BIN)/python
	@if command -v npm >/dev/null; then \
	  npm install --silent --no-fund --no-audit --prefix $(VENV)/node $(CLAUDE_CODE) && touch $@; \
	else echo 'npm is missing, and the tests that drive Claude Code need it: install nodejs and npm'; fi
