# The developer's targets. A newcomer needs bin/demo and bin/test only.
.DEFAULT_GOAL := help
.PHONY: help install lint format types test matrix faults kills e2e walk pictures demo docs published bench bench-record constraints release

RUN := .venv/bin
DEVELOPMENT := . bin/environment.sh && ensure_development_environment

help: ## show these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' Makefile

install: ## make .venv with everything a developer needs
	@$(DEVELOPMENT)

lint: ## style, import directions and, where node is, the pages' files
	bin/lint style imports pages

format: install ## rewrite the code in the house style
	$(RUN)/ruff check --fix
	$(RUN)/ruff format

types: ## check types
	bin/lint types

test: ## lint, types and all tests; T='-k name' passes arguments to pytest
	bin/test $(T)

matrix: install ## each Python from 3.10 on with each Airflow from 3.3 on, as far as they can be had; CELLS='3.12/3.3.2' tries some, '--tests tests/e2e --groups dev e2e' behind it the pages
	PYTHONPATH=plugins:tests $(RUN)/python -m version_matrix $(CELLS)

faults: install ## 20,000 schedules of faults (SCHEDULES=n; SEED=n plays one again), planted bugs, and make kills
	PYTHONPATH=plugins:tests $(RUN)/python -m faults
	PLANTED=1 $(RUN)/python -m pytest tests/faults/test_planted_bugs.py
	PYTHONPATH=plugins:tests $(RUN)/python -m faults.kills

kills: install ## 1,200 real kills, stops of Postgres and pauses (KILLS=n; KILL_SEED=n elsewhere; KILL='...' plays one again)
	PYTHONPATH=plugins:tests $(RUN)/python -m faults.kills

e2e: ## the pages in a real browser: Chromium, found on the PATH or named by PROMO_BROWSER; T='-m short' makes a part
	bin/e2e $(T)

walk: install ## a stranger's first real send by docs/start/own-airflow.md alone: a new environment, Postgres and Airflow; it is timed
	PYTHONPATH=plugins:tests $(RUN)/python -m pytest -n 0 tests/walk

pictures: install ## take the pictures of README and docs anew, in a real browser, over a store of 1,000,000 codes
	. bin/environment.sh && ensure_environment browser --group e2e
	PYTHONPATH=plugins:tests $(RUN)/python -m e2e.pictures

docs: ## the documentation as a site in site/, strictly: no dead link, no page outside the navigation
	bin/docs

published: install ## write anew what is published about settings: the JSON schema of a workflow file, and its page in docs/
	PYTHONPATH=plugins $(RUN)/python -m promo_campaigns.definitions.published .

demo: ## show the whole product on this machine
	bin/demo

bench: install ## compare speed with peers and with the recorded figures (B=bench_claim runs one, B=--small is short)
	PYTHONPATH=plugins:tests $(RUN)/python -m benchmarks $(B)

bench-record: install ## make the last figures of make bench those that later ones are compared with
	PYTHONPATH=plugins:tests $(RUN)/python -m benchmarks --record

release: ## build the wheel, byte for byte the same each time, and the list of its parts, into dist/
	bin/release

constraints: ## renew the pinned versions
	@. bin/environment.sh && if ! uv=$$(find_uv); then ensure_development_environment && uv=.venv/bin/uv; fi && \
	"$$uv" pip compile pyproject.toml --extra embedded --extra fcm --group dev --group bench --group e2e --group docs --universal --python-version 3.10 \
	  --no-header --no-annotate --output-file constraints.txt --upgrade --quiet
