"""Choices become rows of prompt, chosen, rejected, weight and source.

Rows for nothing stand beside them where they are asked for: the owner's real reply to what he was
asked, preferred to his twin's. Nobody chose there, so they are the baseline that labelling must
beat.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from align.owner import Owner
from align.privacy.redaction import Redactor, redactor_for
from align.prompts import true_replies
from align.similarity import near_identical
from align.store.answers import answers_of
from align.store.choices import Choice, chosen_pairs, decisive_pairs
from align.store.pairs import PairView
from align.store.prompts import Prompt, iter_prompts

Message = dict[str, str]
Row = dict[str, Any]
Side = Literal["train", "held_out"]
# Who preferred the owner's real reply: nobody, it was written.
RECORD = "record"


@dataclass(frozen=True)
class Preference:
    """One answer preferred to another.

    Attributes:
        messages: The conversation up to the answer; the last turn is the user's.
        chosen: The answer that sounds like the owner.
        rejected: The one that doesn't, or less.
        weight: How much the row counts.
        source: Who chose: `owner`, `simulated`, `imported`; `record` where nobody did.
        pair_id: The pair that was chosen from; empty where nobody chose.
        prompt_id: What is held out together.
        split: `train` or `held_out`.
    """

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    weight: float
    source: str
    pair_id: str
    prompt_id: str
    split: Side

    def to_row(self) -> Row:
        """Return it as a row of a frozen rows file."""
        return {**asdict(self), "messages": list(self.messages)}


def build_preferences(
    conn: sqlite3.Connection,
    owner: Owner,
    *,
    held_out: float = 0.12,
    against_records: float = 0.0,
    twin: str | None = None,
    redactor: Redactor | None = None,
) -> list[Preference]:
    """Return the rows of all choices that stand, ordered by pair; redacted.

    `both` and `neither` are never rows; prompts of the evaluation side aren't either.

    Args:
        conn: The owner's store.
        owner: For the names that are taken out.
        held_out: Share of the prompts whose rows only measure.
        against_records: Weight of a row that prefers the owner's real reply to his twin's answer,
            after the choices, ordered by prompt; 0 leaves them out.
        twin: Hash of the checkpoint whose answers those are; none are known without it.
        redactor: Counts what it replaces, where somebody wants to know; else one of the owner's.
    """
    rows = [row for choice, pair in decisive_pairs(conn) for row in _rows(choice, pair, held_out)]
    if against_records > 0 and twin is not None:
        rows += [
            Preference(prompt.messages, reply, answer, against_records, RECORD, "", prompt.id,
                       side_of(prompt.id, held_out))
            for prompt, reply, answer in record_pairs(conn, owner, twin)
        ]  # fmt: skip
    redactor = redactor or redactor_for(owner)
    return [_redacted(row, redactor) for row in rows]


def replied_prompts(conn: sqlite3.Connection, owner: Owner) -> list[tuple[Prompt, str]]:
    """Return what the owner was asked on the training side, with his reply, ordered by prompt.

    Sealed prompts are left out, and those of which he chose between two answers: there his choice
    counts.
    """
    chosen = {pair.prompt_id for pair in chosen_pairs(conn).values()}
    found = iter_prompts(conn, split="train", levels=("open", "train-only"), source="asked")
    prompts = [prompt for prompt in found if prompt.id not in chosen]
    replies = true_replies(conn, owner, prompts)
    return [(prompt, replies[prompt.id]) for prompt in prompts if replies.get(prompt.id)]


def record_pairs(
    conn: sqlite3.Connection, owner: Owner, twin: str
) -> list[tuple[Prompt, str, str]]:
    """Return (prompt, the owner's reply, the twin's answer), one a prompt, ordered by prompt.

    Of several answers the first counts. Where it is empty or next to identical with the reply,
    there is no pair.
    """
    answers: dict[str, str] = {}
    for answer in answers_of(conn, twin):
        answers.setdefault(answer.prompt_id, answer.text)
    found = (
        (prompt, reply, answers.get(prompt.id, ""))
        for prompt, reply in replied_prompts(conn, owner)
    )
    return [row for row in found if row[2].strip() and not near_identical(row[1], row[2])]


def with_packed(rows: Sequence[Row], packed: Sequence[Row], against_records: float) -> list[Row]:
    """Return this machine's rows, and of those that travelled what it can't make itself.

    Args:
        rows: Of the store, whose choices are newer than what travelled.
        packed: What travelled: rows of `Preference.to_row`.
        against_records: Weight of the owner's real replies, which lie where his records are; 0
            leaves them out.
    """
    made = list(rows) or [row for row in packed if row["source"] != RECORD]
    if against_records <= 0 or any(row["source"] == RECORD for row in made):
        return made
    known = {row["prompt_id"] for row in made}
    replies = (row for row in packed if row["source"] == RECORD)
    return [
        *made,
        *({**row, "weight": against_records} for row in replies if row["prompt_id"] not in known),
    ]


def side_of(prompt_id: str, held_out: float) -> Side:
    """Return a prompt's side, which depends on nothing but the prompt and the share."""
    number = int(hashlib.sha256(f"held out {prompt_id}".encode()).hexdigest()[:8], 16)
    return "held_out" if number / 2**32 < held_out else "train"


def length_difference(rows: Iterable[Preference]) -> float | None:
    """Return by how many words the chosen answers are longer on average; None without rows."""
    differences = [len(row.chosen.split()) - len(row.rejected.split()) for row in rows]
    return sum(differences) / len(differences) if differences else None


def _rows(choice: Choice, pair: PairView, held_out: float) -> Iterator[Preference]:
    if pair.split != "train":
        return
    if choice.outcome == "rewrite":
        # The owner's own words beat both answers; together they count as one choice.
        chosen = choice.rewrite or ""
        contests = [(chosen, pair.text_a, 0.5), (chosen, pair.text_b, 0.5)]
    elif choice.outcome == "a":
        contests = [(pair.text_a, pair.text_b, 1.0)]
    elif choice.outcome == "b":
        contests = [(pair.text_b, pair.text_a, 1.0)]
    else:
        return
    for better, worse, weight in contests:
        if better.strip() and better.strip() != worse.strip():
            yield Preference(
                messages=tuple(dict(message) for message in pair.messages),
                chosen=better,
                rejected=worse,
                weight=weight,
                source=choice.actor,
                pair_id=choice.pair_id,
                prompt_id=pair.prompt_id,
                split=side_of(pair.prompt_id, held_out),
            )


def _redacted(row: Preference, redactor: Redactor) -> Preference:
    """Return the row without what is private; each side with its prompt, so that they agree."""

    def told(answer: str) -> list[Message]:
        return redactor.redact_messages([*row.messages, {"role": "assistant", "content": answer}])

    *messages, chosen = told(row.chosen)
    rejected = told(row.rejected)[-1]
    return replace(
        row,
        messages=tuple(messages),
        chosen=chosen["content"],
        rejected=rejected["content"],
    )
