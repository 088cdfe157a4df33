# Everything here works on a fresh machine with make and Python 3.11 or newer; `make help` explains.
# Without make (Windows), the README gives the plain commands.

VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
STUDY ?=
OUTPUT ?= reports
LANGUAGE ?= nl
JOBS ?=

.DEFAULT_GOAL := help
.PHONY: help environment reports test lab check check-lowest docs format example lock benchmarks clean

help: ## show this list
	@echo "mpg_research: a study folder goes in, trustworthy reports come out."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings: STUDY=folder (default: the synthetic example), OUTPUT=folder (default: reports), JOBS=number, LANGUAGE=nl or en"

environment: $(VENV)/.ready ## create the Python environment in .venv (the other targets do this by themselves)

$(VENV)/.ready: requirements.lock pyproject.toml
	@python=$$(for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$candidate; break; fi; done); \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or newer was found. Install it, or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; fi; \
	echo "Creating the environment in $(VENV) with $$($$python --version); this takes a minute or two, once."; \
	$$python -m venv $(VENV) || { echo "Python cannot make an environment. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

reports: $(VENV)/.ready ## run the main job: all notebooks and reports of the study
	$(BIN)/mpg run $(STUDY) --output $(OUTPUT) $(if $(JOBS),--jobs $(JOBS))

test: $(VENV)/.ready ## run the tests
	$(BIN)/python -m pytest -n auto

lab: $(VENV)/.ready ## open JupyterLab on copies of the notebooks in one language (LANGUAGE=nl or en)
	$(BIN)/mpg notebooks lab-$(LANGUAGE) $(STUDY) --language $(LANGUAGE)
	$(BIN)/jupyter lab lab-$(LANGUAGE)/00_start_here.ipynb

check: $(VENV)/.ready ## check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs-ready ## make the documentation site, in build/site
	$(BIN)/python -m docs_site --reports $(OUTPUT)

$(VENV)/.docs-ready: requirements-docs.lock $(VENV)/.ready
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

format: $(VENV)/.ready ## put the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

example: $(VENV)/.ready ## make the synthetic example study anew (byte-identical)
	$(BIN)/mpg simulate data/example --example

# LOWEST has the oldest version of every direct dependency that pyproject.toml allows, on Python 3.11: whether the
# bounds are true. It takes an environment of its own and as long as `make test`; it is no part of CI.
check-lowest: $(LOWEST)/.ready ## run the tests on the lowest versions the package allows (needs Python 3.11)
	$(LOWEST)/bin/python -m pytest -n auto -p no:cacheprovider

$(LOWEST)/.ready: requirements-lowest.lock pyproject.toml
	$(or $(PYTHON),python3.11) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "The lowest versions want Python 3.11. Install it, or name it: make check-lowest PYTHON=/path/to/python3.11"; exit 1; }
	$(or $(PYTHON),python3.11) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements-lowest.lock
	$(LOWEST)/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links
EXTRA_DOCS := import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	print("\n".join(extras["docs"]))

lock: ## renew the lock files from pyproject.toml (needs uv)
	$(COMPILE) --extra dev --extra pdf --extra word pyproject.toml -o requirements.lock
	$(COMPILE) --extra dev --extra pdf --extra word pyproject.toml --resolution lowest-direct -o requirements-lowest.lock
	python3 -c '$(EXTRA_DOCS)' | $(COMPILE) --constraints requirements.lock - -o requirements-docs.lock

benchmarks: $(VENV)/.ready ## measure speed (prints tables; takes a while)
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/mixed/race.py
	$(BIN)/python benchmarks/organisations.py

clean: ## remove the environment and what was generated
	rm -rf $(VENV) $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache
	find reports -mindepth 1 ! -name README.md -delete
