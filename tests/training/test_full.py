"""Twins whose every weight was trained: published whole, loaded anywhere, preferred."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.errors import UserError
from align.models import checkpoints, lineage
from align.recipe.recipe_file import RecipeError, read_recipe
from tests.tiny_runs import SFT, words
from tests.training.test_runs import losses, stop_after

FULL = ("--use_peft", "false")
ASK = [{"role": "user", "content": "Tell me about number 3."}]


@pytest.fixture(scope="module")
def full_root(trained_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root in which ann's newest SFT twin, 002-sft, is a whole model."""
    root = tmp_path_factory.mktemp("full") / "root"
    shutil.copytree(trained_root, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOUNDALIKE_ROOT", str(root))
        assert sft.main(words(root, "sft", *FULL)) == 0
    return root


@pytest.fixture
def full(full_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    shutil.copytree(full_root, root, symlinks=True)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(root))
    return root


def logits(model: Any, tokenizer: Any) -> Any:
    import torch

    from align.models.chat_template import render_prompt

    with torch.no_grad():
        return model.eval()(torch.tensor([render_prompt(tokenizer, ASK)])).logits


def test_full_sft_trains_every_weight_and_publishes_a_whole_model(full: Path) -> None:
    from safetensors.torch import load_file

    twin = checkpoints.resolve("ann", "sft")
    assert twin.name == "002-sft" and twin.path is not None and twin.lineage is not None
    assert json.loads((twin.path / "twin.json").read_text())["kind"] == "full"
    assert twin.lineage.adapter_hash == lineage.weights_hash(twin.path)
    names = {path.name for path in twin.path.iterdir()}
    assert {"config.json", "generation_config.json", "tokenizer.json", "log.jsonl"} <= names
    assert not any("adapter" in name for name in names)
    assert lineage.weights_file(twin.path).name == "model.safetensors"
    mine, base = (load_file(f / "model.safetensors") for f in (twin.path, full / "models/tiny"))
    assert mine.keys() == base.keys()
    assert all(not mine[name].equal(base[name]) for name in mine)
    assert twin.lineage.metrics["last_loss"] < twin.lineage.metrics["first_loss"]
    # An adapter's twin.json stays as it was before there were others.
    adapter = json.loads((full / "checkpoints/ann/001-sft/twin.json").read_text())
    assert "kind" not in adapter


def test_full_twin_loads_with_plain_transformers_from_anywhere_and_without_its_base(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from align.models.loading import load_model

    shutil.rmtree(full / "models/tiny")
    twin = load_model(checkpoints.resolve("ann", "sft"))
    monkeypatch.chdir(tmp_path)
    folder = full / "checkpoints/ann/sft"
    plain = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert logits(plain, tokenizer).equal(logits(twin.model, twin.tokenizer))
    assert twin.generate([ASK], seed=1, max_new_tokens=4) != [[""]]
    with pytest.raises(UserError, match="base models/tiny can't be found"):
        checkpoints.resolve("ann", "base")


@pytest.mark.parametrize("is_cached", ["true", "false"])
def test_full_dpo_starts_from_and_refers_to_the_sft_twin(full: Path, is_cached: str) -> None:
    more = ("--precompute_ref_log_probs", is_cached, "--learning_rate", "1e-4")
    assert dpo.main(words(full, "dpo", *FULL, *more)) == 0
    made = checkpoints.resolve("ann", "dpo").lineage
    assert made is not None and made.parent is not None and made.kind == "full"
    assert made.parent["name"] == "002-sft"
    assert losses(full / "checkpoints/ann/003-dpo")[0] == pytest.approx(0.6931, abs=1e-4)
    assert made.metrics["held_out_pairs"] == made.rows["held_out"] > 0


def test_reference_that_is_the_base_is_caught_before_the_first_step(
    full: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from align.models.loading import load_causal_lm
    from align.training import policy
    from align.training.policy import model_settings

    def base_instead(run: Any, args: Any) -> Any:
        return load_causal_lm(run.base.path, **model_settings(run)).requires_grad_(False).eval()

    monkeypatch.setattr(policy, "frozen_reference", base_instead)
    live = ("--precompute_ref_log_probs", "false")
    assert dpo.main(words(full, "dpo", *FULL, *live)) == 2
    said = capsys.readouterr().err
    assert "policy and reference differ" in said and "002-sft" in said
    # The same where the wrong model's log-probs were computed beforehand.
    assert dpo.main(words(full, "dpo", *FULL)) == 2
    assert "policy and reference differ" in capsys.readouterr().err
    assert not (full / "checkpoints/ann/dpo").exists()


def test_log_probs_cached_of_another_model_are_caught(
    full: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from align.training.weighted_dpo import WeightedDPOTrainer

    genuine = WeightedDPOTrainer._precompute_ref_logps

    def of_a_changed_model(self: Any, *args: Any) -> Any:
        import torch

        kept = {name: one.detach().clone() for name, one in self.model.named_parameters()}
        with torch.no_grad():
            for one in self.model.parameters():
                one.mul_(1.5)
            found = genuine(self, *args)
            for name, one in self.model.named_parameters():
                one.copy_(kept[name])
        return found

    monkeypatch.setattr(WeightedDPOTrainer, "_precompute_ref_logps", of_a_changed_model)
    assert dpo.main(words(full, "dpo", *FULL)) == 2
    assert "cached log-probs of the reference are not its own" in capsys.readouterr().err


def test_resumed_full_runs_equal_uninterrupted(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for run, name in ((sft, "002-sft"), (dpo, "003-dpo")):
        stage = name.partition("-")[2]
        folder = full / "checkpoints/ann" / name
        if run is dpo:
            assert dpo.main(words(full, "dpo", *FULL)) == 0
        kept = folder.rename(full / f"kept-{name}")
        (full / "checkpoints/ann" / stage).unlink()
        patch = stop_after(monkeypatch, 3)
        assert run.main(words(full, stage, *FULL)) == 130
        patch.undo()
        assert run.main(words(full, stage, *FULL)) == 0
        assert losses(folder) == losses(kept)
        file = "model.safetensors"
        assert (folder / file).read_bytes() == (kept / file).read_bytes()


def test_weights_in_shards_are_hashed_and_a_missing_shard_is_missed(full: Path) -> None:
    from transformers import AutoModelForCausalLM

    from align.models.loading import load_model

    folder = full / "checkpoints/ann/002-sft"
    model = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="40KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1 and lineage.weights_files(folder) == shards
    with pytest.raises(UserError, match=r"not the weights that twin\.json describes"):
        checkpoints.load(folder)
    described = json.loads((folder / "twin.json").read_text())
    described["adapter_hash"] = lineage.weights_hash(folder)
    (folder / "twin.json").write_text(json.dumps(described))
    assert load_model(checkpoints.load(folder)).model.device.type == "cpu"
    shards[0].unlink()
    assert not lineage.has_weights(folder)
    with pytest.raises(UserError, match="only its lineage is here"):
        load_model(checkpoints.load(folder))


def test_adapter_and_whole_model_do_not_go_on_from_each_other(
    full: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dpo.main(words(full, "dpo")) == 2
    said = capsys.readouterr().err
    assert "it trains an adapter, but 002-sft is a whole model" in said
    assert "--use_peft false" in said and said.count("\n") == 1
    assert dpo.main(words(full, "dpo", *FULL, "--checkpoint", "001-sft")) == 2
    assert "it trains every weight, but 001-sft is an adapter" in capsys.readouterr().err


def test_use_peft_true_is_the_recipe_without_it_and_four_bits_are_not_trained(
    full: Path,
) -> None:
    file = full / "recipes/tiny/sft.yaml"
    plain = read_recipe(file, "sft")
    assert read_recipe(file, "sft", ("--use_peft", "true")).hash == plain.hash
    assert read_recipe(file, "sft", FULL).hash != plain.hash
    file.write_text(SFT + "use_peft: false\nload_in_4bit: true\n")
    with pytest.raises(RecipeError, match="load_in_4bit freezes them"):
        read_recipe(file, "sft")


def test_pack_brings_a_whole_twin_to_another_machine(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from align.models.loading import load_model
    from align.packs import packing
    from align.packs.bundle import Manifest, open_bundle, write_bundle
    from align.packs.unpacking import Unpacked, place_checkpoints

    monkeypatch.setattr(packing, "_LARGE", 1)
    members = packing._twin_members(full / "checkpoints/ann/002-sft")
    assert "002-sft: 0.0 GB of weights go in" in capsys.readouterr().err
    assert not any(name.endswith("log.jsonl") for name in members)
    pack = tmp_path / "ann.pack"
    write_bundle(pack, Manifest("label", "ann", 1, "0", {}), members)
    there = tmp_path / "there"
    (there / "checkpoints/ann").mkdir(parents=True)
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(there))
    with open_bundle(pack) as bundle:
        bundle.verify()
        place_checkpoints(bundle, "ann", Unpacked())
    twin = load_model(checkpoints.resolve("ann", "sft"))
    assert twin.checkpoint.path == (there / "checkpoints/ann/002-sft").resolve()
