"""Draw pairs of two checkpoints' answers to held-out prompts, for the owner's blind arena.

Both answer the same prompts with the same seed and settings, one pair a prompt: answers to one
prompt are no independent cases. Every answer is stored as it comes, so a stopped run goes on
where it was. Nothing is drawn again for being empty or like the other answer: that would flatter
one of the two. Such pairs are counted and left out, since nobody can choose between them.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any

from align.choices.selection import NEAR
from align.console import progress
from align.errors import UserError
from align.models.checkpoints import Checkpoint, resolve
from align.sampling import FLUSH, Sampling
from align.store.answers import Answer, add_answers, answers_of
from align.store.ids import content_id
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, iter_prompts
from align.text.similarity import near_identical, similarity


@dataclass
class Comparison:
    """What two checkpoints are asked, and what of it they answered.

    Attributes:
        checkpoints: The two; which one stands left is drawn when a pair is shown.
        prompts: Of the held-out side, in the order of drawing.
        settings: The same for both.
        seed: The same for both.
        answered: Checkpoint hash -> prompt id -> answer.
    """

    checkpoints: tuple[Checkpoint, Checkpoint]
    prompts: tuple[Prompt, ...]
    settings: Sampling
    seed: int
    answered: dict[str, dict[str, Answer]] = field(default_factory=dict)

    def missing(self, checkpoint: Checkpoint) -> list[Prompt]:
        """Return the prompts that a checkpoint has not answered yet."""
        known = self.answered[checkpoint.hash]
        return [prompt for prompt in self.prompts if prompt.id not in known]

    def both(self) -> Iterator[tuple[Prompt, Answer, Answer]]:
        """Yield the prompts that both have answered."""
        first, second = (self.answered[each.hash] for each in self.checkpoints)
        for prompt in self.prompts:
            if prompt.id in first and prompt.id in second:
                yield prompt, first[prompt.id], second[prompt.id]


@dataclass(frozen=True)
class Compared:
    """What a comparison came to.

    Attributes:
        pairs: Pairs in the store.
        alike: Prompts left out because both answers are next to identical.
        empty: Prompts left out because an answer is empty.
        empty_of: Empty answers by checkpoint: a fault that no choice will show.
    """

    pairs: int
    alike: int
    empty: int
    empty_of: Counter[str]


def contenders(owner: str, words: tuple[str, str]) -> tuple[Checkpoint, Checkpoint]:
    """Return the two checkpoints that words name.

    Raises:
        UserError: There is no such checkpoint, or both are the same.
    """
    first, second = (resolve(owner, word) for word in words)
    if first.hash == second.hash:
        raise UserError("--compare", f"{second.name}: the same twin twice", "Name two that differ")
    return first, second


def held_out_prompts(conn: Connection) -> list[Prompt]:
    """Return the prompts of the evaluation side that may be shown: not sealed, not identity."""
    found = iter_prompts(conn, split="evaluation", levels=("open", "train-only"))
    return [prompt for prompt in found if prompt.source != "identity"]


def plan_comparison(
    conn: Connection,
    checkpoints: tuple[Checkpoint, Checkpoint],
    *,
    pairs: int,
    seed: int,
    settings: Sampling,
) -> Comparison:
    """Return what is to be drawn, with all that was drawn before."""
    ordered = sorted(
        held_out_prompts(conn), key=lambda p: content_id("arena order", str(seed), p.id)
    )
    plan = Comparison(checkpoints, tuple(ordered[:pairs]), settings, seed)
    for checkpoint in checkpoints:
        plan.answered[checkpoint.hash] = {
            answer.prompt_id: answer
            for answer in answers_of(conn, checkpoint.hash)
            if (answer.seed, answer.n) == (seed, 0) and answer.settings == settings.as_dict()
        }
    return plan


def draw_answers(
    conn: Connection,
    twin: Any,
    plan: Comparison,
    checkpoint: Checkpoint,
    *,
    batch_size: int = 192,
    narrate: bool = True,
) -> None:
    """Draw what a checkpoint has not answered yet into the store, and into the plan.

    Args:
        conn: The owner's store.
        twin: An `align.models.loaded_model.LoadedModel` of the checkpoint.
        plan: From `plan_comparison`.
        checkpoint: One of the plan's.
        batch_size: Answers drawn at a time.
        narrate: Show progress.
    """
    missing = plan.missing(checkpoint)
    arriving = twin.generate_each(
        [prompt.messages for prompt in missing],
        seed=plan.seed,
        batch_size=batch_size,
        n=1,
        **plan.settings.as_dict(),
    )
    if narrate:
        what = f"answers of {checkpoint.name}"
        arriving = progress(arriving, len(missing), what, unit="answers")
    _store(conn, plan, checkpoint, missing, arriving)


def add_arena_pairs(conn: Connection, plan: Comparison) -> Compared:
    """Add the pairs between which one can choose; those that are there stay as they are."""
    pairs: list[Pair] = []
    alike = empty = 0
    empty_of: Counter[str] = Counter()
    for prompt, *answers in plan.both():
        first, second = answers
        nothing = [answer.checkpoint for answer in answers if not answer.text.strip()]
        if nothing:
            empty += 1
            empty_of.update(nothing)
        elif near_identical(first.text, second.text, NEAR):
            alike += 1
        else:
            pairs.append(
                Pair.new(
                    prompt_id=prompt.id,
                    answer_a=first.id,
                    answer_b=second.id,
                    purpose="arena",
                    similarity=round(similarity(first.text, second.text), 4),
                )
            )
    add_pairs(conn, pairs)
    return Compared(len(pairs), alike, empty, empty_of)


def _store(
    conn: Connection,
    plan: Comparison,
    checkpoint: Checkpoint,
    prompts: Sequence[Prompt],
    arriving: Iterator[tuple[int, int, str]],
) -> None:
    waiting: list[Answer] = []
    flushed = time.monotonic()
    try:
        for at, n, text in arriving:
            answer = Answer.new(
                prompt_id=prompts[at].id,
                text=text,
                checkpoint=checkpoint.name,
                checkpoint_hash=checkpoint.hash,
                settings=plan.settings.as_dict(),
                seed=plan.seed,
                n=n,
            )
            plan.answered[checkpoint.hash][answer.prompt_id] = answer
            waiting.append(answer)
            if time.monotonic() - flushed >= FLUSH:
                add_answers(conn, waiting)
                waiting, flushed = [], time.monotonic()
    finally:
        # Ctrl-C keeps what was drawn.
        add_answers(conn, waiting)
