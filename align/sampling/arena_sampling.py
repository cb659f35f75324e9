"""Draw pairs of two checkpoints' answers to held-out prompts, for the owner's blind arena.

Both answer the same prompts with the same seed and settings, one pair a prompt: answers to one
prompt are no independent cases. Every answer is stored as it comes, so a stopped run goes on
where it was. Nothing is drawn again for being empty or like the other answer: that would flatter
one of the two. Such pairs are counted and left out, since nobody can choose between them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any

from align.choices.selection import NEAR
from align.console import progress, say
from align.errors import UserError
from align.models.checkpoints import Checkpoint, resolve
from align.sampling.pair_generation import generate, store_as_they_come
from align.sampling.sampling_plan import Sampling, held_out_prompts, sampling_of
from align.sampling.sampling_run import ARENA_PAIRS, SamplingRequest, add_bundled
from align.store.answers import Answer, add_answers, answers_of
from align.store.connection import open_store
from align.store.ids import content_id
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt
from align.text.similarity import near_identical, similarity


@dataclass
class Comparison:
    """The prompts that two checkpoints answer, and what they answered so far."""

    # The two; which one stands left is drawn when a pair is shown.
    checkpoints: tuple[Checkpoint, Checkpoint]
    prompts: tuple[Prompt, ...]  # of the held-out side, in the order of drawing
    settings: Sampling  # the same for both
    seed: int  # the same for both
    # Checkpoint hash -> prompt id -> answer.
    answered: dict[str, dict[str, Answer]] = field(default_factory=dict)

    def missing(self, checkpoint: Checkpoint) -> list[Prompt]:
        """Return the prompts that a checkpoint has not answered yet."""
        known = self.answered[checkpoint.hash]
        return [prompt for prompt in self.prompts if prompt.id not in known]

    def both(self) -> Iterator[tuple[Prompt, Answer, Answer]]:
        """Yield the prompts that both have answered."""
        first, second = (self.answered[checkpoint.hash] for checkpoint in self.checkpoints)
        for prompt in self.prompts:
            if prompt.id in first and prompt.id in second:
                yield prompt, first[prompt.id], second[prompt.id]


@dataclass(frozen=True)
class ArenaResult:
    """The result of a comparison."""

    pairs: int  # pairs in the store
    alike: int  # prompts left out because both answers are next to identical
    empty: int  # prompts left out because an answer is empty
    empty_of: Counter[str]  # empty answers by checkpoint: a fault that no choice will show


def draw_arena(request: SamplingRequest, words: tuple[str, str]) -> None:
    """Draw and report an arena of two named checkpoints; UserError of one, or prompts, missing."""
    first, second = contenders(request.owner_id, words)
    conn, pairs = open_store(request.owner_id), request.pairs or ARENA_PAIRS
    if len(held_out_prompts(conn)) < pairs:
        add_bundled(conn, request.owner_id)
    # One setting for both: the one of the checkpoint named last, or the other's where it is the
    # base.
    settings = sampling_of(second.sampling or first.sampling, **request.sampling_options)
    plan = plan_comparison(conn, (first, second), pairs=pairs, seed=request.seed, settings=settings)
    if not plan.prompts:
        raise UserError(
            f"owner {request.owner_id!r}",
            "no held-out prompts",
            f"Run: align prompts add FILE --owner {request.owner_id}",
        )
    try:
        for checkpoint in plan.checkpoints:
            if missing := len(plan.missing(checkpoint)):
                from align.models.loading import load_model

                say(f"Drawing {missing:,} answers of {checkpoint.name}.")
                model = load_model(checkpoint)
                draw_answers(conn, model, plan, checkpoint, batch_size=request.batch_size)
    finally:
        result = add_arena_pairs(conn, plan)
    empty = "".join(f", {n:,} by {name}" for name, n in sorted(result.empty_of.items()))
    print(
        f"{result.pairs:,} pairs of {first.name} and {second.name}: {result.alike:,} left out as"
        f" near-identical, {result.empty:,} as empty{empty}"
    )
    if len(plan.prompts) < pairs:
        say(f"One pair a prompt, and {len(plan.prompts):,} prompts are held out.")
    say(f"Next: labeler --owner {request.owner_id} --arena")


def contenders(owner_id: str, words: tuple[str, str]) -> tuple[Checkpoint, Checkpoint]:
    """Return the checkpoints that words name; UserError where one is not there, or both are one."""
    first, second = (resolve(owner_id, word) for word in words)
    if first.hash == second.hash:
        raise UserError("--compare", f"{second.name}: the same twin twice", "Name two that differ")
    return first, second


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
    conn: Connection, model: Any, plan: Comparison, checkpoint: Checkpoint, *, batch_size: int = 192
) -> None:
    """Draw what a checkpoint has not answered yet into the store, and into the plan.

    The model is the checkpoint's `align.models.loaded_model.LoadedModel`, the plan that of
    `plan_comparison`.
    """
    missing = plan.missing(checkpoint)
    arriving = generate(
        model, missing, seed=plan.seed, sampling=plan.settings, batch_size=batch_size
    )
    what = f"answers of {checkpoint.name}"
    arriving = progress(arriving, len(missing), what, unit="answers")
    answers = (
        Answer(
            prompt_id=prompt.id,
            text=text,
            checkpoint=checkpoint.name,
            checkpoint_hash=checkpoint.hash,
            settings=plan.settings.as_dict(),
            seed=plan.seed,
            n=n,
        )
        for prompt, n, text in arriving
    )

    def store(batch: list[Answer]) -> None:
        add_answers(conn, batch)
        plan.answered[checkpoint.hash] |= {answer.prompt_id: answer for answer in batch}

    store_as_they_come(answers, store)


def add_arena_pairs(conn: Connection, plan: Comparison) -> ArenaResult:
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
                Pair(
                    prompt_id=prompt.id,
                    answer_a=first.id,
                    answer_b=second.id,
                    purpose="arena",
                    similarity=round(similarity(first.text, second.text), 4),
                )
            )
    add_pairs(conn, pairs)
    return ArenaResult(len(pairs), alike, empty, empty_of)
