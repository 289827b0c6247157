# Two commands do it all on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TESTS  ?= tests
# Processes that run tests: one more than there are cores, since scenarios wait for servers now and then. A file is one
# process's, since its tests share servers and databases; files start in order, so that the folders with long tests come
# first, and the many small ones of tests/unit fill the end.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
PYTEST := $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# In these somebody waits in front of a browser, or for a server that died: others' load must not be what they wait for.
ALONE  := tests/browser tests/integration/test_kill.py

.DEFAULT_GOAL := help
.PHONY: help demo test lint format schema bench clean servers

help: ## list these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: $(VENV)/.runtime ## the main job on a laptop, in the browser
	$(BIN)/gatekeeper demo

test: servers $(VENV)/.dev ## the whole suite, installing what it needs (pick some with TESTS=tests/unit)
ifeq ($(TESTS),tests)
	$(BIN)/pytest $(ALONE)
	$(PYTEST) $(TESTS) $(addprefix --ignore=,$(ALONE))
else
	$(PYTEST) $(TESTS)
endif

lint: $(VENV)/.dev ## style, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schema: $(VENV)/.dev ## write the JSON Schema of policy files anew, from the models and docs/policy-reference.md
	$(BIN)/python -m gatekeeper.policy.schema <docs/policy-reference.md >src/gatekeeper/policy/schema.json

bench: servers $(VENV)/.dev ## the figures of docs/benchmarks.md and docs/accuracy.md, measured here
	$(BIN)/python benchmarks/refresh_cost.py
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/webhook_ack.py
	$(BIN)/python benchmarks/flips.py
	$(BIN)/python benchmarks/backtest.py
	$(BIN)/python benchmarks/validate.py

clean: ## remove what these commands made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

servers:
	@tests/servers.sh

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[postgresql]' --group dev
	@touch $@ $(VENV)/.runtime
