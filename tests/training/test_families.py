"""Each architecture of the recipes' bases goes the whole road, as a little model of its class."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from align import dpo, sft
from align.models import checkpoints
from align.training.callbacks import RunMonitor
from tests.tiny_families import FAMILIES, write_family_base
from tests.tiny_runs import DPO, SFT, dpo_row, sft_row, words, write_rows

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CHAT = [
    {"role": "user", "content": "How was the concert?"},
    {"role": "assistant", "content": "Loud, and worth it."},
    {"role": "user", "content": "And the garden?"},
    {"role": "assistant", "content": "We planted beans."},
]


@pytest.fixture
def family_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    recipes = root / "recipes" / "tiny"
    for folder in (recipes, root / "data", root / "checkpoints"):
        folder.mkdir(parents=True)
    (recipes / "sft.yaml").write_text(SFT)
    (recipes / "dpo.yaml").write_text(DPO)
    write_rows(root / "sft.jsonl", [{"messages": CHAT}, *(sft_row(at) for at in range(11))])
    write_rows(root / "dpo.jsonl", [dpo_row(at) for at in range(12)])
    (root / "data" / "prompts").symlink_to(CHECKOUT / "data" / "prompts")
    monkeypatch.setenv("SOUNDALIKE_ROOT", str(root))
    return root


def stop_after(steps: int) -> pytest.MonkeyPatch:
    """Let Ctrl-C come after so many steps, until the patch is undone."""

    def stopped(self: Any, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == steps:
            raise KeyboardInterrupt

    patch = pytest.MonkeyPatch()
    patch.setattr(RunMonitor, "on_step_end", stopped)
    return patch


def losses(folder: Path) -> list[float]:
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def logits_agree(folder: Path, twin: Any) -> None:
    """Assert that plain peft, which knows nothing of this project, has the twin's logits."""
    import torch
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer

    from align.models.chat_template import render_prompt

    plain = AutoPeftModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([render_prompt(tokenizer, CHAT[:3])])
    assert ids[0].tolist() == render_prompt(twin.tokenizer, CHAT[:3])
    with torch.no_grad():
        assert torch.allclose(plain(ids).logits, twin.model(ids).logits, atol=2e-4, rtol=1e-3)


def trained_layers(folder: Path) -> set[str]:
    """Return the names of the weights in an adapter."""
    from safetensors.torch import load_file

    return set(load_file(folder / "adapter_model.safetensors"))


def export_agrees(twin: Any, out: Path) -> None:
    """Assert that the merged export, loaded by plain transformers, has the twin's logits."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from align.export.exporting import ExportRequest, export
    from align.models.chat_template import render_prompt

    export(twin.checkpoint, ExportRequest(out=out, merge=True, dtype="float32"))
    merged = AutoModelForCausalLM.from_pretrained(out).eval()
    ids = torch.tensor([render_prompt(AutoTokenizer.from_pretrained(out), CHAT[:3])])
    assert ids[0].tolist() == render_prompt(twin.tokenizer, CHAT[:3])
    with torch.no_grad():
        assert torch.allclose(merged(ids).logits, twin.model(ids).logits, atol=2e-4, rtol=1e-3)
    assert _stop(twin) in _listed(merged.generation_config.eos_token_id)


def _listed(ids: int | list[int]) -> list[int]:
    return [ids] if isinstance(ids, int) else ids


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_goes_through_sft_dpo_a_stop_and_reloading(
    family: str, family_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from align.models.loading import load_model

    write_family_base(family_root / "models" / "tiny", family)
    assert sft.main(words(family_root, "sft")) == 0
    folder = family_root / "checkpoints/ann/001-sft"
    twin = load_model(checkpoints.resolve("ann", "sft"))
    assert twin.tokenizer.decode([_stop(twin)]) == FAMILIES[family].stop
    # Of a model that also sees, what sees is left alone.
    assert trained_layers(folder) and not [name for name in trained_layers(folder) if "vis" in name]
    logits_agree(folder, twin)

    assert dpo.main(words(family_root, "dpo")) == 0
    folder = family_root / "checkpoints/ann/002-dpo"
    whole = losses(folder)
    assert whole[0] == pytest.approx(0.6931, abs=1e-4)
    shutil.rmtree(folder)
    (family_root / "checkpoints/ann/dpo").unlink()
    patch = stop_after(3)
    assert dpo.main(words(family_root, "dpo")) == 130
    patch.undo()
    assert dpo.main(words(family_root, "dpo")) == 0
    assert losses(folder) == whole

    monkeypatch.chdir(tmp_path)
    twin = load_model(checkpoints.resolve("ann", "dpo"))
    logits_agree(folder, twin)
    _stops(twin)
    export_agrees(twin, tmp_path / "merged")


@pytest.mark.slow
# Llama's output layer has weights of its own, Gemma's are its embeddings; neither knows ChatML.
@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_tokens_that_a_base_lacks_are_trained_saved_and_loaded(
    family: str, family_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    from align.models.loading import load_model

    base = write_family_base(family_root / "models" / "tiny", family)
    (base / "chat_template.jinja").unlink()
    assert sft.main(words(family_root, "sft", "--chat_template", "chatml")) == 0
    folder = family_root / "checkpoints/ann/001-sft"
    rows = {name for name in trained_layers(folder) if "trainable_tokens" in name}
    assert len(rows) == (1 if family == "gemma3" else 2)
    others = trained_layers(folder) - rows
    assert not [name for name in others if "embed_tokens" in name or "lm_head" in name]
    twin = load_model(checkpoints.resolve("ann", "sft"))
    assert twin.tokenizer.decode([_stop(twin)]) == "<|im_end|>"
    monkeypatch.chdir(tmp_path)
    logits_agree(folder, twin)

    # The step-0 check would stop a reference without the trained rows.
    assert dpo.main(words(family_root, "dpo")) == 0
    folder = family_root / "checkpoints/ann/002-dpo"
    assert losses(folder)[0] == pytest.approx(0.6931, abs=1e-4)
    newer = load_model(checkpoints.resolve("ann", "dpo"))
    logits_agree(folder, newer)
    export_agrees(newer, tmp_path / "merged")
    learned = [one.model.get_input_embeddings().weight[_stop(one)] for one in (twin, newer)]
    assert not torch.equal(*learned)


@pytest.mark.slow
def test_a_base_without_a_template_speaks_in_plain_turns(
    family_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from align.models.chat_template import render
    from align.models.loading import load_model

    base = write_family_base(family_root / "models" / "tiny", "llama")
    (base / "chat_template.jinja").unlink()
    assert sft.main(words(family_root, "sft")) == 2
    said = capsys.readouterr().err
    assert "no chat template" in said and "chat_template: plain" in said
    assert sft.main(words(family_root, "sft", "--chat_template", "plain")) == 0
    folder = family_root / "checkpoints/ann/001-sft"
    twin = load_model(checkpoints.resolve("ann", "sft"))
    assert not [name for name in trained_layers(folder) if "lora" not in name]
    assert twin.tokenizer.decode(render(twin.tokenizer, CHAT[:2]).input_ids) == (
        "<|begin_of_text|>User:\nHow was the concert?\n\nAssistant:\nLoud, and worth it.<|eot_id|>"
    )
    logits_agree(folder, twin)
    # It is compared with its base, which then answers in its template.
    base_twin = load_model(checkpoints.resolve("ann", "base"))
    assert render(base_twin.tokenizer, CHAT[:2]) == render(twin.tokenizer, CHAT[:2])
    assert base_twin.generate([CHAT[:1]], seed=1, max_new_tokens=3)


def _stop(twin: Any) -> int:
    from align.models.chat_template import stop_token

    return stop_token(twin.tokenizer)


def _stops(twin: Any) -> None:
    """Assert that generation ends at the stop token, of which the answer's text shows nothing."""
    import torch

    with torch.no_grad():
        # Whatever it would say, the stop comes now.
        head = twin.model.get_output_embeddings()
        kept = head.forward
        head.forward = lambda states: _certain(kept(states), _stop(twin))
    (answers,) = twin.generate([CHAT[:3]], seed=1, max_new_tokens=6)
    head.forward = kept
    assert answers == [""]


def _certain(logits: Any, token: int) -> Any:
    logits[..., token] += 1e4
    return logits
