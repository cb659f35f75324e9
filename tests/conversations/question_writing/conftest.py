"""What the tests of Claude's questions share: a key, and the base, loaded once."""

import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def base() -> Any:
    """The demo's base, which weighs."""
    from align.models.checkpoints import resolve
    from align.models.loading import load_model
    from align.recipe.recipe_file import read_recipe, recipe_path

    assert "SOUNDALIKE_ROOT" not in os.environ
    return load_model(
        resolve("demo", "base", recipe=read_recipe(recipe_path("demo", "sft"), "sft"))
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A base that knows nothing and weighs fast: for what does not depend on the weights."""
    from align.models.base import resolve_base
    from align.models.checkpoints import Checkpoint
    from align.models.loading import load_model
    from tests.tiny import write_tiny_base

    folder = write_tiny_base(tmp_path_factory.mktemp("base") / "tiny")
    base = resolve_base(str(folder), where="test")
    return load_model(Checkpoint("base", None, base.hash, base))


@pytest.fixture
def there(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of the test's own, and a key."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    return root
