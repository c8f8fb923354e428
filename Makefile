# Every target sets up .venv by itself; nothing else is needed but Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo check test test-without-worlds test-thorough test-long coverage lint lint-js format bench bench-dns bench-links soak release clean

# Without bytecode every `sim` and gateway that a test starts would compile itself first.
unexport PYTHONDONTWRITEBYTECODE

demo: $(VENV)/.installed
	$(BIN)/sim demo

# The files of tests run side by side: each process has loopback addresses of its own
# (tests/slot.py), and each world a slot. What is marked `realtime` measures against the wall clock
# and runs after them, alone. PYTEST_ADDOPTS=--durations=40 says which tests took longest.
WORKERS ?= 3
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The loop of an edit: lint, types, and every test that brings no world up. Worlds wait much; these
# tests compute, so that there is one process for each core.
check: lint test-without-worlds

test-without-worlds: WORKERS = auto
test-without-worlds: $(VENV)/.dev
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not e2e and not thorough and not realtime"

test: $(VENV)/.dev
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not thorough and not realtime"
	$(BIN)/pytest -m "realtime and not thorough"

# What no test without a world reaches. The floor is what was reached when it was set; raise it.
coverage: WORKERS = auto
coverage: $(VENV)/.dev
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not e2e and not thorough and not realtime" \
		--cov --cov-report=term:skip-covered

# What takes its time: the library of outages, containers, sweeps, kills at random moments. What is
# marked `docker` shares one engine, which is costly to start: it runs in one process too. Last, every
# property, with ten times as many examples as in `make test`.
test-thorough: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadfile -m "thorough and not realtime and not docker"
	$(BIN)/pytest -m "thorough and (realtime or docker) and not long"
	$(BIN)/pytest -n auto --hypothesis-profile=thorough -m "hypothesis and not thorough"

# What takes minutes by itself: hunts over broken gateways.
test-long: $(VENV)/.dev
	$(BIN)/pytest -m long

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pip check

# The scripts of the pages. Only this needs npm.
lint-js:
	npx --yes eslint@9 --no-warn-ignored sim tests/page

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m bench.world
	$(BIN)/python -m bench.scale --write docs/performance.md

# Random faults for MINUTES under 300 sessions; then kills and restarts. SEED repeats a run.
MINUTES ?= 10
soak: $(VENV)/.dev
	$(BIN)/python -m bench.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m bench.orphans 50
	$(BIN)/python -m bench.restarts 100

bench-dns: $(VENV)/.dev
	$(BIN)/python -m bench.dns --write docs/dns.md

bench-links: $(VENV)/.dev
	$(BIN)/python -m bench.links

# Version and changelog, wheel and sdist, a tag. Nothing is uploaded.
release: $(VENV)/.dev
	$(BIN)/python -m tools.release $(VERSION)

clean:
	rm -rf $(VENV) $(VENV)-* .mypy_cache .pytest_cache .ruff_cache

# The stamps hang on pyproject.toml alone: a new dependency installs again, an edit does not.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; say make PYTHON=python3.12, for example")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
