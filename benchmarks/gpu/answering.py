"""What becomes of a twin on the device: sampling, export, and a base in four bits."""

import importlib.util
import shutil
from collections.abc import Iterator
from typing import Any

from benchmarks.gpu.ground import CHECKOUT, Ground, Skipped
from benchmarks.gpu.training import LN2, WHOLE, precise
from benchmarks.harness import Row, at_least, at_most, reported

_ASKS = [[{"role": "user", "content": f"Tell me about number {at}."}] for at in range(16)]


def sampling(ground: Ground) -> Iterator[Row]:
    """Draw answers twice with one seed, and with another."""
    twin = _twin(ground, "sampled")
    yield at_least("the twin is on the device", int(twin.model.device.type == ground.device), 1)
    first, second, smaller, other = (
        twin.generate(_ASKS, seed=seed, n=2, max_new_tokens=24, batch_size=size)
        for seed, size in ((1, 32), (1, 32), (1, 5), (2, 32))
    )
    yield at_most("answers that differ when drawn again", _differing(first, second), 0)
    yield at_least("answers that differ with another seed", _differing(first, other), 1)
    # Another batch adds up in another order: on a GPU some draws fall to the other side.
    yield reported("answers that differ in smaller batches", _differing(first, smaller))


def _differing(first: list[list[str]], second: list[list[str]]) -> int:
    pairs = zip(first, second, strict=True)
    return sum(a != b for one, other in pairs for a, b in zip(one, other, strict=True))


def exporting(ground: Ground) -> Iterator[Row]:
    """Merge an adapter, copy a whole twin, and compare the logits with the twins' own."""
    from align.export.exporting import ExportRequest, export
    from align.models.checkpoints import resolve

    prompts = ground.root / "data" / "prompts"
    if not prompts.is_dir():
        shutil.copytree(CHECKOUT / "data" / "prompts", prompts)
    for kind, more in (("adapter", ()), ("whole", (*WHOLE, "--learning_rate", "1e-3"))):
        ground.train("sft", f"export-{kind}", *precise(ground), *more)
        checkpoint = resolve(f"export-{kind}", "sft")
        out = ground.root / f"exported-{kind}"
        agreement = export(checkpoint, ExportRequest(out, merge=True)).agreement
        if agreement is None:
            raise AssertionError("nothing was compared")
        name = f"{kind}, largest difference of a logit"
        yield at_most(name, agreement.largest, agreement.tolerance)
        ours, theirs = _next_words(ground, checkpoint, out)
        yield at_least(f"{kind}, same next words on the device", ours == theirs, 1)


def _next_words(ground: Ground, checkpoint: Any, out: Any) -> tuple[list[int], list[int]]:
    """Return the likeliest next token after each prompt, by the twin and by what was exported."""
    import torch

    from align.models.chat_template import render_prompt
    from align.models.loading import load_causal_lm, load_model

    twin = load_model(checkpoint)
    exported = load_causal_lm(out, dtype=twin.model.dtype).to(twin.model.device).eval()
    found: tuple[list[int], list[int]] = ([], [])
    with torch.inference_mode():
        for ask in _ASKS:
            ids = torch.tensor([render_prompt(twin.tokenizer, ask)], device=twin.model.device)
            for model, words in zip((twin.model, exported), found, strict=True):
                words.append(int(model(input_ids=ids).logits[0, -1].argmax()))
    return found


def four_bits(ground: Ground) -> Iterator[Row]:
    """Train adapters on a base in four bits, SFT and DPO."""
    if ground.device != "cuda":
        raise Skipped("bitsandbytes is checked on CUDA only")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise Skipped("bitsandbytes is not installed")
    words = (*precise(ground), "--load_in_4bit", "true")
    sft = ground.train("sft", "four-bits", *words)
    yield at_least("SFT loss falls by", sft.losses[0] - sft.losses[-1], 0.0, "nats")
    dpo = ground.train("dpo", "four-bits", *words)
    yield at_most("first DPO loss against ln 2", abs(dpo.losses[0] - LN2), 1e-3)


def _twin(ground: Ground, owner: str) -> Any:
    from align.models.checkpoints import resolve
    from align.models.loading import load_model

    ground.train("sft", owner, *precise(ground))
    return load_model(resolve(owner, "sft"))
