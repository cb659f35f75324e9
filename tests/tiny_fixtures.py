"""Fixtures: a tiny base in a root of its own, and the SFT twin that grew from it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import tiny_tokenizer, write_tiny_base
from tests.tiny_runs import DPO, SFT, dpo_row, sft_row, words, write_rows


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="session")
def trained_root(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with recipe `tiny`, rows, and `checkpoints/ann/001-sft`; copy it, don't change it."""
    root = tmp_path_factory.mktemp("trained") / "root"
    shutil.copytree(tiny_base, root / "models" / "tiny")
    recipes = root / "recipes" / "tiny"
    recipes.mkdir(parents=True)
    (root / "data").mkdir()
    (root / "checkpoints").mkdir()
    (recipes / "sft.yaml").write_text(SFT)
    (recipes / "dpo.yaml").write_text(DPO)
    write_rows(root / "sft.jsonl", [sft_row(at) for at in range(24)])
    write_rows(root / "dpo.jsonl", [dpo_row(at) for at in range(24)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDALIKE_ROOT", str(root))
        from align.sft import main

        assert main(words(root, "sft")) == 0
    return root


@pytest.fixture
def trained(trained_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of this test's own in which ann's SFT twin is there already."""
    root = tmp_path / "trained"
    shutil.copytree(trained_root, root, symlinks=True)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(root))
    return root
