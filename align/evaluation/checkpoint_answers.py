"""What each checkpoint answers to the same prompts and seeds, stored and so never drawn twice."""

import gc
import sqlite3
from collections.abc import Sequence
from typing import Any

from align.console import progress, say
from align.evaluation.evaluation_data import (
    Case,
    CheckpointAnswers,
    EvaluationData,
    EvaluationRequest,
)
from align.evaluation.perplexity import TextLikelihoods
from align.evaluation.voice_judge import PromptedText, VoiceJudge, fit_judge
from align.models.checkpoints import Checkpoint
from align.models.loaded_model import log_likelihood
from align.models.loading import load_model
from align.sampling.pair_generation import generate, store_as_they_come
from align.sampling.sampling_plan import Sampling
from align.store.answers import EvaluationAnswer, add_evaluation_answers, iter_evaluation_answers
from align.store.prompts import Prompt

# Of the owner's held-out texts, how many the perplexity is taken on.
OWNER_TEXTS = 120


def collect_answers(conn: sqlite3.Connection, request: EvaluationRequest) -> EvaluationData:
    """Load one checkpoint after the other; return all answers and a judge fitted without them."""
    answers: dict[str, CheckpointAnswers] = {}
    base_answers: list[PromptedText] = []
    for word, checkpoint in request.checkpoints.items():
        model = load_model(checkpoint)
        answers[word] = _checkpoint_answers(conn, model, request)
        if checkpoint.path is None:
            base_answers = _base_answers(conn, model, request)
        del model
        gc.collect()
    if not base_answers:
        base_answers = _base_answers(conn, load_model(_base_of(request)), request)
    cases = [Case(p.id, p.text, seed) for seed in request.seeds for p in request.prompts]
    say("Fitting the voice judge.")
    judge = _fitted_judge(request, base_answers)
    return EvaluationData(cases, answers, request.references, judge)


def answer_all(
    conn: sqlite3.Connection,
    model: Any,
    prompts: Sequence[Prompt],
    *,
    seed: int,
    sampling: Sampling,
    batch_size: int = 192,
) -> list[str]:
    """Return the model's answer to each prompt, in order; what is missing is drawn and stored."""
    checkpoint: Checkpoint = model.checkpoint
    known = {
        answer.prompt_id: answer.text
        for answer in iter_evaluation_answers(conn, checkpoint_hash=checkpoint.hash, seed=seed)
        if answer.settings == sampling.as_dict()
    }
    missing = [prompt for prompt in prompts if prompt.id not in known]
    arriving = generate(model, missing, seed=seed, sampling=sampling, batch_size=batch_size)
    answers = (
        EvaluationAnswer(
            prompt_id=prompt.id,
            checkpoint=checkpoint.name,
            checkpoint_hash=checkpoint.hash,
            seed=seed,
            settings=sampling.as_dict(),
            text=text,
        )
        for prompt, _, text in progress(
            arriving, len(missing), f"answers of {checkpoint.name}", unit="answers"
        )
    )

    def store(batch: list[EvaluationAnswer]) -> None:
        add_evaluation_answers(conn, batch)
        known.update((answer.prompt_id, answer.text) for answer in batch)

    store_as_they_come(answers, store)
    return [known[prompt.id] for prompt in prompts]


def _fitted_judge(request: EvaluationRequest, base_answers: list[PromptedText]) -> VoiceJudge:
    references = request.references
    # Where no other people are known, half of the base's answers tell how well the judge does.
    fit_on, test_on = base_answers[::2], base_answers[1::2]
    if references.others:
        fit_on, test_on = base_answers, []
    return fit_judge(
        references.owner.all,
        [*references.others, *fit_on],
        references.held_out.all,
        [*references.others_held_out, *test_on],
        cap_on=[PromptedText(text) for text in references.own_register],
        topic_words=references.topic_words,
    )


def _checkpoint_answers(
    conn: sqlite3.Connection, model: Any, request: EvaluationRequest
) -> CheckpointAnswers:
    texts = [
        text
        for seed in request.seeds
        for text in answer_all(conn, model, request.prompts, seed=seed, sampling=request.sampling)
    ]
    held_out, neutral = request.references.held_out, list(request.references.neutral)
    own: list[Any] = [*held_out.conversations, *(piece.text for piece in held_out.pieces)]
    own = own[:OWNER_TEXTS]
    # With as much before an answer as it is asked with: whole talks would take minutes.
    room = request.sampling.max_prompt_tokens
    return CheckpointAnswers(
        texts,
        TextLikelihoods.of(log_likelihood(model, own, max_prompt_tokens=room)) if own else None,
        TextLikelihoods.of(log_likelihood(model, neutral)) if neutral else None,
        _reward_accuracy(model.checkpoint),
    )


def _base_answers(
    conn: sqlite3.Connection, model: Any, request: EvaluationRequest
) -> list[PromptedText]:
    """Return what the base answers to prompts of the training side: never what is evaluated."""
    prompts = request.judge_prompts
    texts = answer_all(conn, model, prompts, seed=0, sampling=request.sampling)
    return [
        PromptedText(text, prompt.text)
        for text, prompt in zip(texts, prompts, strict=True)
        if text.strip()
    ]


def _base_of(request: EvaluationRequest) -> Checkpoint:
    checkpoint = next(iter(request.checkpoints.values()))
    base = checkpoint.base
    return Checkpoint("base", None, base.hash, base, grew_into=checkpoint.path)


def _reward_accuracy(checkpoint: Checkpoint) -> float | None:
    """Return what DPO measured on its held-out pairs, or None where it measured nothing."""
    metrics = checkpoint.lineage.metrics if checkpoint.lineage else {}
    accuracy = metrics.get("reward_accuracy")
    return None if accuracy is None else float(accuracy)
