"""Tokens that a base lacks: its tokenizer is given them, and its embeddings room for them."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from align.errors import UserError
from align.models.chat_template import template_of

CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")

# Turns as text, each under the name of who speaks; the base's own end token closes an answer. The
# line breaks keep a base that was taught on web pages from seeing words that it never met so.
_TURNS = (
    "{%- for message in messages %}"
    "{{- message['role'][0] | upper + message['role'][1:] + ':\\n' + message['content'] }}"
    "{%- if message['role'] == 'assistant' %}{{- eos_token }}{%- endif %}"
    "{{- '\\n\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- 'Assistant:\\n' }}{%- endif %}"
)
_CHATML = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def give_template(tokenizer: Any, kind: str) -> Any:
    """Return the base's tokenizer with the chat template that a recipe asks for.

    `own` leaves it as it is; `plain` adds no token; `chatml` adds `CHATML_TOKENS`, of which the
    second ends an answer, where the tokenizer lacks them. UserError: `own`, and the base has none;
    or `plain`, and the base has no end token.
    """
    if kind == "own":
        template_of(tokenizer)
        return tokenizer
    # Some tokenizers put a token before every text; the template then has to write it.
    begins = tokenizer.bos_token_id is not None and (
        tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id
    )
    if kind == "chatml":
        tokenizer.add_special_tokens(
            {"eos_token": CHATML_TOKENS[1], "additional_special_tokens": [*CHATML_TOKENS]}
        )
    elif tokenizer.eos_token is None:
        raise UserError(
            f"tokenizer of {tokenizer.name_or_path}",
            "it has no end token that could close an answer",
            "Say chat_template: chatml",
        )
    text = _CHATML if kind == "chatml" else _TURNS
    tokenizer.chat_template = ("{{- bos_token }}" if begins else "") + text
    return tokenizer


def fit_embeddings(
    model: Any, tokenizer: Any, learned: Mapping[str, tuple[Sequence[int], Any]] | None = None
) -> Any:
    """Return the base's model with an embedding for every token, its own kept as they are.

    Where the tokenizer knows more tokens than the base, rows are added. `learned` are, by layer,
    trained rows and their values, (rows, hidden). Written into the base, every adapter made on it
    afterwards starts from them, TRL's copy for the reference too, which forgets them otherwise.
    """
    # Many bases keep more rows than their tokenizer fills; those are never taken away.
    weight = model.get_input_embeddings().weight
    if len(tokenizer) > getattr(weight, "ds_shape", weight.shape)[0]:
        model.resize_token_embeddings(len(tokenizer))
    for layer, (rows, values) in (learned or {}).items():
        weight = model.get_submodule(layer).weight
        with _whole(weight):
            weight.data[list(rows)] = values.to(weight)
    return model


def _whole(weight: Any) -> Any:
    """Return a block in which a weight that ZeRO-3 divides over the processes is whole."""
    if not hasattr(weight, "ds_shape"):
        return nullcontext()
    from deepspeed.zero import GatheredParameters

    return GatheredParameters([weight], modifier_rank=0)


def trained_tokens(model: Any, tokenizer: Any) -> dict[str, list[int]]:
    """Return peft's `trainable_token_indices` for ChatML: the layers' names, and their rows.

    Two rows a layer, rather than all of a vocabulary as `modules_to_save` would keep: plain peft
    loads them on a base that it widens by itself. A tied output layer follows its input.
    """
    rows = tokenizer.convert_tokens_to_ids(list(CHATML_TOKENS))
    layers = [model.get_input_embeddings()]
    output = model.get_output_embeddings()
    if output is not None and output.weight is not layers[0].weight:
        layers.append(output)
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(layer)].rpartition(".")[2]: rows for layer in layers}


def with_whole_head(model: Any) -> Any:
    """Return the peft model with an output layer that has a `bias`, as TRL's fused head asks.

    Around a layer with trained rows peft puts one that shows no more than its `weight`.
    """
    head = model.get_output_embeddings()
    if head is not None and not hasattr(head, "bias"):
        head.bias = None
    return model
