# Two commands do everything on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

CLIENTS := python-binance binance-sdk-spot freqtrade

# Where it is set, as in many containers, each of the processes that tests start would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test fuzz soak torture test-clients advisors lint bench lock clean

# --no-compile: most of the packages' modules are never imported, ccxt's hundred exchanges above all.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Holdfast needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@echo "Setting up $(VENV): once, about half a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP)

demo: $(STAMP)
	@$(BIN)/holdfast demo

test: $(STAMP) lint
	@tests/database/install_postgresql_15.sh
	@tests/relay/install_rabbitmq.sh
	@tests/supabase/install_pgbouncer.sh
	$(BIN)/python -m pytest

# What the OpenAPI document promises, asked 5,000 times with new requests each run; `make test` asks 300.
CASES ?= 5000
fuzz: $(STAMP)
	HOLDFAST_FUZZ_CASES=$(CASES) $(BIN)/python -m pytest -n 0 tests/daemon/test_openapi.py

# Everything that docs/torture.md tells of; the defaults are a full run, which takes about an hour.
SEED ?= 1
SCHEDULES ?= 10000
PAIRS ?= all
KILLS ?= 200
DB_KILLS ?= 50
MINUTES ?= 0
torture: $(STAMP)
	$(BIN)/python -m tests.torture.run --seed $(SEED) --schedules $(SCHEDULES) --pairs $(PAIRS) --kills $(KILLS) --db-kills $(DB_KILLS) --minutes $(MINUTES)

# Other people's clients, each in an environment of its own; they only meet the paper exchange over the wire.
test-clients: $(STAMP)
	@$(MAKE) --no-print-directory -j$(words $(CLIENTS)) $(CLIENTS:%=.venv-clients/%/.installed)
	$(BIN)/python -m pytest -n 0 --durations=0 tests/clients

# The locks are whole, so nothing is left to resolve; one of freqtrade's packages comes as source only and is
# built with the locked setuptools.
.venv-clients/%/.installed: tests/clients/%.lock tests/clients/setuptools.lock
	@echo "Setting up .venv-clients/$*"
	@$(PYTHON) -m venv .venv-clients/$*
	@.venv-clients/$*/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --require-hashes -r tests/clients/setuptools.lock
	@.venv-clients/$*/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r $<
	@touch $@

# What Supabase's own command line says of a deployed database: its advisors, and its migration history.
advisors: $(STAMP) .venv-clients/supabase/.installed
	$(BIN)/python -m pytest -n 0 -m supabase_cli tests/supabase/test_cli.py

.venv-clients/supabase/.installed: tests/supabase/cli/package.json tests/supabase/cli/package-lock.json
	@echo "Setting up .venv-clients/supabase"
	@mkdir -p .venv-clients/supabase
	@cp $^ .venv-clients/supabase/
	@cd .venv-clients/supabase && npm ci --no-audit --no-fund --silent
	@touch $@

# The feed at length: 100,000 events of two tenants to clients that reconnect over a hundred restarts.
soak: $(STAMP)
	HOLDFAST_FEED_EVENTS=100000 HOLDFAST_FEED_RECONNECTS=100 $(BIN)/python -m pytest -n 0 --durations=0 tests/feed/test_feed_restarts.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Ratios, each against a reference in the same run; docs/benchmarks.md tells how to read them.
bench: $(STAMP)
	-$(BIN)/python benchmarks/lifecycle.py
	-$(BIN)/python benchmarks/coalesced.py
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/paper_exchange.py

# Needs pip-tools' or uv's resolver; the lock names no registry.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra dev -q pyproject.toml -o requirements.lock
	for package in $(CLIENTS) setuptools; do echo $$package | uv pip compile --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q - -o tests/clients/$$package.lock; done

clean:
	rm -rf $(VENV) .venv-clients build *.egg-info
