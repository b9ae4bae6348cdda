# `make` alone lists the targets.

# Pictures of the demo: make demo CONTENT=photo.jpg STYLE=painting.jpg OUT=new.png
CONTENT ?= samples/content/coffee.jpg
STYLE   ?= samples/style/cafe_terrace_at_night.jpg
OUT     ?= out.png

# Python 3.11 or later, used once to create VENV.
PYTHON  ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
             $$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && exit; done; echo python3)
VENV    ?= .venv

# The environment of the benchmarks, which contains the peer, and their arguments:
# make bench BENCH=--quick
VENV_BENCH ?= .venv-bench
BENCH      ?=

NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
# pip of the environment that the target is in.
PIP = $(@D)/bin/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo test test-all bench format clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## repaint the sample photograph, into out.png
	$(VENV)/bin/stylize "$(CONTENT)" "$(STYLE)" -o "$(OUT)"
	@echo "Done: the result is $(abspath $(OUT))"

test: $(VENV)/.installed-dev ## check format, lint and types, and run the tests, in two minutes
	VENV="$(VENV)" scripts/check

test-all: $(VENV)/.installed-dev ## the same with all tests
	VENV="$(VENV)" scripts/check -m "slow or not slow"

bench: $(VENV_BENCH)/.installed-bench ## compare speed and memory with a peer: 15 to 20 minutes, on an idle machine
	$(VENV_BENCH)/bin/python -m benchmarks $(BENCH)

format: $(VENV)/.installed-dev ## format the code and fix what lint can fix
	$(VENV)/bin/python -m ruff format .
	$(VENV)/bin/python -m ruff check --fix .

clean: ## remove builds and caches
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . \( -path "./$(VENV)" -o -path "./$(VENV_BENCH)" \) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove the virtual environments as well
	rm -rf "$(VENV)" "$(VENV_BENCH)"

# All installs are editable, so that they are never older than the sources, and the first
# two share an environment. With the stamp files, later runs skip the installation.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV): PyTorch is large, so the first time takes some minutes."
	$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV): PyTorch is large, so the first time takes some minutes."
	$(PIP) install --editable '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV_BENCH)/.installed-bench: pyproject.toml | $(VENV_BENCH)/bin/pip
	@echo "Installing into $(VENV_BENCH): PyTorch is large, so the first time takes some minutes."
	$(PIP) install --editable '.[bench]'
	@touch $@

# bin/pip, not bin/python: where Debian's python3-venv is missing, a failed
# attempt leaves an environment that has Python only.
$(VENV)/bin/pip $(VENV_BENCH)/bin/pip:
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
	  echo "stylize needs Python 3.11 or later, and $(PYTHON) is not: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv "$(@D:/bin=)" || { \
	  echo "$(PYTHON) cannot create $(@D:/bin=); on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
