# Everything runs in .venv, made from the pinned versions in requirements-dev.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test torture fuzz check format bench messages lock clean
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(READY): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=/path/to/python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: $(READY) ## the whole service with no account (ARGS="--script" or ARGS="--codex PATH")
	@$(BIN)/codex-gateway demo $(ARGS)

test: $(READY) ## all tests, those with the real Codex CLI included (ARGS="-k name")
	@tests/install_codex.sh
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

check: $(READY) ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

torture: $(READY) ## kills, stops and faults at random moments (ROUNDS=20 RUNS=500 STOPS=100 SEED=n)
	@tests/install_codex.sh
	@TORTURE_ROUNDS=$(or $(ROUNDS),20) TORTURE_RUNS=$(or $(RUNS),500) TORTURE_STOPS=$(or $(STOPS),100) TORTURE_SEED=$(SEED) \
		$(BIN)/python -m pytest -rP tests/house/test_torture.py tests/house/test_leaks.py tests/house/test_stopping.py $(ARGS)

bench: $(READY) ## what the gateway costs, as ratios in one run
	@tests/install_codex.sh
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(READY) ## a million damaged lines through what reads session files (ARGS="LINES SEED")
	@$(BIN)/python tests/codex/fuzz_million.py $(ARGS)

messages: $(READY) ## what the catalogues of other languages lack
	@$(BIN)/python tests/telegram/messages.py

lock: $(READY) ## renew the pinned versions
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe --extra dev -o requirements-dev.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe --extra proxy -o requirements.lock pyproject.toml

clean: ## remove what make made
	rm -rf $(VENV) .cache build dist .pytest_cache .mypy_cache .ruff_cache
