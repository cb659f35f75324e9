"""Make the demo base: a tiny chat model that speaks in many voices.

    python -m align.demo.train_base --out data/demo/base --seed 0
    python -m align.demo.train_base --samples 20

Training runs in float32: a processor without hardware for bfloat16 is a hundred times slower
with it. The weights are stored in bfloat16.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from align.demo.base_model import (
    MAX_LENGTH,
    START,
    STOP,
    base_config,
    load_base,
    sample,
    save_base,
    train_tokenizer,
)
from align.demo.corpus import examples
from align.demo.muon import Muon
from align.demo.showcase import paste, report

EXAMPLES = 52_000
TOKENIZER_EXAMPLES = 12_000
BATCH_TOKENS = 3_072
LEARNING_RATE = 3e-3
WARM_UP = 0.03

# Token ids of a conversation, and for each whether it is learned.
Row = tuple[list[int], list[bool]]


def encode(messages: list[dict[str, str]], tokenizer: PreTrainedTokenizerFast) -> Row:
    """Return ids and answer mask, piece by piece as the chat template lays them out.

    A test holds this to the template's own rendering; it is ten times as fast.
    """
    ids: list[int] = []
    mask: list[bool] = []

    def add(text: str, learned: bool) -> None:
        piece = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        ids.extend(piece)
        mask.extend([learned] * len(piece))

    for message in messages:
        add(f"{START}{message['role']}\n", False)
        add(message["content"] + STOP, message["role"] == "assistant")
        add("\n", False)
    return ids, mask


def batches(rows: list[Row], rng: random.Random, budget: int) -> list[list[Row]]:
    """Return shuffled batches of rows of like length, each within a budget of padded tokens."""
    order = list(rows)
    rng.shuffle(order)
    shuffled: list[list[Row]] = []
    for start in range(0, len(order), 4096):
        batch: list[Row] = []
        for row in sorted(order[start : start + 4096], key=lambda r: len(r[0])):
            if batch and len(row[0]) * (len(batch) + 1) > budget:
                shuffled.append(batch)
                batch = []
            batch.append(row)
        shuffled.append(batch)
    rng.shuffle(shuffled)
    return shuffled


def loss_of(model: LlamaForCausalLM, batch: list[Row], pad: int) -> torch.Tensor:
    """Return the mean loss on the answers' tokens.

    Rows are padded on the right, so causal attention alone keeps padding out; the head is
    applied to learned positions only.
    """
    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([row + [pad] * (width - len(row)) for row, _ in batch])
    learned = torch.tensor([m + [False] * (width - len(m)) for _, m in batch])[:, 1:]
    hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state[learned]
    return torch.nn.functional.cross_entropy(model.lm_head(hidden), ids[:, 1:][learned])


def _schedule(step: int, steps: int) -> float:
    warm = max(1, int(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    return 0.5 * (1 + math.cos(math.pi * done)) * 0.9 + 0.1 * (1 - done)


def _optimisers(model: LlamaForCausalLM) -> tuple[Muon, torch.optim.AdamW]:
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    adam = torch.optim.AdamW(others, lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.0)
    return Muon(matrices, LEARNING_RATE), adam


def train(
    model: LlamaForCausalLM,
    plan: list[list[Row]],
    pad: int,
    report: Callable[[int, int, float], None],
) -> None:
    """Train a model on batches in their order, with the rate going to zero."""
    muon, adam = _optimisers(model)
    model.train()
    for step, batch in enumerate(plan):
        rate = LEARNING_RATE * _schedule(step, len(plan))
        muon.lr = rate
        adam.param_groups[0]["lr"] = rate
        loss = loss_of(model, batch, pad)
        loss.backward()
        adam.step()
        muon.step()
        adam.zero_grad()
        report(step + 1, len(plan), float(loss.detach()))
    model.eval()


def _reporter() -> Callable[[int, int, float], None]:
    start = last = time.monotonic()

    def report(step: int, steps: int, loss: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 5 and step < steps:
            return
        last = now
        rate = step / (now - start)
        print(
            f"step {step}/{steps}  loss {loss:.3f}  {rate:.2f} steps/s  "
            f"{(steps - step) / rate:.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    return report


def _plan(rows: list[Row], rng: random.Random, budget: int, steps: int | None) -> list[list[Row]]:
    plan = batches(rows, rng, budget)
    while steps is not None and len(plan) < steps:
        plan += batches(rows, rng, budget)
    return plan[:steps]


def train_base(
    out: Path,
    seed: int = 0,
    steps: int | None = None,
    count: int = EXAMPLES,
    batch_tokens: int = BATCH_TOKENS,
) -> LlamaForCausalLM:
    """Train tokenizer and base on the corpus of a seed and save both, all or nothing.

    The seed is that of corpus, weights and order; `count` conversations are the corpus, and no
    `steps` are once through it; a batch has `batch_tokens` at most, padding included. What the
    folder held is replaced once the new base is complete.
    """
    corpus = [example["messages"] for example in examples(seed, count)]
    texts = (m["content"] for messages in corpus[:TOKENIZER_EXAMPLES] for m in messages)
    tokenizer = train_tokenizer(texts)
    rows = [row for messages in corpus if len((row := encode(messages, tokenizer))[0]) < MAX_LENGTH]
    torch.manual_seed(seed)
    model = LlamaForCausalLM(base_config(tokenizer))
    plan = _plan(rows, random.Random(f"order {seed}"), batch_tokens, steps)
    train(model, plan, tokenizer.pad_token_id, _reporter())
    save_base(model, tokenizer, out)
    return model


def main(arguments: list[str] | None = None) -> None:
    """Train a base, or show samples of it."""
    parser = argparse.ArgumentParser(description="Make the demo base.")
    parser.add_argument("--out", type=Path, default=Path("data/demo/base"), help="its folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="default: once through the corpus")
    parser.add_argument("--count", type=int, default=EXAMPLES, help="conversations in the corpus")
    parser.add_argument("--samples", type=int, help="show so many answers instead of training")
    parser.add_argument("--page", type=Path, help="paste the samples into this page")
    options = parser.parse_args(arguments)
    if options.samples is None:
        train_base(options.out, options.seed, options.steps, options.count)
        return
    model, tokenizer = load_base(options.out)
    shown = report(lambda prompts: sample(model, tokenizer, prompts, options.seed), options.samples)
    if options.page is None:
        print(shown, end="")
    else:
        paste(options.page, shown)


if __name__ == "__main__":
    main()
