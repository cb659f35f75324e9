"""What is to be drawn from a checkpoint, and how far it has come: nothing is drawn twice."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from sqlite3 import Connection
from typing import Any

from align.levels import TRAINABLE
from align.models.checkpoints import Checkpoint
from align.store.answers import Answer, answers_of
from align.store.ids import Split, content_id
from align.store.prompts import Prompt, iter_prompts
from align.text.similarity import near_identical

ATTEMPTS = 4


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn; the keys are those of `LoadedModel.generate`."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 160
    # Older exchanges of a longer prompt are left out; None asks all of it.
    max_prompt_tokens: int | None = None

    def as_dict(self) -> dict[str, float | int]:
        """Return the settings as the store keeps them."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def sampling_of(
    lineage: Mapping[str, Any],
    *,
    temperature: float | None = None,
    top_p: float | None = None,
    max_new_tokens: int | None = None,
) -> Sampling:
    """Return a checkpoint's own sampling settings, with what the command line says over them."""
    options = {"temperature": temperature, "top_p": top_p, "max_new_tokens": max_new_tokens}
    values = {key: lineage[key] for key in options if lineage.get(key) is not None}
    if lineage.get("max_prompt_tokens"):
        values["max_prompt_tokens"] = lineage["max_prompt_tokens"]
    values |= {key: value for key, value in options.items() if value is not None}
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
        texts = self.drawn.get((slot.prompt.id, slot.seed(self.seed, attempt)), {})
        return (texts[0], texts[1]) if 0 in texts and 1 in texts else None

    def usable(self, texts: tuple[str, str]) -> bool:
        """Tell whether two answers are worth a choice."""
        first, second = texts
        if not first.strip() or not second.strip():
            return False
        return not near_identical(first, second, self.threshold)

    def attempts(self, slot: Slot) -> tuple[int | None, int | None]:
        """Return the attempt to draw next, and the one that gave the pair; each None if none."""
        for attempt in range(ATTEMPTS):
            texts = self.answers(slot, attempt)
            if texts is None:
                return attempt, None
            if self.usable(texts):
                return None, attempt
        return None, None

    def kept(self, slot: Slot) -> int | None:
        """Return the attempt that gave the slot's pair; None where there is none (yet)."""
        return self.attempts(slot)[1]

    def answer(self, prompt_id: str, seed: int, n: int, text: str) -> Answer:
        """Return a drawn answer as the store keeps it."""
        return Answer(
            prompt_id=prompt_id,
            text=text,
            checkpoint=self.checkpoint.name,
            checkpoint_hash=self.checkpoint.hash,
            settings=self.settings.as_dict(),
            seed=seed,
            n=n,
        )

    def missing(self) -> list[tuple[Slot, int]]:
        """Return the slots that want drawing, each with its next attempt."""
        wanted = ((slot, self.attempts(slot)[0]) for slot in self.slots)
        return [(slot, attempt) for slot, attempt in wanted if attempt is not None]


@dataclass(frozen=True)
class PlanResult:
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
    return _shown_prompts(conn, "train")


def held_out_prompts(conn: Connection) -> list[Prompt]:
    """Return the prompts of the evaluation side that may be shown: not sealed, not identity."""
    return _shown_prompts(conn, "evaluation")


def _shown_prompts(conn: Connection, split: Split) -> list[Prompt]:
    # Who one is, is known by heart: that is not how one writes.
    prompts = iter_prompts(conn, split=split, levels=TRAINABLE)
    return [prompt for prompt in prompts if prompt.source != "identity"]


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
    chosen = training_prompts(conn) if prompts is None else prompts
    plan = Plan(checkpoint, settings, seed, threshold, choose_slots(chosen, pairs, seed))
    for answer in answers_of(conn, checkpoint.hash):
        if answer.settings == settings.as_dict():
            plan.drawn.setdefault((answer.prompt_id, answer.seed), {})[answer.n] = answer.text
    return plan


def unanswered(plan: Plan) -> list[Slot]:
    """Return the slots of which even the first answer wants drawing."""
    return [slot for slot in plan.slots if 0 not in plan.drawn.get((slot.prompt.id, plan.seed), {})]


def plan_result(plan: Plan) -> PlanResult:
    """Return how far a plan has come."""
    kept = [plan.kept(slot) for slot in plan.slots]
    return PlanResult(
        pairs=sum(attempt is not None for attempt in kept),
        left_out=sum(attempt is None for attempt in kept),
        redrawn=sum(attempt is not None and attempt > 0 for attempt in kept),
    )
