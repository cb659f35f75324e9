"""Load one checkpoint after the other, and let each answer and read what the measures need."""

import gc
import sqlite3
from typing import Any

from align.console import say
from align.evaluation.answers import answer_all
from align.evaluation.asked import OWNER_TEXTS, Asked
from align.evaluation.measures import Answered, Bench, Case
from align.evaluation.perplexity import surprise
from align.evaluation.voice_judge import Written, fit_judge
from align.models.checkpoints import Checkpoint
from align.store.prompts import Prompt


def answer_everything(conn: sqlite3.Connection, asked: Asked) -> Bench:
    """Return all answers and surprises, with the judge fitted on the base's other answers."""
    from align.models.loading import load_model

    answered: dict[str, Answered] = {}
    base_answers: list[Written] = []
    for word, checkpoint in asked.checkpoints.items():
        twin = load_model(checkpoint)
        answered[word] = _answered(conn, twin, asked)
        if checkpoint.path is None:
            base_answers = _base_answers(conn, twin, asked)
        del twin
        gc.collect()
    if not base_answers:
        base_answers = _base_answers(conn, load_model(_base_of(asked)), asked)
    cases = [Case(p.id, p.text, seed) for seed in asked.seeds for p in asked.prompts]
    anchors = asked.anchors
    kept, tried = base_answers[::2], base_answers[1::2]
    if anchors.others:
        kept, tried = base_answers, []
    say("Fitting the voice judge.")
    judge = fit_judge(
        anchors.owner.all,
        [*anchors.others, *kept],
        anchors.held_out.all,
        [*anchors.others_held_out, *tried],
        cap_on=[Written(text) for text in anchors.own_register],
        topical=anchors.topical,
    )
    return Bench(cases, answered, anchors, judge)


def _answered(conn: sqlite3.Connection, twin: Any, asked: Asked) -> Answered:
    from align.models.loaded_model import log_likelihood

    texts = [
        text
        for seed in asked.seeds
        for text in answer_all(conn, twin, asked.prompts, seed=seed, settings=asked.settings)
    ]
    own, neutral = _owner_texts(asked), list(asked.anchors.neutral)
    return Answered(
        texts,
        surprise(log_likelihood(twin, own)) if own else None,
        surprise(log_likelihood(twin, neutral)) if neutral else None,
        _reward_accuracy(twin.checkpoint),
    )


def _owner_texts(asked: Asked) -> list[Any]:
    held_out = asked.anchors.held_out
    return [*held_out.conversations, *(w.text for w in held_out.pieces)][:OWNER_TEXTS]


def _base_answers(conn: sqlite3.Connection, twin: Any, asked: Asked) -> list[Written]:
    """Return what the base answers to prompts of the training side: never what is evaluated."""
    prompts: tuple[Prompt, ...] = asked.judge_prompts
    texts = answer_all(conn, twin, prompts, seed=0, settings=asked.settings)
    return [
        Written(text, prompt.text)
        for text, prompt in zip(texts, prompts, strict=True)
        if text.strip()
    ]


def _base_of(asked: Asked) -> Checkpoint:
    twin = next(iter(asked.checkpoints.values()))
    return Checkpoint("base", None, twin.base.hash, twin.base, grew_into=twin.path)


def _reward_accuracy(checkpoint: Checkpoint) -> float | None:
    """Return what DPO measured on its held-out pairs, or None where it measured nothing."""
    found = checkpoint.lineage.metrics.get("reward_accuracy") if checkpoint.lineage else None
    return None if found is None else float(found)
