"""What each checkpoint answers to the same prompts and seeds; kept, so never drawn twice."""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from align.console import progress
from align.models.checkpoints import Checkpoint
from align.sampling import FLUSH, Sampling
from align.store.evaluations import (
    EvaluationAnswer,
    add_evaluation_answers,
    iter_evaluation_answers,
)
from align.store.prompts import Prompt


def known_answers(
    conn: sqlite3.Connection, checkpoint: Checkpoint, *, seed: int, settings: Sampling
) -> dict[str, str]:
    """Return prompt id -> answer, as far as this checkpoint answered with this seed already."""
    found = iter_evaluation_answers(conn, checkpoint_hash=checkpoint.hash, seed=seed)
    wanted = settings.as_dict()
    return {answer.prompt_id: answer.text for answer in found if answer.settings == wanted}


def answer_all(
    conn: sqlite3.Connection,
    twin: Any,
    prompts: Sequence[Prompt],
    *,
    seed: int,
    settings: Sampling,
    batch_size: int = 192,
) -> list[str]:
    """Return the twin's answer to each prompt, in order; what is missing is drawn and stored."""
    checkpoint: Checkpoint = twin.checkpoint
    known = known_answers(conn, checkpoint, seed=seed, settings=settings)
    missing = [prompt for prompt in prompts if prompt.id not in known]
    arriving = twin.generate_each(
        [prompt.messages for prompt in missing],
        seed=seed,
        batch_size=batch_size,
        **settings.as_dict(),
    )
    waiting: list[EvaluationAnswer] = []
    flushed = time.monotonic()
    what = f"answers of {checkpoint.name}"
    try:
        for at, _, text in progress(arriving, len(missing), what, unit="answers"):
            answer = EvaluationAnswer.new(
                prompt_id=missing[at].id,
                checkpoint=checkpoint.name,
                checkpoint_hash=checkpoint.hash,
                seed=seed,
                settings=settings.as_dict(),
                text=text,
            )
            known[answer.prompt_id] = answer.text
            waiting.append(answer)
            if time.monotonic() - flushed >= FLUSH:
                add_evaluation_answers(conn, waiting)
                waiting, flushed = [], time.monotonic()
    finally:
        add_evaluation_answers(conn, waiting)
    return [known[prompt.id] for prompt in prompts]
