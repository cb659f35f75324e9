"""Choices become rows of prompt, chosen, rejected, weight and source.

So do verdicts of judges whose gate is open, each with its gate's weight, below 1; any choice beats
them, and what is held out is measured by choices alone. There is no label smoothing: it would blur
what the owner is sure of along with what a judge only supposes.

Rows for nothing stand beside them where they are asked for: the owner's real reply to what he was
asked, preferred to his twin's. Nobody chose there, so they are the baseline that labelling must
beat.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from align.choices.selection import flaw_of
from align.choices.verdicts import Side as Answer
from align.choices.verdicts import passes, verdict_of
from align.conversations.prompts import true_replies
from align.owner import Owner
from align.privacy.redaction import Redactor, redactor_for
from align.store.answers import answers_of
from align.store.choices import Choice, chosen_pairs, current_choices, decisive_pairs
from align.store.gates import GateRow, gates_named, open_gates
from align.store.pairs import PairView, get_pairs
from align.store.prompts import Prompt, iter_prompts
from align.store.verdicts import both_ways
from align.text.similarity import near_identical

Message = dict[str, str]
Row = dict[str, Any]
Side = Literal["train", "held_out"]
# Who preferred the owner's real reply: nobody, it was written.
RECORD = "record"
# Who preferred one answer where a verdict did.
JUDGE = "judge"
_CHUNK = 500


@dataclass(frozen=True)
class Preference:
    """One answer preferred to another.

    Attributes:
        messages: The conversation up to the answer; the last turn is the user's.
        chosen: The answer that sounds like the owner.
        rejected: The one that doesn't, or less.
        weight: How much the row counts.
        source: Who chose: `owner`, `simulated`, `imported`; `judge`, or `record` where nobody did.
        pair_id: The pair that was chosen from; empty where nobody chose.
        prompt_id: What is held out together.
        split: `train` or `held_out`.
        gate: The gate that lets a verdict count; empty where it is none.
    """

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    weight: float
    source: str
    pair_id: str
    prompt_id: str
    split: Side
    gate: str = ""

    def to_row(self) -> Row:
        """Return it as a row of a frozen rows file."""
        row = {**asdict(self), "messages": list(self.messages)}
        # Rows are known by their bytes: those of choices say nothing of what they do not need.
        if not self.gate:
            del row["gate"]
        return row


def build_preferences(
    conn: sqlite3.Connection,
    owner: Owner,
    *,
    held_out: float = 0.12,
    verdicts: bool = False,
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
        verdicts: Whether verdicts that count give rows too, after the choices, ordered by pair.
        against_records: Weight of a row that prefers the owner's real reply to his twin's answer,
            after all others, ordered by prompt; 0 leaves them out.
        twin: Hash of the checkpoint whose answers those are; none are known without it.
        redactor: Counts what it replaces, where somebody wants to know; else one of the owner's.
    """
    rows = [row for choice, pair in decisive_pairs(conn) for row in _rows(choice, pair, held_out)]
    if verdicts:
        rows += _judged(conn, held_out)
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


def still_judged(conn: sqlite3.Connection, packed: Sequence[Row], held_out: float) -> list[Row]:
    """Return rows that travelled without the verdicts that this store knows to count no more.

    Since then the owner may have chosen here, or sealed the pair, and the judge may have tried
    again and found its gate shut. A verdict whose gate is not known counts nowhere.
    """
    judged = {row["pair_id"]: row for row in packed if row["source"] == JUDGE}
    if not judged:
        return list(packed)
    gates = gates_named(conn, {row.get("gate", "") for row in judged.values()})
    still_open = {gate.of for gate in open_gates(conn)}
    gone = {choice.pair_id for choice in current_choices(conn)}
    gone |= {pair.id for pair in _pairs(conn, judged) if not _may_be_judged(pair, held_out)}

    def stands(row: Row) -> bool:
        gate = gates.get(row.get("gate", ""))
        return (
            gate is not None
            and gate.of in still_open
            and row["pair_id"] not in gone
            and side_of(row["prompt_id"], held_out) == "train"
        )

    return [row for row in packed if row["source"] != JUDGE or stands(row)]


def with_packed(rows: Sequence[Row], packed: Sequence[Row], against_records: float) -> list[Row]:
    """Return this machine's rows, and of those that travelled what it can't make itself.

    Args:
        rows: Of the store, whose choices are newer than what travelled.
        packed: What travelled: rows of `Preference.to_row`. Of verdicts those that still count:
            they stay where they were made, and only their rows travel.
        against_records: Weight of the owner's real replies, which lie where his records are; 0
            leaves them out.
    """
    made = list(rows) or [row for row in packed if row["source"] not in (RECORD, JUDGE)]
    has_replies = any(row["source"] == RECORD for row in made)
    known = {row["prompt_id"] for row in made if row["source"] != JUDGE}
    told = {row.get("pair_id") for row in made}
    made += [row for row in packed if row["source"] == JUDGE and row["pair_id"] not in told]
    if against_records <= 0 or has_replies:
        return made
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


def _judged(conn: sqlite3.Connection, held_out: float) -> Iterator[Preference]:
    """Yield the rows of the verdicts that count, ordered by pair."""
    counting = _verdicts_that_count(conn)
    for pair in _pairs(conn, counting):
        if not _may_be_judged(pair, held_out):
            continue
        gate, winner = counting[pair.id]
        better, worse = (pair.text_a, pair.text_b)[:: 1 if winner == "a" else -1]
        yield Preference(
            messages=tuple(dict(message) for message in pair.messages),
            chosen=better,
            rejected=worse,
            weight=gate.weight,
            source=JUDGE,
            pair_id=pair.id,
            prompt_id=pair.prompt_id,
            split="train",
            gate=gate.id,
        )


def _verdicts_that_count(conn: sqlite3.Connection) -> dict[str, tuple[GateRow, Answer]]:
    """Return pair -> gate and winner, of pairs that nobody chose of.

    Of several judges the one with the greatest weight speaks; where two name different winners,
    none does.
    """
    chosen = {choice.pair_id for choice in current_choices(conn)}
    heard: dict[str, tuple[GateRow, Answer] | None] = {}
    for gate in sorted(open_gates(conn), key=lambda gate: (-gate.weight, gate.id)):
        for pair_id, ab, ba in both_ways(conn, *gate.of):
            winner, certainty, _ = verdict_of(ab, ba)
            if winner is None or pair_id in chosen or not passes(certainty, gate.certainties):
                continue
            first = heard.setdefault(pair_id, (gate, winner))
            if first is not None and first[1] != winner:
                heard[pair_id] = None
    return {pair_id: said for pair_id, said in heard.items() if said is not None}


def _may_be_judged(pair: PairView, held_out: float) -> bool:
    """Tell whether a verdict on the pair may be trained on."""
    return (
        pair.purpose == "train"
        and pair.split == "train"
        and pair.level != "sealed"
        and side_of(pair.prompt_id, held_out) == "train"
        and flaw_of(pair.text_a, pair.text_b, pair.similarity) is None
    )


def _pairs(conn: sqlite3.Connection, ids: Collection[str]) -> Iterator[PairView]:
    """Yield those of the pairs that are there, ordered by id."""
    wanted = sorted(ids)
    for at in range(0, len(wanted), _CHUNK):
        found = get_pairs(conn, wanted[at : at + _CHUNK])
        yield from (found[id] for id in sorted(found))


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
