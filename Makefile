# The two commands of the README, and what CI and developers run by hand.
#   make test    everything that CI runs
#   make demo    a live example contact center on http://127.0.0.1:8080
#   make fuzz    100,000 mutated requests; `make test` sends a part of them
#   make soak    whole nodes under people and faults for an hour; MINUTES=N, SEED=N
#   make opinion metrics against loops over the events; HISTORIES=N, DAYS=N, SEED=N
#   make mutants faults planted in the engine, one a function; how many of them the tests find
#   make phones  the programs that tests of voice speak with: sipp, Asterisk, ... (Debian, as root)
#   make bench   benchmarks, as ratios; never part of the tests
PYTHON ?= python3.11
BIN := .venv/bin

MINUTES ?= 60
SEED ?= 10000
# Which faults of each function are planted, by their numbers; all of them: MUTANTS=
MUTANTS ?= 7
HISTORIES ?= 3000
DAYS ?= 100

.DEFAULT_GOAL := help
.PHONY: help test node asterisk phones fuzz soak opinion mutants demo bench lint types floors fix clean

help:
	@sed -n 's/^# *//p' Makefile | head -9

.venv/made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: install it with its venv module (Debian: apt-get install python3.11-venv)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo,report]'
	@touch .venv/made

.venv/made-dev: .venv/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch .venv/made-dev

.venv/made-bench: .venv/made-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch .venv/made-bench

# Node.js of the machine if it is of version 20 or later, else that of a wheel; packages as locked.
.venv/made-node: .venv/made-dev tests/node/package.json tests/node/package-lock.json
	@node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null && npm --version >/dev/null 2>&1 || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[node]'
	$(BIN)/python tests/node/install.py
	@touch .venv/made-node

node: .venv/made-dev
	@$(MAKE) --no-print-directory .venv/made-node || { test -z "$$CI" && \
	  echo "WITHOUT JAVASCRIPT: Node.js or its packages cannot be had here; the tests that need them will be skipped"; }

lint: .venv/made-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/made-dev
	$(BIN)/mypy

floors: .venv/made-dev
	$(BIN)/lint-imports --no-cache

test: lint types floors node
	$(BIN)/pytest -n auto --dist loadgroup

fuzz: .venv/made-dev
	RINGFLOOR_TEST_FUZZ_REQUESTS=100000 $(BIN)/pytest -s tests/acceptance/test_fuzz.py

soak: .venv/made-dev
	PYTHONPATH=tests $(BIN)/python -m simulation.soak --minutes $(MINUTES) --seed $(SEED)

opinion: .venv/made-dev
	PYTHONPATH=tests $(BIN)/python -m second_opinion.comparing --histories $(HISTORIES) --days $(DAYS) --seed $(SEED)

.venv/made-mutants: .venv/made-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[mutants]'
	@touch .venv/made-mutants

mutants: .venv/made-mutants
	rm -rf mutants
	$(BIN)/mutmut run $(foreach number,$(MUTANTS),'*__mutmut_$(number)')
	$(BIN)/python tests/mutants/report.py $(MUTANTS)

# Debian's stable releases have no Asterisk; the unstable one has it. Nothing of it is installed here.
asterisk:
	@command -v mmdebstrap >/dev/null || { echo "make asterisk needs mmdebstrap (Debian: apt-get install mmdebstrap)"; exit 1; }
	rm -rf .asterisk
	mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include=asterisk sid .asterisk

# What the tests of voice try our own against; those whose program is missing are skipped, aloud.
phones:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	  sip-tester espeak-ng mmdebstrap iproute2 iptables openssl kamailio kamailio-tls-modules rtpengine-daemon >/dev/null
	test -e .asterisk/usr/sbin/asterisk || $(MAKE) --no-print-directory asterisk

demo: .venv/made
	$(BIN)/ringfloor demo

bench: .venv/made-bench
	$(BIN)/python -m benchmarks

fix: .venv/made-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv tests/node/node_modules build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
