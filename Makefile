# The two commands of the README, and what CI and developers run by hand.
#   make test    everything that CI runs
#   make demo    a live example contact center on http://127.0.0.1:8080
#   make bench   benchmarks, as ratios; never part of the tests
PYTHON ?= python3.11
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help test demo bench lint types floors fix clean

help:
	@sed -n 's/^# *//p' Makefile | head -4

.venv/made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: install it with its venv module (Debian: apt-get install python3.11-venv)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo]'
	@touch .venv/made

.venv/made-dev: .venv/made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch .venv/made-dev

.venv/made-bench: .venv/made-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@touch .venv/made-bench

lint: .venv/made-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/made-dev
	$(BIN)/mypy

floors: .venv/made-dev
	$(BIN)/lint-imports --no-cache

test: lint types floors
	$(BIN)/pytest -n auto --dist loadgroup

demo: .venv/made
	$(BIN)/ringfloor demo

bench: .venv/made-bench
	$(BIN)/python -m benchmarks

fix: .venv/made-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
