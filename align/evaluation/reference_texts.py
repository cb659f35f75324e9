"""What answers are held against: texts of the owner and of others, perhaps a simulated verdict.

A real owner's reference texts come from the store alone; whoever knows more, as the demo's world
does of its owners, adds it with `dataclasses.replace`.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.conversations.examples.example_rows import REWRITE
from align.evaluation import text_measures
from align.evaluation.owner_texts import (
    Message,
    OwnerTexts,
    texts_of_conversations,
    texts_of_records,
)
from align.evaluation.voice_judge import PromptedText
from align.files import read_jsonl
from align.owner import load_owner
from align.paths import owner_dir, project_root
from align.store.records import iter_records

# (prompt, answer) -> whether the answer speaks of what the prompt asks; None where unknown.
OnTopic = Callable[[str, str], bool | None]
# (prompt, first answer, second answer, number of the case) -> 1, 0.5 or 0: who sounds right.
Verdict = Callable[[str, str, str, int], float]

# An owner who keeps to the prompt's words less often than this is not judged by it: many people
# answer "Dinner?" without a word of the question.
OWNER_KEEPS_TO_PROMPTS = 0.9


@dataclass(frozen=True)
class ReferenceTexts:
    """What the measures compare with."""

    owner: OwnerTexts  # the owner's texts outside the evaluation split
    held_out: OwnerTexts  # the owner's texts inside it
    # Texts of other people, to fit the judge against; empty for a real owner.
    others: Sequence[PromptedText] = ()
    # More of them, to say how well the judge tells people apart.
    others_held_out: Sequence[PromptedText] = ()
    # Conversations in nobody's voice, for the neutral perplexity.
    neutral: Sequence[Sequence[Message]] = ()
    # Words that name topics and are hidden from the judge.
    topic_words: frozenset[str] = frozenset()
    on_topic: OnTopic = text_measures.on_topic  # whether an answer speaks of what the prompt asks
    simulated_verdict: Verdict | None = None  # the simulated owner's verdict; None for a real owner
    # Texts in the register that a simulated owner's choices call their own. A real owner's archive
    # has no such mark, so there all of it stands for its owner.
    own_register: Sequence[str] = ()
    # Habits that the simulated owner chooses by: they don't count in the distance, which must not
    # measure what was trained for.
    chosen_by: frozenset[str] = frozenset()
    kind: str = "store"  # `store` or `demo`; part of what identifies an evaluation

    @property
    def judge_is_weak(self) -> bool:
        """Tell whether the judge knows the owner from the base only, not from other people."""
        return not self.others

    @property
    def archive(self) -> list[str]:
        """Return the owner's texts that answers compare with, of both sides."""
        return [*self.owner.like_answers, *self.held_out.like_answers]

    @property
    def like_owner(self) -> list[str]:
        """Return the texts whose habits are the owner's."""
        return list(self.own_register) or self.archive

    @property
    def owner_on_topic(self) -> float | None:
        """Return how often the owner's answers speak of their prompts; None where unknown."""
        answers = [*self.owner.answers, *self.held_out.answers]
        return text_measures.share(
            [self.on_topic(answer.prompt, answer.text) for answer in answers if answer.prompt]
        )

    def topic_binds(self) -> bool:
        """Tell whether a win must keep to the topic: only where the owner nearly always does."""
        share = self.owner_on_topic
        return share is not None and share >= OWNER_KEEPS_TO_PROMPTS


def reference_texts(conn: sqlite3.Connection, owner_id: str) -> ReferenceTexts:
    """Return what the store, or a pack, has of the owner's writing, and the neutral texts."""
    conversations = load_owner(owner_id).conversations
    owner, held_out = (
        texts_of_records(iter_records(conn, split=split, include_left_out=True), conversations)
        for split in ("train", "evaluation")
    )
    if not owner.all:
        path = owner_dir(owner_id) / "packed" / "sft-rows.jsonl"
        if path.is_file():
            owner, held_out = _packed_texts(path)
    return ReferenceTexts(owner, held_out, neutral=neutral_conversations())


def neutral_conversations() -> list[tuple[Message, ...]]:
    """Return the shipped plain questions and answers in nobody's voice."""
    path = project_root() / "data" / "prompts" / "neutral.jsonl"
    return [
        (
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": row["answer"]},
        )
        for _, row in read_jsonl(path)
    ]


def _packed_texts(path: Path) -> tuple[OwnerTexts, OwnerTexts]:
    """Return the two sides of the owner's texts in a pack's rows: the store has no records."""
    rows: Iterable[dict[str, Any]] = (row for _, row in read_jsonl(path))
    rows = [row for row in rows if row.get("source") not in ("identity", REWRITE)]
    kept = (row["messages"] for row in rows if row.get("split") != "held_out")
    held_out = (row["messages"] for row in rows if row.get("split") == "held_out")
    return texts_of_conversations(kept), texts_of_conversations(held_out)
