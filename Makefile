# Two commands do everything: `make demo` and `make test`. Both build .venv first and touch nothing else.
PYTHON  ?= python3
UV      ?= uv
SEED    ?= 1
SECONDS ?= 60
CHANNELS ?=
QUICK   ?=
BENCH_OUT ?= build

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Tests of the pure rules and of what happens in order: no I/O at all.
UNIT := tests/domain tests/usecases tests/workers
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-package payment-gateway-client pyproject.toml

.DEFAULT_GOAL := help

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml clients/python/pyproject.toml clients/loadtest/pyproject.toml
	@echo "Preparing $(VENV) (first time only, about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e clients/python -e clients/loadtest -e .
	@touch $@

venv: $(READY) ## Build the virtual environment .venv.

demo: $(READY) ## Show the gateway at work: real processes, a crash, and books that balance.
	@$(BIN)/python -m tests.demo

test: lint types ## Check everything: lint, types, and every test with a short campaign.
	@$(BIN)/python -m pytest

unit: $(READY) ## Run the tests without any I/O: a few seconds.
	@$(BIN)/python -m pytest --quiet $(UNIT)

campaign: $(READY) ## Break things on purpose: make campaign SEED=1 SECONDS=60 CHANNELS=sandbox,wechat.
	@$(BIN)/python -m tests.faults --seed $(SEED) --seconds $(SECONDS) $(if $(CHANNELS),--channels $(CHANNELS))

bench: $(READY) ## Measure against echo, textbook and pgbench: make bench QUICK=1 BENCH_OUT=folder.
	@$(BIN)/python -m tests.bench $(if $(filter-out 0,$(QUICK)),--quick) --out $(BENCH_OUT)

lint: $(READY) ## Check style and formatting.
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check || { echo "Not formatted; run: make format"; exit 1; }

types: $(READY) ## Check the types.
	@$(BIN)/mypy

format: $(READY) ## Format the code and mend what the linter can.
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

protos: $(READY) ## Generate the stubs anew after a change of a proto.
	@$(BIN)/python protos/generate.py

readme: $(READY) ## Write the generated parts of the README anew.
	@$(BIN)/python -m tests.readme

baseline: $(READY) ## Take the contract as released: later changes must be compatible with it.
	@$(BIN)/python -m pytest --quiet tests/protos
	@cp clients/python/paymentgateway/descriptors.binpb tests/protos/baseline.binpb

lock: ## Renew both locks (maintainers; needs uv). UPGRADE=--upgrade takes newer versions.
	@$(LOCK) $(UPGRADE) --all-extras --output-file requirements.lock
	@$(LOCK) --extra build --constraint requirements.lock --no-annotate --output-file requirements-image.lock

clean: ## Remove the virtual environment and every build product.
	rm -rf $(VENV) build clients/*/build *.egg-info clients/*/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find gateway clients protos tests -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help venv demo test unit campaign bench lint types format protos readme baseline lock clean
