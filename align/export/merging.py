"""A checkpoint as one model: its adapter merged into the base in float32, then rounded once."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.console import progress
from align.conversations.prompts import bundled_file
from align.errors import UserError
from align.export.agreement import Agreement, agreement, logits, rounded_anew
from align.files import read_jsonl
from align.models.chat_template import TEMPLATE_SETTINGS, Message, dateless, render_prompt
from align.models.checkpoints import Checkpoint
from align.models.lineage import FULL
from align.models.loaded_model import stops_of
from align.models.loading import load_causal_lm, load_tokenizer
from align.models.vocabulary import fit_embeddings
from align.paths import relative_to_root

# Shipped prompts on which logits are compared.
_PROMPTS = 20


@dataclass(frozen=True)
class Reference:
    """The checkpoint's logits on the prompts, to compare the export with."""

    prompts: list[list[int]]  # token ids, as the model was trained to read them
    logits: list[Any]  # of each prompt, (T, V)
    # Of each prompt, the sum of squares by which training moved the base's logits; None of a model
    # that was trained whole.
    trained: list[float] | None


def check_prompts() -> list[list[Message]]:
    """Return shipped prompts, spread evenly over their file; the last ones have turns before."""
    rows = [row for _, row in read_jsonl(bundled_file())]
    prompts = [row.get("messages") or [{"role": "user", "content": row["prompt"]}] for row in rows]
    prompts = [messages for messages in prompts if _alternates(messages)]
    return [prompts[at * (len(prompts) - 1) // (_PROMPTS - 1)] for at in range(_PROMPTS)]


def _alternates(messages: Sequence[Message]) -> bool:
    """Tell whether user and answer take turns: some templates refuse two of a kind."""
    roles = [message["role"] for message in messages]
    return roles == ["user" if at % 2 == 0 else "assistant" for at in range(len(roles))]


def merged(
    checkpoint: Checkpoint, tokenizer: Any, conversations: Sequence[list[Message]], dtype: str
) -> tuple[Any, Reference]:
    """Return one model with weights of a type, and the checkpoint's logits before rounding.

    The adapter is added in float32 to the base as it is stored (in full precision where training
    held it in four bits), and the sum is rounded once.
    """
    import torch

    prompts = [render_prompt(tokenizer, messages) for messages in conversations]
    assert checkpoint.path is not None and checkpoint.lineage is not None
    if checkpoint.lineage.kind == FULL:
        model = load_causal_lm(checkpoint.path, dtype=torch.float32).eval()
        outputs = list(progress(logits(model, prompts), len(prompts), "the twin", unit="prompts"))
        reference = Reference(prompts, outputs, None)
    else:
        model, reference = _with_adapter(checkpoint, tokenizer, prompts)
    _part_heads(model)
    model.generation_config = generation_config(model, tokenizer, checkpoint)
    return model.to(getattr(torch, dtype)), reference


def compared(folder: Path, reference: Reference, dtype: str) -> Agreement:
    """Load an exported folder as anybody would, and compare its logits with the checkpoint's.

    `dtype` is what the export's weights were rounded to.
    """
    import torch

    model = load_causal_lm(folder, dtype=torch.float32).eval()
    prompts = reference.prompts
    exported = list(progress(logits(model, prompts), len(prompts), "the export", unit="prompts"))
    noisy = logits(rounded_anew(model, dtype), prompts)
    noisy = progress(noisy, len(prompts), "the tolerance", unit="prompts")
    return agreement(reference.logits, exported, noisy, reference.trained)


def check_template(
    folder: Path, conversations: Sequence[list[Message]], prompts: Sequence[list[int]]
) -> None:
    """Hold a folder's own chat template against the tokens trained on; UserError if it differs."""
    tokenizer = load_tokenizer(folder)
    for messages, ids in zip(conversations, prompts, strict=True):
        plain = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False
        )
        # Earlier answers were read token by token as they were said; a text in one go may be cut
        # into tokens otherwise where they begin.
        if len(messages) > 1:
            plain, ids = tokenizer.decode(plain), tokenizer.decode(ids)
        if plain != ids:
            raise UserError(
                relative_to_root(folder),
                "its chat template does not give the tokens that the twin was trained on",
                "Report this with the base's name; nothing was exported",
            )


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Save a tokenizer whose template says by itself what this toolkit says each time."""
    own = tokenizer.chat_template
    settings = [
        f"{{%- set {key} = {str(value).lower()} %}}"
        for key, value in TEMPLATE_SETTINGS.items()
        if key in own
    ]
    try:
        tokenizer.chat_template = "".join(settings) + dateless(own)
        tokenizer.save_pretrained(folder)
    finally:
        tokenizer.chat_template = own


def generation_config(model: Any, tokenizer: Any, checkpoint: Checkpoint) -> Any:
    """Return how the model is sampled: its lineage's settings, and every token that ends an answer.

    What the base's own configuration says beside (top_k, penalties) is left out.
    """
    from transformers import GenerationConfig

    sampling = checkpoint.sampling
    temperature = sampling.get("temperature", 1.0)
    drawn = {"temperature": temperature, "top_p": sampling.get("top_p", 1.0), "top_k": 0}
    return GenerationConfig(
        do_sample=temperature > 0,
        **(drawn if temperature > 0 else {}),
        max_new_tokens=sampling.get("max_new_tokens", 256),
        eos_token_id=stops_of(model, tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )


def _with_adapter(
    checkpoint: Checkpoint, tokenizer: Any, prompts: list[list[int]]
) -> tuple[Any, Reference]:
    import torch
    from peft import PeftModel

    base = fit_embeddings(load_causal_lm(checkpoint.base.path, dtype=torch.float32), tokenizer)
    with warnings.catch_warnings():
        # Names of transformers that peft will have to change, and heads that are seen to below.
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(base, checkpoint.path).eval()
    outputs = list(progress(logits(model, prompts), len(prompts), "the twin", unit="prompts"))
    with model.disable_adapter():
        trained = [
            float((after - before).square().sum())
            for after, before in zip(outputs, logits(model, prompts), strict=True)
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model.merge_and_unload()
    return model, Reference(prompts, outputs, trained)


def _part_heads(model: Any) -> None:
    """Stop calling a head tied to the embeddings once training has parted the two."""
    text = model.config.get_text_config()
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if not getattr(text, "tie_word_embeddings", False) or head is None:
        return
    if head.weight.data_ptr() == embeddings.weight.data_ptr():
        return
    if head.weight.equal(embeddings.weight):
        model.tie_weights()
        return
    text.tie_word_embeddings = model.config.tie_word_embeddings = False
