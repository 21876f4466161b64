# Everything a person or CI calls. `make help` lists it; the rest are steps on the way.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: demo test check bench lock clean help

PYTHON ?= python3
PORT ?= 8000
SCALE ?= small
UV_VERSION := 0.13.9
UV := .tools/bin/uv
UV_STAMP := .tools/.uv-$(UV_VERSION)
PY := .venv/bin/python
RUN_STAMP := .venv/.run-stamp
DEV_STAMP := .venv/.dev-stamp
SYNC := $(UV) pip sync --quiet --require-hashes --python $(PY)
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --override requirements/overrides.txt --no-emit-index-url --no-header
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# Many images forbid bytecode; then every process here compiles all it imports, for seconds each.
export PYTHONDONTWRITEBYTECODE :=

demo: $(RUN_STAMP) ## database, demo skills, web server and worker [PORT=8000] [SKILLBOARD_DATA_DIR=var] [SKILLS=DIR] [ARGS=--smoke]
	@export SKILLBOARD_DEMO=1 STATICFILES_BACKEND=django.contrib.staticfiles.storage.ManifestStaticFilesStorage
	exec $(PY) manage.py demo --port "$(PORT)" $(if $(SKILLS),--skills "$(SKILLS)") $(ARGS)

test: $(DEV_STAMP) ## the whole suite in parallel, browser and client tests included [ARGS='-k word']
	@.ci/ensure-chromium
	.ci/ensure-clients
	exec $(PY) -m pytest -n auto --maxschedchunk 6 $(ARGS)

check: $(DEV_STAMP) ## format, lint, types, templates, layers, migrations, system checks
	@export SKILLBOARD_DEMO=1
	step() {
	  printf '\n== %s\n' "$$1"
	  name=$$1; shift
	  "$$@" || { printf '\ncheck FAILED at: %s\n' "$$name" >&2; exit 1; }
	}
	templates() { find templates -name '*.html' -print0 | xargs -0 -r "$$@"; }
	production=(env SKILLBOARD_DEMO=0 DEBUG=0 SITE_URL=https://skills.example
	  ALLOWED_HOSTS=skills.example DATABASE_URL=postgres://check@localhost/check
	  SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')")
	# The longest of them runs beside the others, and is told last.
	told=$$(mktemp)
	$(PY) -m mypy . > "$$told" 2>&1 &
	mypy=$$!
	trap 'rm -f "$$told"; kill "$$mypy" 2> /dev/null || true' EXIT
	typed() { wait "$$mypy" && cat "$$told" || { cat "$$told"; return 1; }; }
	step 'Python format (ruff)' .venv/bin/ruff format --check --quiet .
	step 'Python lint (ruff)' .venv/bin/ruff check --quiet .
	step 'Template format (djade)' templates .venv/bin/djade --target-version 5.2 --check
	step 'Template lint (djlint)' templates .venv/bin/djlint --lint --quiet
	step 'Import layers (import-linter)' .venv/bin/lint-imports --no-logo
	step 'Models and migrations agree' $(PY) manage.py makemigrations --check --dry-run
	step 'System checks' $(PY) manage.py check --fail-level WARNING
	step 'System checks of a deployment' "$${production[@]}" $(PY) manage.py check --deploy --fail-level WARNING
	# Left out: a migration whose way back drops the table it made, which is read as a loss.
	step 'Migrations are safe beside the last release' $(PY) manage.py lintmigrations --settings tests.settings --no-cache --quiet ok --ignore-name 0003_counting --include-apps accounts jobs skills traces moderation
	step 'Types (mypy)' typed
	printf '\ncheck: all passed\n'

bench: $(DEV_STAMP) ## measurements against raw SQL [NAME=one of them] [SCALE=small|full]
	@export SKILLBOARD_DEMO=1
	export DEVDB_SHARED_BUFFERS="$${DEVDB_SHARED_BUFFERS:-2GB}"
	.ci/ensure-clients
	exec $(PY) -m tests.benchmarks --scale "$(SCALE)" $(if $(NAME),--name "$(NAME)") $(ARGS)

lock: $(UV_STAMP) ## resolve the requirement files again [ARGS=--upgrade]
	@$(COMPILE) $(ARGS) requirements/base.in -o requirements/base.lock
	$(COMPILE) $(ARGS) -c requirements/base.lock requirements/dev.in -o requirements/dev.lock

clean: ## remove environments and caches; data stay
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14
	printf '\nPYTHON=/path/to/python picks another interpreter (3.11 or newer).\n'

$(UV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	  echo 'Python 3.11 or newer is needed. Name one: make PYTHON=/path/to/python3.11' >&2
	  exit 1
	}
	echo 'Making the tools (once)'
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	touch $@

# The interpreter is a link to an older file: depending on its time would rebuild for ever.
$(PY): | $(UV_STAMP)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv

# Who has the development packages keeps them: they hold what a run needs.
$(RUN_STAMP): requirements/base.lock | $(PY)
	@if [ -e $(DEV_STAMP) ]; then
	  $(SYNC) requirements/dev.lock
	  touch $(DEV_STAMP)
	else
	  $(SYNC) requirements/base.lock
	fi
	touch $@

$(DEV_STAMP): requirements/dev.lock | $(PY)
	@$(SYNC) requirements/dev.lock
	touch $@ $(RUN_STAMP)
