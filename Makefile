# `make demo` and `make test` set up everything they need in .venv.
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 \
	&& $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
export DETENTE_SHARED ?= ../shared
# one BLAS thread: the matrices are small, and results do not depend on the machine's cores
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
UV := $(BIN)/uv
# of `make lowest` and `make highest`: the Python, and the tests; none that compares bytes with
# those that one version of the HDF5 library wrote
BOUNDS_PYTHON ?= 3.11
BOUNDS_TESTS ?= tests/cli tests/world tests/test_files.py tests/test_texts.py tests/scenarios \
	tests/models tests/web/test_api_simulate.py

define installed_in
	$(UV) venv --quiet --clear --python $(BOUNDS_PYTHON) build/$(1)
	$(UV) pip install --quiet --python build/$(1) --resolution $(2) -e ".[dev]"
	$(UV) pip list --python build/$(1)
endef
tested_in = build/$(1)/bin/pytest -n 0 -m "not raw_tables" $(BOUNDS_TESTS)

.PHONY: demo test test-all worlds fuzz gates mutants mutants-sample format bench bench-peers docs \
	docs-serve serve package lowest highest clean

demo: .venv/installed
	$(BIN)/detente run us-cars-25 --theta all --out demo

serve: .venv/installed-web
	$(BIN)/detente serve

test: .venv/installed-dev
	$(BIN)/pytest -n auto

test-all: .venv/installed-dev
	$(BIN)/pytest -n auto --all

# 20,000 random worlds, each solved and audited or refused with proof
worlds: .venv/installed-dev
	$(BIN)/python tests/many_worlds.py

# new odd inputs for every reader; what breaks one is written to tests/fuzz/crashes
MINUTES ?= 60
fuzz: .venv/installed-dev
	cd tests && PYTHONPATH=.:.. ../$(BIN)/python -m fuzz $(MINUTES)

gates: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright src
	$(BIN)/lint-imports

# every mutant of every room: a night; a room or a number may be given, ROOM=models SAMPLE=60
mutants: .venv/installed-dev
	$(BIN)/python -m benchmarks.mutants $(ROOM) $(if $(SAMPLE),--sample $(SAMPLE) --each)

# the same thirty over all rooms every time
mutants-sample: .venv/installed-dev
	$(BIN)/python -m benchmarks.mutants --sample 30

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the generated pages, then the site in build/site; a warning or a broken link fails
docs: .venv/installed-dev
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -W --keep-going -q -E -d build/doctrees docs build/site
	@echo "build/site/index.html"

docs-serve: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site 8001

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks

bench-peers: .venv/installed-dev
	$(BIN)/python -m benchmarks.peers

# the wheel and the sdist, tried in fresh environments outside the checkout with every Python
# found on the PATH or named in PYTHONS; REQUIRE=3.11,3.12,3.13 fails where one is missing
package: .venv/installed-dev
	rm -rf dist
	$(UV) build --quiet --out-dir dist
	$(BIN)/python tools/package_check.py dist

# the oldest versions pyproject.toml allows, and the newest there are, with the tests that touch
# the libraries most
lowest: .venv/installed-dev
	$(call installed_in,$@,lowest-direct)
	build/$@/bin/python tools/bounds_check.py
	$(call tested_in,$@)

highest: .venv/installed-dev
	$(call installed_in,$@,highest)
	$(call tested_in,$@)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "detente needs Python 3.11 or newer on the PATH"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/installed-web: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[web]"
	@touch .venv/installed $@

.venv/installed-dev: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch .venv/installed $@

clean:
	rm -rf .venv demo .pytest_cache .ruff_cache .hypothesis
