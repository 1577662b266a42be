# Needs Python 3.10 or newer, make and git; what else is needed is fetched once.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO_ARGS ?=
TOX_ARGS ?=
BENCH_ARGS ?=
INTEGRATION_ARGS ?=
CHAOS_ARGS ?=

# pyenv shows only the selected Pythons under their names; these are all that it has.
empty :=
PYENV_PATH = $(subst $(empty) ,:,$(wildcard $(shell pyenv root 2>/dev/null)/versions/*/bin))

# Where ripgrep's wheel puts its program.
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all coverage lint bench integration-up integration-chaos docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Install the core and all plugins, editable, into .venv
	@$(PYTHON) tools/develop.py $(VENV)

demo: install ## Search real files with ripgrep through Drakkar (DEMO_ARGS="--path DIR")
	@$(PYTHON) tools/provision.py $(VENV) rg
	@$(BIN)/drakkar demo $(DEMO_ARGS)

test: $(BIN)/tox ## Run everything that CI runs: style, types and all tests
	@$(BIN)/tox run $(TOX_ARGS)

test-all: test ## The same, and the unit tests on every Python that is installed
	@PATH="$$PATH:$(PYENV_PATH)" $(BIN)/tox run -e unit-py310,unit-py311,unit-py312,unit-py313

coverage: $(BIN)/tox ## Say which lines the tests of tests/ never run
	@$(BIN)/tox run -e coverage

lint: $(BIN)/tox ## Check style, format, layers and types
	@$(BIN)/tox run -e lint,types

bench: install ## Measure messages/s and tasks/s beside bare loops
	@$(PYTHON) tools/provision.py $(VENV) cc
	@$(BIN)/python -m integration.bench $(BENCH_ARGS)

integration-up: install ## Run the integration environment, Ctrl-C ends it (INTEGRATION_ARGS)
	@$(PYTHON) tools/provision.py $(VENV) rg kafka mongo postgres prometheus redis
	@$(BIN)/python -m integration.stack up $(INTEGRATION_ARGS)

integration-chaos: ## Stop and start workers of the running environment; prove that nothing is lost
	@PATH="$(abspath $(BIN)):$$PATH" integration/chaos-test.sh $(CHAOS_ARGS)

docs: install ## Write the generated pages of docs/ anew
	@mkdir -p docs
	@$(BIN)/drakkar config docs > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md
	@$(BIN)/python -m drakkar.ui.reference docs/ui.md

clean: ## Remove environments, caches and reports
	rm -rf $(VENV) .tox .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name '*.egg-info' -prune -exec rm -rf {} +

$(BIN)/tox: | install
	@echo 'environment: installing tox'
	@$(BIN)/pip install --quiet --disable-pip-version-check 'tox>=4.23'
