"""The parts of libraries that are private and used all the same: which one is gone, and where.

They may change in any release, which is why pyproject.toml bounds these libraries. After a new
version is taken up, a failure here is the list of what has to be looked at.
"""

import importlib
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import CHECKOUT


class Part(NamedTuple):
    """A private name.

    Attributes:
        module: Where the library has it.
        owner: Its class; empty for a name of the module.
        name: The name.
        used_in: The room of align that uses it.
        purpose: What it is used for.
    """

    module: str
    owner: str
    name: str
    used_in: str
    purpose: str


TRAINING = "align/training"
TRL_DPO, TRAINER = "trl.trainer.dpo_trainer", "transformers.trainer"
PARTS = [
    Part(TRL_DPO, "DPOTrainer", "_prepare_dataset", TRAINING, "our own tokens are trained on"),
    Part(TRL_DPO, "DPOTrainer", "_precompute_ref_logps", TRAINING, "the cache lies in the run"),
    Part(TRL_DPO, "DPOTrainer", "_compute_loss", TRAINING, "weights reach the loss"),
    Part(TRL_DPO, "DPOTrainer", "_metrics", TRAINING, "the weighted loss is logged"),
    Part("trl.trainer.sft_trainer", "SFTTrainer", "_metrics", TRAINING, "a resumed log goes on"),
    Part(
        "trl.trainer.sft_trainer",
        "SFTTrainer",
        "_total_train_tokens",
        TRAINING,
        "tokens per second go on",
    ),
    Part("trl.trainer.utils", "", "_use_triton", TRAINING, "only learned positions are projected"),
    Part(TRAINER, "Trainer", "_tr_loss", TRAINING, "a resumed log shows the same loss"),
    Part(
        TRAINER,
        "Trainer",
        "_globalstep_last_logged",
        TRAINING,
        "a resumed log's mean loss is right",
    ),
    Part(TRAINER, "Trainer", "_load_best_model", TRAINING, "the best save is published"),
    Part(
        "datasets.arrow_dataset",
        "Dataset",
        "_get_cache_file_path",
        TRAINING,
        "one cache for all ranks",
    ),
    Part("deepspeed.ops", "", "__compatible_ops__", TRAINING, "nothing is compiled on a CPU"),
    Part("trackio.run", "", "_get_default_namespace", TRAINING, "the hub isn't asked who is there"),
    Part("anthropic._compat", "", "model_copy", "align/claude", "the checked body is what is sent"),
    Part("anthropic._utils._json", "", "openapi_dumps", "align/claude", "what is sent is checked"),
]


def files_with(part: Part) -> list[str]:
    files = sorted((CHECKOUT / part.used_in).rglob("*.py"))
    return [str(file.relative_to(CHECKOUT)) for file in files if part.name in file.read_text()]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.owner or part.module}.{part.name}")
def test_a_private_part_is_still_there(part: Part) -> None:
    if importlib.util.find_spec(part.module.split(".")[0]) is None:
        pytest.skip(f"{part.module.split('.')[0]} is not installed")
    where = f"{part.module}{'.' + part.owner if part.owner else ''}.{part.name}"
    gone = f"{where} is gone; {', '.join(files_with(part))} uses it for this: {part.purpose}"
    module = importlib.import_module(part.module)
    if not part.owner:
        assert hasattr(module, part.name), gone
        return
    owner = getattr(module, part.owner, None)
    assert owner is not None, gone
    # What __init__ sets stands in the source only, here or in a class that it is built on.
    assigned = re.compile(rf"self\.{part.name}\b[^=\n]* = ")
    sources = (inspect.getsource(one) for one in owner.__mro__ if one is not object)
    assert hasattr(owner, part.name) or any(assigned.search(text) for text in sources), gone


@pytest.mark.parametrize(
    "name", [part.name for part in PARTS if part.module == TRL_DPO and part.name != "_metrics"]
)
def test_trl_still_uses_what_is_overridden(name: str) -> None:
    """An overridden method that nobody calls any more would be silently dead."""
    import transformers.trainer as parent
    from trl.trainer import base_trainer, dpo_trainer

    text = "".join(map(inspect.getsource, (dpo_trainer, base_trainer, parent)))
    assert f"self.{name}(" in text or f"self.{name} " in text, (
        f"TRL's DPOTrainer has {name}, but nobody calls it: {TRAINING} overrides it in vain"
    )


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.owner or part.module}.{part.name}")
def test_the_list_holds_nothing_that_nobody_uses(part: Part) -> None:
    assert files_with(part), f"nobody uses {part.name}"


def test_the_libraries_with_private_parts_are_bounded_to_what_was_tested() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    tested = dict(
        line.split("==") for line in Path(CHECKOUT / "constraints.txt").read_text().split()
        if "==" in line
    )  # fmt: skip
    for name in ("accelerate", "peft", "transformers", "trl"):
        major, minor = (int(part) for part in tested[name].split(".")[:2])
        assert f"{name}>={major}.{minor},<{major}.{minor + 1}" in project["dependencies"]
