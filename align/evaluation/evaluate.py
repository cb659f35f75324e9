"""Evaluate checkpoints: each answers the same held-out prompts, every measure is taken.

Answers are kept in the store, so a stopped run goes on; a finished one whose inputs did not change
is shown again without loading a model.
"""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from align import __version__
from align.console import duration, say
from align.conversations.prompts import add_bundled_prompts
from align.errors import UserError
from align.evaluation import measures, scorecard_files
from align.evaluation.evaluation_data import EvaluationData, EvaluationRequest
from align.evaluation.reference_texts import ReferenceTexts
from align.evaluation.scorecard import Judge, Scorecard
from align.models.checkpoints import Checkpoint, resolve
from align.owner import load_owner
from align.sampling.sampling_plan import Sampling, held_out_prompts, sampling_of, training_prompts

# Fewer prompts than this say next to nothing: the interval is wider than any difference.
FEW_PROMPTS = 20
# What the base answers to training prompts, for the judge's other side.
BASE_ANSWERS = 120


def compared_checkpoints(owner_id: str, words: Sequence[str]) -> dict[str, Checkpoint]:
    """Return the checkpoints that words name; without words base, and the newest of each stage.

    Raises:
        UserError: There is no model at all, or not the one that was named.
    """
    if words:
        return {word: resolve(owner_id, word) for word in dict.fromkeys(words)}
    checkpoints = {"base": resolve(owner_id, "base")}
    for stage in ("sft", "dpo"):
        try:
            checkpoints[stage] = resolve(owner_id, stage)
        except UserError:
            continue
    # A DPO model whose parent isn't the newest SFT is compared with the one it grew from.
    lineage = checkpoints["dpo"].lineage if "dpo" in checkpoints else None
    if lineage is not None and lineage.parent and "sft" in checkpoints:
        parent = lineage.parent
        if parent["hash"] != checkpoints["sft"].hash:
            checkpoints["sft"] = resolve(owner_id, parent["name"])
    return checkpoints


def shared_sampling(checkpoints: dict[str, Checkpoint], **options: Any) -> Sampling:
    """Return one setting for all: the newest model's own, with the command line's over it."""
    known = [checkpoint.sampling for checkpoint in checkpoints.values() if checkpoint.sampling]
    return sampling_of(known[-1] if known else {}, **options)


def evaluation_request(
    conn: sqlite3.Connection,
    owner_id: str,
    checkpoints: dict[str, Checkpoint],
    references: ReferenceTexts,
    *,
    prompts: int | None,
    seeds: Sequence[int] = (0,),
    sampling: Sampling,
) -> EvaluationRequest:
    """Return what is to be evaluated; `prompts` held-out prompts at most.

    Raises:
        UserError: There are no held-out prompts, or no writing of the owner's to compare with.
    """
    held_out = held_out_prompts(conn)
    if len(held_out) < FEW_PROMPTS:
        add_bundled_prompts(conn, load_owner(owner_id).held_out)
        held_out = held_out_prompts(conn)
    if not held_out:
        raise UserError(
            f"owner {owner_id!r}",
            "no held-out prompts",
            f"Add some: align prompts add FILE --owner {owner_id}",
        )
    if len(references.owner.all) < 2:
        raise UserError(
            f"owner {owner_id!r}",
            "no writing in the store to compare with",
            "Evaluate where the writing is, or run: "
            f"make ingest OWNER={owner_id} FROM=~/my-writing",
        )
    return EvaluationRequest(
        owner_id,
        checkpoints,
        tuple(held_out[:prompts]),
        tuple(seeds),
        sampling,
        tuple(training_prompts(conn)[:BASE_ANSWERS]),
        references,
    )


def evaluate(conn: sqlite3.Connection, request: EvaluationRequest) -> tuple[Scorecard, Path]:
    """Take every measure, and return the scorecard and the folder where it lies."""
    known = scorecard_files.find(request.owner_id, request.inputs)
    if known is not None:
        say("Nothing changed since this was measured.")
        return scorecard_files.read(known), known
    started = datetime.now(UTC)
    if len(request.prompts) < FEW_PROMPTS:
        say(f"Only {len(request.prompts)} held-out prompts: nearly all is inside the noise.")
    # Loads torch and scikit-learn.
    from align.evaluation.checkpoint_answers import collect_answers

    data = collect_answers(conn, request)
    card = scorecard_of(request, data, created=started.isoformat(timespec="seconds"))
    folder = scorecard_files.save(request.owner_id, card)
    say(f"Evaluated in {duration((datetime.now(UTC) - started).total_seconds())}.")
    return card, folder


def scorecard_of(request: EvaluationRequest, data: EvaluationData, *, created: str) -> Scorecard:
    """Return the scorecard of all answers."""
    libraries = ("torch", "transformers", "scikit-learn")
    return Scorecard(
        owner=request.owner_id,
        checkpoints={
            word: {"name": checkpoint.name, "hash": checkpoint.hash}
            for word, checkpoint in request.checkpoints.items()
        },
        prompts=len(request.prompts),
        seeds=request.seeds,
        settings=request.sampling.as_dict(),
        judge=judge_of(data),
        matches=tuple(measures.matches(data)),
        measures=tuple(measures.measures(data)),
        habits=tuple(measures.habit_rows(data)),
        samples=tuple(measures.samples(data)),
        longer_agrees=measures.longer_agrees(data),
        inputs=request.inputs,
        created=created,
        versions={"soundalike": __version__, **{name: version(name) for name in libraries}},
    )


def judge_of(data: EvaluationData) -> Judge:
    """Return what the voice judge is worth."""
    references, judge = data.references, data.judge
    is_weak = references.judge_is_weak
    return Judge(
        against="the base's answers only" if is_weak else "other voices and the base",
        weak=is_weak,
        cap=judge.cap,
        cap_from="the owner's own register" if references.own_register else "held-out writing",
        separation=judge.separation,
        topic_binds=references.topic_binds(),
        repetition_bound=data.repetition_bound(),
        owner_texts=len(references.owner.all),
        other_texts=len(references.others),
    )
