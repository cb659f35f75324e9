# Soundalike. `make` alone lists what can be made.
#
# The road: ingest, sft, sample, label (or simulate), dpo, evaluate, chat. Every target calls one
# `align` command, which is printed, so that it can be pasted and run alone.

.NOTPARALLEL:
.DEFAULT_GOAL := help

OWNER ?= demo
# Empty: the recipe that the twin was trained with, for a first one the smallest of a real base;
# the demo's for the demo. Else a name in recipes/, a path, or auto.
RECIPE ?=
# Empty: the recipe of accelerate that fits this machine. Else a name in recipes/accelerate/.
ACCELERATE ?=
# Of `sft` and `dpo`: what each may take, in minutes; epochs, then rows, are cut to it.
MINUTES ?=
# The folder that `export` makes.
OUT ?=
# What `ingest` and `unpack` read.
FROM ?=
# Who you are in an export, as it names you; empty: your name and aliases in owner.yaml.
ME ?=
# The address of your own blog, for `fetch`.
URL ?=
# What a pack is for: train or label.
FOR ?=
# Which twin `sample`, `chat` and the like take: base, sft, dpo, 002-dpo, or a path.
CHECKPOINT ?=
# How many answers `label` is to count up to today.
GOAL ?=
# Of `judge`: claude, local or simulated; which model; how many pairs; US dollars at most.
JUDGE ?=
MODEL ?=
LIMIT ?=
BUDGET ?=
# Of `gpu-check`: an interpreter that holds torch already.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)
# auto, cpu, cuda or system; empty: what the environment was made with, auto at first.
TORCH ?=

BIN := .venv/bin
STAMP := .venv/.stamp
ALIGN := $(BIN)/align

# Once set up, another TORCH asks for another environment.
ifneq ($(TORCH),)
ifeq ($(filter $(TORCH),$(shell cat .venv/.torch 2>/dev/null)),)
RENEW := renew
endif
endif

owner = --owner '$(OWNER)'
recipe = $(if $(RECIPE),--recipe '$(RECIPE)')
accelerate = $(if $(ACCELERATE),--accelerate '$(ACCELERATE)')
minutes = $(if $(MINUTES),--minutes '$(MINUTES)')
checkpoint = $(if $(CHECKPOINT),--checkpoint '$(CHECKPOINT)')
from = $(patsubst ~/%,$(HOME)/%,$(FROM))

##@ First steps
.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Settings, here with their present values:"
	@echo "  OWNER=$(OWNER) RECIPE=$(RECIPE) ACCELERATE=$(ACCELERATE) MINUTES=$(MINUTES) FROM=$(FROM) CHECKPOINT=$(CHECKPOINT) TORCH=$(TORCH)"

.PHONY: setup renew
setup: $(STAMP) ## Make the environment in .venv (TORCH=auto|cpu|cuda|system); all else implies it
renew:
$(STAMP): pyproject.toml constraints.txt scripts/setup.sh $(RENEW)
	@TORCH='$(TORCH)' bash scripts/setup.sh

##@ The road (OWNER, RECIPE, ACCELERATE, MINUTES)
.PHONY: fetch ingest examples doctor sft sample simulate label judge dpo evaluate chat export status egress
ifeq ($(OWNER),demo)
writing = $(if $(FROM),$(from),data/demo/writing)

sft: ingest ## Train a twin on the owner's writing
	$(ALIGN) sft $(owner) $(recipe) $(accelerate) $(minutes)

# Pairs of the SFT twin, not of the newest: done twice, the road finds every stretch finished.
dpo: setup ## Train the twin on the choices, and compare (without choices: make pairs for them)
	$(ALIGN) sample $(owner) $(or $(checkpoint),--checkpoint sft) $(accelerate)
	$(ALIGN) simulate $(owner)
	$(ALIGN) dpo $(owner) $(recipe) $(accelerate) $(minutes)
	$(ALIGN) evaluate $(owner)
else
writing = $(from)

sft: setup
	$(ALIGN) sft $(owner) $(recipe) $(accelerate) $(minutes)

dpo: setup
	@$(ALIGN) dpo $(owner) $(recipe) $(accelerate) $(minutes) --or-sample
endif

fetch: setup ## Fetch your own public blog, to be read in (URL)
	$(ALIGN) fetch $(if $(URL),'$(URL)') $(owner)

ingest: setup ## Read writing into the store (FROM=folder-zip-or-file, ME='your name', MINE=1)
	$(ALIGN) ingest $(if $(writing),'$(writing)') $(owner) $(if $(ME),--me '$(ME)') $(if $(MINE),--mine)

examples: setup ## Show what a twin would be trained on
	@$(ALIGN) examples $(owner) $(recipe)

doctor: setup ## Say what a run will find and need: data, lengths, download, memory
	@$(ALIGN) doctor $(owner) $(recipe) $(accelerate)

sample: setup ## Draw pairs of answers from a twin (CHECKPOINT, ACCELERATE)
	$(ALIGN) sample $(owner) $(checkpoint) $(accelerate)

simulate: setup ## Let a demo owner's simulated stand-in choose
	$(ALIGN) simulate $(owner)

label: setup ## Choose: which of two answers sounds like you (GOAL=30)
	$(BIN)/labeler $(owner) $(if $(GOAL),--goal '$(GOAL)')

judge: setup ## Let a judge choose of the rest, as far as it agrees with you (JUDGE, MODEL, LIMIT, BUDGET)
	$(ALIGN) judge $(owner) $(if $(JUDGE),--judge '$(JUDGE)') $(if $(MODEL),--model '$(MODEL)') $(if $(LIMIT),--limit '$(LIMIT)') $(if $(BUDGET),--budget-usd '$(BUDGET)')

evaluate: setup ## Compare base, SFT and DPO on held-out prompts
	$(ALIGN) evaluate $(owner)

chat: setup ## Talk with a twin (CHECKPOINT)
	$(ALIGN) chat $(owner) $(checkpoint)

export: setup ## Write a twin as other tools load it: merged, with a card (CHECKPOINT, OUT)
	$(ALIGN) export $(owner) $(checkpoint) --merge $(if $(OUT),--out '$(patsubst ~/%,$(HOME)/%,$(OUT))')

status: setup ## Show what is there and which command comes next
	@$(ALIGN) status $(owner)

egress: setup ## Show what was sent from this machine, when, and to whom
	@$(ALIGN) egress $(owner)

##@ Two machines
.PHONY: pack unpack
pack: setup ## Pack what the other machine needs (FOR=train|label)
	$(ALIGN) pack $(owner) $(recipe) $(if $(FOR),--for '$(FOR)')

unpack: setup ## Merge a pack into this machine's store (FROM=file)
	$(ALIGN) unpack $(if $(from),'$(from)') $(if $(filter-out file,$(origin OWNER)),$(owner))

##@ The project itself
.PHONY: test cover slow check lint types contracts house
test: setup ## Run the ordinary tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

cover: setup ## Run them with coverage, which takes half as long again
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

slow: setup ## Run the slow tests
	$(BIN)/python -m pytest -m 'slow and not gpu' -n 2 --dist loadfile --durations=5

check: lint types contracts house test ## Everything that must hold before a commit

lint: setup ## Style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Types
	$(BIN)/mypy

contracts: setup ## Which room may know which
	$(BIN)/lint-imports

house: setup ## How large the code is, against its limits
	$(BIN)/python -m scripts.house

.PHONY: gpu-check bench bench-demo demo-base docs screens clean
gpu-check: ## Check on this machine's GPU what training promises; no set-up (PYTHON)
	$(PYTHON) -m benchmarks.gpu_check

bench: setup ## Measure again: every published figure but bench-demo's
	$(BIN)/python -m benchmarks.startup --json benchmarks/results/startup.json
	$(BIN)/python -m benchmarks.labeler --json benchmarks/results/labeler.json
	$(BIN)/python -m benchmarks.ingest --json benchmarks/results/ingest.json
	$(BIN)/python -m benchmarks.near_duplicates --json benchmarks/results/near_duplicates.json
	$(BIN)/python -m benchmarks.pace --json benchmarks/results/pace.json
	$(BIN)/python -m benchmarks.judging --json benchmarks/results/judging.json
	$(BIN)/python -m benchmarks.memory --json benchmarks/results/memory.json
	$(BIN)/python -m benchmarks.report

bench-demo: setup ## Measure the demo again: six owners, three seeds (an hour)
	@mkdir -p benchmarks/local
	$(BIN)/python -m benchmarks.demo --roads benchmarks/local/roads.jsonl --json benchmarks/results/demo.json
	$(BIN)/python -m benchmarks.report

demo-base: setup ## Train the demo's tiny base again (minutes)
	$(BIN)/python -m align.demo.train_base --out data/demo/base --seed 0

docs: setup ## Write the generated pages again
	$(BIN)/python -m scripts.write_cli_page
	$(BIN)/python -m scripts.write_recipe_page
	$(BIN)/python -m scripts.write_ingest_page
	$(BIN)/python -m scripts.paste_outputs
	$(BIN)/python -m benchmarks.report
	$(BIN)/python -m benchmarks.real_page

screens: setup ## Draw the labeler's screens again, as pictures and as the tests' snapshots
	$(BIN)/python -m scripts.labeler_screens docs/labeler
	UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/labeler/test_snapshots.py

clean: ## Remove the environment and the caches; never data or checkpoints
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
