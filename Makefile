# `make` alone lists the targets.

# The demo's pictures: make demo CONTENT=photo.jpg STYLE=painting.jpg OUT=new.png
CONTENT ?= samples/content/coffee.jpg
STYLE   ?= samples/style/cafe_terrace_at_night.jpg
OUT     ?= out.png

# Python 3.11 or later, used once to create VENV.
PYTHON  ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
             $$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && exit; done; echo python3)
VENV    ?= .venv

NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo test format clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## paint the sample photograph, into out.png
	$(VENV)/bin/stylize "$(CONTENT)" "$(STYLE)" -o "$(OUT)"
	@echo "Done: the painting is $(abspath $(OUT))"

test: $(VENV)/.installed-dev ## format, lint, types and all tests
	VENV="$(VENV)" scripts/check

format: $(VENV)/.installed-dev ## format the code and fix what lint can fix
	$(VENV)/bin/python -m ruff format .
	$(VENV)/bin/python -m ruff check --fix .

clean: ## remove builds and caches
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -path "./$(VENV)" -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove the virtual environment as well
	rm -rf "$(VENV)"

# Both installs are editable, so that they share one environment and never lag
# behind the sources. The stamps make every later run start at once.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV): PyTorch is large, the first time takes some minutes."
	$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV): PyTorch is large, the first time takes some minutes."
	$(PIP) install --editable '.[dev]'
	@touch $(VENV)/.installed $@

# bin/pip, not bin/python: where Debian's python3-venv is missing, a failed
# attempt leaves an environment that has Python only.
$(VENV)/bin/pip:
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
	  echo "stylize needs Python 3.11 or later, and $(PYTHON) is not: make PYTHON=/path/to/python3" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv "$(VENV)" || { \
	  echo "$(PYTHON) cannot create $(VENV); on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
