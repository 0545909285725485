# Plackett. `make` alone lists the commands; each sets up what it needs and is quick when nothing changed.

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# uv compiles nothing, so where Python may not keep what it compiles, every process would compile hundreds of modules.
unexport PYTHONDONTWRITEBYTECODE

# The first interpreter that is new enough, but not too new; plain python3 when none is, so that set-up can say so.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	then echo $$name; exit 0; fi; done; echo python3)

# Two test processes, each with servers of its own; a file's tests stay together, in the order they are collected.
AT_ONCE := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run dev test check test-unit test-all test-gpu test-chaos soak rlhf-sanity bench format lock screenshots openapi clean

define set_up
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
		echo "Python 3.11, 3.12 or 3.13 is needed: sudo apt-get install -y python3 python3-venv (or: brew install python@3.13)"; exit 1; }
	@$(PYTHON) scripts/bootstrap.py $(1)
endef

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: ## set everything up without starting anything
	$(call set_up,frontend)

run: ## start the whole service; Ctrl-C stops it
	$(call set_up,frontend)
	@exec $(BIN)/python -m app.cli up

dev: ## the same with a page that reloads as its sources change
	$(call set_up,node)
	@exec $(BIN)/python -m app.cli up --dev

test: check ## lint, types, architecture, the page's tests, the service's tests (under 15 minutes)
	$(call set_up,frontend browser)
	@cd frontend && npm test
	@$(BIN)/python -m pytest $(AT_ONCE) -m "not slow and not gpu"

check: ## lint, formatting, types, architecture, generated files
	$(call set_up,node)
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check --quiet
	@$(BIN)/python -m mypy
	@lint-imports
	@$(BIN)/python -m app.openapi .stamps/openapi.json
	@cmp -s .stamps/openapi.json frontend/openapi.json || { echo "frontend/openapi.json is not the API's: make openapi"; exit 1; }
	@cd frontend && npm run check

test-unit: ## pure tests: no servers, no browser (under 90 seconds)
	$(call set_up,python)
	@$(BIN)/python -m pytest -m "not servers and not browser and not commits and not slow and not gpu"

test-all: check ## everything that needs no GPU, the long tests too
	$(call set_up,frontend browser)
	@cd frontend && npm test
	@$(BIN)/python -m pytest $(AT_ONCE) -m "not gpu"

test-gpu: ## the tests that need a CUDA device
	$(call set_up,python)
	@$(BIN)/python -m pytest -m gpu

test-chaos: ## kill -9 everything, at random, a thousand times, and look at the books; stops and goes on: ARGS="--kills 200"
	$(call set_up,python)
	@$(BIN)/python -m tests.chaos $(ARGS)

soak: ## an hour of the loop with 50 simulated annotators: does anything grow? Shorter: ARGS="--minutes 5"
	$(call set_up,python)
	@$(BIN)/python -m tests.chaos.soak $(ARGS)

rlhf-sanity: ## nine controls that the engine learns what it is told and nothing else (under 20 minutes)
	$(call set_up,python)
	@RLHF_SANITY=full $(BIN)/python -m pytest tests/sanity -q

bench: ## every benchmark but gold, equal_learning and reward_quality (hours, data of yours), or one: NAME=first_loop ARGS=...
	$(call set_up,frontend)
	@for name in $(or $(NAME),$(filter-out gold reward_quality equal_learning,$(basename $(notdir $(shell grep -l __main__ benchmarks/*.py))))); do \
		$(BIN)/python -m benchmarks.$$name $(ARGS) || exit 1; done

format: ## format everything
	$(call set_up,node)
	@$(BIN)/python -m ruff format --quiet
	@$(BIN)/python -m ruff check --fix --quiet
	@cd frontend && npm run format

lock: ## resolve the Python packages anew (needs the network)
	$(call set_up,python)
	@$(BIN)/python scripts/lock.py

openapi: ## write the API's description and the page's types from it
	$(call set_up,node)
	@$(BIN)/python -m app.openapi
	@cd frontend && npm run openapi

screenshots: ## take the pictures in docs/images (starts a service of its own)
	$(call set_up,frontend browser)
	@test -d .screenshots || $(BIN)/python -m benchmarks.first_loop --keep .screenshots
	@$(BIN)/python -m scripts.screenshots .screenshots

clean: ## remove what set-up made; keeps .plackett, your data
	rm -rf $(VENV) .stamps frontend/node_modules frontend/dist
