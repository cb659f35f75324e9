"""Draw pairs of answers from a twin: two to a prompt, for the owner to choose between.

A pair whose answers are empty or next to identical teaches nothing, so it is drawn again a few
times, then left out and counted. Every answer is stored as it comes: what was drawn for this
checkpoint, seed and settings is never drawn again.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any

from align.checkpoints import Checkpoint
from align.console import progress
from align.similarity import near_identical, similarity
from align.store.answers import Answer, add_answers, answers_of
from align.store.ids import content_id
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Prompt, iter_prompts

ATTEMPTS = 4
# Seconds between two commits: what a power cut may cost.
FLUSH = 2.0


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn; the keys are those of `Twin.generate`."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 160

    def as_dict(self) -> dict[str, float | int]:
        """Return the settings as the store keeps them."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_new_tokens,
        }


def sampling_of(
    lineage: Mapping[str, Any],
    *,
    temperature: float | None = None,
    top_p: float | None = None,
    max_new_tokens: int | None = None,
) -> Sampling:
    """Return a checkpoint's own sampling settings, with what the command line says over them."""
    asked = {"temperature": temperature, "top_p": top_p, "max_new_tokens": max_new_tokens}
    values = {key: lineage[key] for key in asked if lineage.get(key) is not None}
    values |= {key: value for key, value in asked.items() if value is not None}
    return Sampling(**values)


@dataclass(frozen=True)
class Slot:
    """One pair to be: a prompt, and the how-manieth pair of that prompt it is."""

    prompt: Prompt
    round: int

    def seed(self, seed: int, attempt: int) -> int:
        """Return the seed of an attempt; the first attempt at a prompt's first pair has `seed`."""
        if self.round == attempt == 0:
            return seed
        digest = hashlib.sha256(f"{seed} {self.round} {attempt}".encode()).digest()
        return int.from_bytes(digest[:6], "big")


@dataclass
class Plan:
    """What is to be drawn, and how far it has come."""

    checkpoint: Checkpoint
    settings: Sampling
    seed: int
    threshold: float
    slots: list[Slot]
    # (prompt id, seed) -> answers by their place, as far as they are drawn.
    drawn: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)

    def answers(self, slot: Slot, attempt: int) -> tuple[str, str] | None:
        """Return both answers of an attempt, or None while one is missing."""
        found = self.drawn.get((slot.prompt.id, slot.seed(self.seed, attempt)), {})
        return (found[0], found[1]) if 0 in found and 1 in found else None

    def usable(self, texts: tuple[str, str]) -> bool:
        """Tell whether two answers are worth a choice."""
        first, second = texts
        if not first.strip() or not second.strip():
            return False
        return not near_identical(first, second, self.threshold)

    def next_attempt(self, slot: Slot) -> int | None:
        """Return the attempt that is to be drawn next; None where the slot is finished."""
        for attempt in range(ATTEMPTS):
            texts = self.answers(slot, attempt)
            if texts is None:
                return attempt
            if self.usable(texts):
                return None
        return None

    def kept(self, slot: Slot) -> int | None:
        """Return the attempt that gave the slot's pair; None where there is none (yet)."""
        for attempt in range(ATTEMPTS):
            texts = self.answers(slot, attempt)
            if texts is None:
                return None
            if self.usable(texts):
                return attempt
        return None

    def missing(self) -> list[tuple[Slot, int]]:
        """Return the slots that want drawing, each with its next attempt."""
        wanted = ((slot, self.next_attempt(slot)) for slot in self.slots)
        return [(slot, attempt) for slot, attempt in wanted if attempt is not None]


@dataclass(frozen=True)
class Drawn:
    """What a plan came to: pairs in the store, and slots left out as empty or near-identical."""

    pairs: int
    left_out: int
    redrawn: int


def choose_slots(prompts: Sequence[Prompt], pairs: int, seed: int) -> list[Slot]:
    """Return which prompts get a pair, in an order that the seed decides.

    Every prompt has its first pair before any has its second.
    """
    if not prompts:
        return []
    ordered = sorted(prompts, key=lambda p: content_id("sample order", str(seed), p.id))
    rounds = -(-pairs // len(ordered))
    return [Slot(prompt, r) for r in range(rounds) for prompt in ordered][:pairs]


def training_prompts(conn: Connection) -> list[Prompt]:
    """Return the prompts that pairs may be drawn for: training side, not sealed, not identity."""
    found = iter_prompts(conn, split="train", levels=("open", "train-only"))
    return [prompt for prompt in found if prompt.source != "identity"]


def make_plan(
    conn: Connection,
    checkpoint: Checkpoint,
    *,
    pairs: int,
    seed: int,
    settings: Sampling,
    threshold: float = 0.9,
    prompts: Sequence[Prompt] | None = None,
) -> Plan:
    """Return what is to be drawn, with all that an earlier run drew already; `prompts` or all."""
    asked = training_prompts(conn) if prompts is None else prompts
    plan = Plan(checkpoint, settings, seed, threshold, choose_slots(asked, pairs, seed))
    for answer in answers_of(conn, checkpoint.hash):
        if answer.settings == settings.as_dict():
            plan.drawn.setdefault((answer.prompt_id, answer.seed), {})[answer.n] = answer.text
    return plan


def unanswered(plan: Plan) -> list[Slot]:
    """Return the slots of which even the first answer wants drawing."""
    return [slot for slot in plan.slots if 0 not in plan.drawn.get((slot.prompt.id, plan.seed), {})]


def draw_against_records(
    conn: Connection, twin: Any, plan: Plan, *, batch_size: int = 192, narrate: bool = True
) -> None:
    """Draw one answer a slot into the store: what the owner's real reply is held against.

    It is the first answer of the prompt's first pair: where that is drawn, it is not drawn again.
    """
    missing = unanswered(plan)
    arriving = _arriving(twin, plan, {plan.seed: missing}, batch_size, n=1)
    if narrate:
        arriving = progress(arriving, len(missing), "sampling", unit="answers")
    _store(conn, plan, arriving)


def draw_pairs(
    conn: Connection, twin: Any, plan: Plan, *, batch_size: int = 192, narrate: bool = True
) -> Drawn:
    """Draw what the plan still misses into the store.

    Args:
        conn: The owner's store.
        twin: An `align.twins.Twin` of the plan's checkpoint.
        plan: From `make_plan`; it is brought up to date.
        batch_size: Answers drawn at a time.
        narrate: Show progress.
    """
    try:
        for attempt in range(ATTEMPTS):
            _draw_attempt(conn, twin, plan, attempt, batch_size, narrate)
    finally:
        # Ctrl-C keeps what was drawn, and what is whole can be labelled.
        _add_kept_pairs(conn, plan)
    return drawn(plan)


def drawn(plan: Plan) -> Drawn:
    """Return how far a plan has come."""
    kept = [plan.kept(slot) for slot in plan.slots]
    return Drawn(
        pairs=sum(attempt is not None for attempt in kept),
        left_out=sum(attempt is None for attempt in kept),
        redrawn=sum(attempt is not None and attempt > 0 for attempt in kept),
    )


def _draw_attempt(
    conn: Connection, twin: Any, plan: Plan, attempt: int, batch_size: int, narrate: bool
) -> None:
    missing = [slot for slot, next_ in plan.missing() if next_ == attempt]
    by_seed: dict[int, list[Slot]] = {}
    for slot in missing:
        by_seed.setdefault(slot.seed(plan.seed, attempt), []).append(slot)
    arriving = _arriving(twin, plan, by_seed, batch_size)
    if narrate and missing:
        what = "sampling" if attempt == 0 else f"sampling again ({attempt})"
        arriving = progress(arriving, 2 * len(missing), what, unit="answers")
    _store(conn, plan, arriving)


def _arriving(
    twin: Any, plan: Plan, by_seed: dict[int, list[Slot]], batch_size: int, *, n: int = 2
) -> Iterator[Answer]:
    for seed, slots in by_seed.items():
        conversations = [slot.prompt.messages for slot in slots]
        answers = twin.generate_each(
            conversations, seed=seed, batch_size=batch_size, n=n, **plan.settings.as_dict()
        )
        for at, place, text in answers:
            yield _answer(plan, slots[at].prompt.id, seed, place, text)


def _answer(plan: Plan, prompt_id: str, seed: int, n: int, text: str) -> Answer:
    return Answer.new(
        prompt_id=prompt_id,
        text=text,
        checkpoint=plan.checkpoint.name,
        checkpoint_hash=plan.checkpoint.hash,
        settings=plan.settings.as_dict(),
        seed=seed,
        n=n,
    )


def _store(conn: Connection, plan: Plan, arriving: Iterator[Answer]) -> None:
    waiting: list[Answer] = []
    flushed = time.monotonic()
    try:
        for answer in arriving:
            waiting.append(answer)
            if time.monotonic() - flushed >= FLUSH:
                _flush(conn, plan, waiting)
                flushed = time.monotonic()
    finally:
        _flush(conn, plan, waiting)


def _flush(conn: Connection, plan: Plan, waiting: list[Answer]) -> None:
    add_answers(conn, waiting)
    for answer in waiting:
        plan.drawn.setdefault((answer.prompt_id, answer.seed), {})[answer.n] = answer.text
    waiting.clear()


def _add_kept_pairs(conn: Connection, plan: Plan) -> None:
    pairs = []
    for slot in plan.slots:
        attempt = plan.kept(slot)
        if attempt is None:
            continue
        texts = plan.answers(slot, attempt)
        assert texts is not None
        seed = slot.seed(plan.seed, attempt)
        a, b = (_answer(plan, slot.prompt.id, seed, n, text).id for n, text in enumerate(texts))
        pairs.append(
            Pair.new(
                prompt_id=slot.prompt.id,
                answer_a=a,
                answer_b=b,
                purpose="train",
                similarity=round(similarity(*texts), 4),
            )
        )
    add_pairs(conn, pairs)
