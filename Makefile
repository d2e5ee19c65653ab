# The two commands a newcomer needs are `make run` and `make test`; both can be repeated and ask nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
AXE := tests/browser/node_modules/.package-lock.json

.PHONY: help run test demo real-model bench faults contract screenshots lint messages clean prerequisites

help: ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/run.stamp ## install, prepare and start the gateway
	@exec $(BIN)/python manage.py prepare --serve

test: $(VENV)/dev.stamp $(AXE) ## install, lint, and run every test
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n auto $(ARGS)

lint: $(VENV)/dev.stamp ## style, types, the walls between the apps, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	GATEWAY_IGNORE_DOTENV=yes DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py check
	GATEWAY_IGNORE_DOTENV=yes DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run

demo: $(VENV)/run.stamp ## a small real model on this machine, behind the gateway
	@exec $(BIN)/python -m deploy.demo

real-model: $(VENV)/dev.stamp ## a small real model behind the gateway, tested in two formats (minutes)
	$(BIN)/pytest -m real_model tests/real $(ARGS)

limits: $(VENV)/dev.stamp ## 100 streams run on beside imports and 200 callers that share a limit
	@GATEWAY_TEST_FULL=1 $(BIN)/pytest -s tests/api/test_stalls.py

contract: $(VENV)/dev.stamp ## requests of every shape at every endpoint, beside /openapi.json; some minutes
	@GATEWAY_TEST_FULL=1 $(BIN)/pytest tests/contract $(ARGS)

stores: $(VENV)/dev.stamp ## what the earlier systems promised and the site's migrations, on PostgreSQL, too; minutes
	@GATEWAY_TEST_FULL=1 $(BIN)/pytest -n auto tests/compat tests/config/test_site_migrations.py $(ARGS)

bench: $(VENV)/run.stamp ## requests and streams per second, beside a direct call and nginx
	@exec $(BIN)/python -m bench

faults: $(VENV)/dev.stamp ## every fault of the table, with the default timeouts; some minutes
	@exec $(BIN)/python -m tests.faults $(ARGS)

messages: $(VENV)/dev.stamp ## the admin's strings gathered into locale/, and the translations compiled; needs gettext
	$(BIN)/django-admin makemessages --no-location --no-obsolete -l fr -l es $(foreach place,$(VENV) .venv-demo tests bench deploy data,-i $(place))
	$(BIN)/django-admin compilemessages -i $(VENV)

screenshots: $(VENV)/dev.stamp ## pictures of the admin's pages for docs/images, of a made-up installation
	@exec $(BIN)/python -m tests.browser.screenshots

clean: ## remove what was installed or built here; data/ and .env stay
	rm -rf $(VENV) .venv-demo tests/browser/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp holds the digest of what was installed: unchanged requirements never reach for the network.
$(VENV)/run.stamp: requirements.txt $(VENV)/pip.stamp
	@$(call install,requirements.txt,$@)

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt $(VENV)/pip.stamp
	@$(call install,requirements-dev.txt,$@)

define install
digest=$$(cat requirements.txt $(1) | sha256sum); \
if [ "$$(cat $(2) 2>/dev/null)" != "$$digest" ]; then \
  echo "Installing $(1)…"; \
  $(PIP) install --no-input -r $(1); \
  echo "$$digest" > $(2); \
fi; \
touch $(2)
endef

# What the browser tests take from npm. Without npm they are skipped, with a message.
$(AXE): tests/browser/package-lock.json
	@command -v npm > /dev/null || { echo "npm is missing: accessibility is not tested (apt-get install npm)"; exit 0; }; \
	npm ci --prefix tests/browser --loglevel=error; \
	touch $@

$(VENV)/pip.stamp: | prerequisites
	@echo "Making the environment $(VENV)…"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

prerequisites:
	@command -v $(PYTHON) > /dev/null || { echo "Python is missing: apt-get install python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11: apt-get install python3.11 python3.11-venv, then make PYTHON=python3.11 …" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
	  echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 2; }
