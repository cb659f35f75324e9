"""The contracts between the rooms hold, and each of them would notice."""

import os
import pkgutil
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import align

CHECKOUT = Path(__file__).resolve().parent.parent
CONTRACTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
ROOMS = {module.name for module in pkgutil.iter_modules(align.__path__)}
# What the labeler may know of align: the rooms that DESIGN names, and the leaves without a room.
KNOWN_TO_LABELER = {"store", "owner", "choices", "statistics"}
LEAVES = {"command_line", "console", "errors", "files", "levels", "paths", "text"}

# One violation a contract, as (contract, file, line).
PLANTED = [
    ("house", "align/store/records.py", "import align.training"),
    ("house", "align/statistics.py", "from align import levels"),
    ("house", "align/newroom.py", "import json"),
    ("commands-apart", "align/commands/status.py", "import align.commands.records"),
    ("commands-from-cli", "align/sampling/sampling_plan.py", "import align.commands.status"),
    ("demo-apart", "align/judging/folds.py", "def f() -> None: import align.demo.voice"),
    ("demo-apart", "align/commands/sample.py", "from align.demo import corpus"),
    ("mains", "align/commands/sft.py", "def f() -> None: import align.sft"),
    ("mains", "align/training/frozen_rows.py", "import align.dpo"),
    ("align-without-labeler", "align/store/pairs.py", "import labeler.session.session"),
    ("labeler-light", "labeler/plain.py", "import torch"),
    ("labeler-light", "align/store/pairs.py", "def f() -> None: import sklearn.svm"),
    ("labeler-rooms", "labeler/run.py", "def f() -> None: import align.sampling"),
    ("labeler-rooms", "labeler/session/session.py", "from align import preferences"),
    ("rooms-without-torch", "align/ingest/decoding.py", "import transformers"),
    ("rooms-without-torch", "labeler/session/session.py", "import trl"),
    ("rooms-without-ui", "align/privacy/private_text.py", "import rich.table"),
    ("rooms-without-ui", "align/owner.py", "import typer"),
    ("rooms-without-ui", "labeler/session/session.py", "import labeler.plain"),
    ("rooms-without-ui", "labeler/session/queue.py", "import labeler.widgets.pane"),
    ("rooms-without-torch", "labeler/session/repeats.py", "def f() -> None: import torch"),
    ("pure", "align/choices/selection.py", "import sqlite3"),
    ("pure", "align/statistics.py", "from align import paths"),
    ("pure", "align/choices/tally.py", "import align.store.events"),
    ("pure", "align/choices/arena.py", "import sqlite3"),
    ("store-standard-library", "align/store/events.py", "import numpy"),
]


def lint(folder: Path, *contracts: str) -> "subprocess.CompletedProcess[str]":
    only = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache", *only],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of both packages, to plant violations in."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(CHECKOUT / "pyproject.toml", copy / "pyproject.toml")
    for package in ("align", "labeler"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / package, copy / package, ignore=skip)
    return copy


def test_the_tree_keeps_all_contracts(copy: Path):
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize(("contract", "file", "line"), PLANTED)
def test_a_planted_violation_is_found(copy: Path, contract: str, file: str, line: str):
    path = copy / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        done = lint(copy, contract)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
    named = next(c["name"] for c in CONTRACTS if c["id"] == contract)
    assert done.returncode == 1 and f"{named} BROKEN" in done.stdout, done.stdout


def test_every_contract_has_a_planted_violation():
    assert {contract for contract, _, _ in PLANTED} == {c["id"] for c in CONTRACTS}


def test_the_labelers_contract_forbids_every_other_room():
    contract = next(c for c in CONTRACTS if c["id"] == "labeler-rooms")
    forbidden = {module.removeprefix("align.") for module in contract["forbidden_modules"]}
    assert forbidden == ROOMS - KNOWN_TO_LABELER - LEAVES
