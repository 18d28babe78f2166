# The two commands that matter: `make bench` and `make test`. Both set up .venv once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
SUITE  ?= quick
DSN    ?=
# Much of what a test takes is waiting: for a server, for a window, for an outage to end.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 3 // 2)')

.PHONY: help setup browser bench reference readme test test-all lint bench-micro evidence planted-bugs peers dist lock clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) browser ## Create .venv with the pinned packages, and install Chromium where one may

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "outboxbench needs Python 3.11 or later: call make with PYTHON=/path/to/python3.11" >&2; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Reports are tested in Debian's Chromium; who may not install it goes without those tests.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	       && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "no Chromium: the tests of reports in a browser will be skipped (apt-get install chromium)" >&2

bench: $(READY) ## Run the suite `quick` (SUITE=…) on the embedded server (DSN=… for your own)
	@$(BIN)/outboxbench run $(SUITE) $(if $(DSN),--dsn "$(DSN)")

reference: $(READY) ## Reduce a run (RUN=results/runs/…) to a reference that is committed
	@test -n "$(RUN)" || { echo "name the run: make reference RUN=results/runs/…" >&2; exit 2; }
	@$(BIN)/outboxbench reference "$(RUN)"

readme: $(READY) ## Write what README.md and docs/ say of the reference results anew
	@$(BIN)/python -m outboxbench.report.readme

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY) browser lint ## Lint, check types and layers, run the tests on the embedded server
	$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist loadscope

test-all: test ## As `test`, and then the slow tests, one at a time
	$(BIN)/pytest -m slow

bench-micro: $(READY) ## Measure the parts by themselves, and hold their ratios against a baseline
	@mkdir -p .benchmarks
	@$(BIN)/pytest bench/micro --benchmark-enable --benchmark-json=.benchmarks/micro.json \
	  --benchmark-columns=min,median,mean,stddev,rounds -s; status=$$?; \
	  $(BIN)/python bench/micro/ratios.py .benchmarks/micro.json && exit $$status

evidence: $(READY) ## A/A, a planted slowdown, pgbench by hand, killed relays, an hour judged (30 minutes; twice that where others use the machine)
	$(BIN)/outboxbench calibrate
	$(BIN)/python bench/evidence/planted_slowdown.py
	$(BIN)/python bench/evidence/agreement_with_pgbench.py
	$(BIN)/python bench/evidence/relays_killed.py --plans lease sharded delete
	$(BIN)/python bench/evidence/judges_memory.py

planted-bugs: $(READY) ## Whether the judge convicts every bug that is planted in strategies (5 minutes)
	$(BIN)/python bench/evidence/planted_bugs.py

peers: $(READY) ## Drain a backlog beside PgQueuer, procrastinate and a bare NATS client (45 minutes)
	$(BIN)/python bench/peers/drain.py
	$(BIN)/python bench/peers/nats_floor.py

dist: $(READY) ## Build the sdist, and the wheel from it, with the pinned packages alone
	rm -rf dist
	$(BIN)/python -m build --no-isolation

lock: $(READY) ## Pin the newest packages, with hashes and without addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --extra dev pyproject.toml --output-file constraints.txt

clean: ## Remove .venv, caches and runs
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks dist results/runs results/costs results/trends results/regressions results/noise.json
