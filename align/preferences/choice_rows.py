"""Choices become rows of prompt, chosen, rejected, weight and source.

So do verdicts of judges whose gate is open, each with its gate's weight, below 1; any choice beats
them, and what is held out is measured by choices alone. There is no label smoothing: it would blur
what the owner is sure of along with what a judge only supposes.

On request, the owner's real replies stand beside them, each preferred to their model's answer.
Nobody chose there: these rows are the baseline that labelling must beat.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from align.conversations.examples.cutting import cut_at_paragraph_ends
from align.conversations.prompts import true_replies
from align.conversations.questions.passages import MOST_OF_ANSWER
from align.levels import TRAINABLE
from align.owner import Owner
from align.preferences.preference import RECORD, Message, Preference, side_of
from align.preferences.verdict_rows import verdict_rows
from align.privacy.redaction import Redactor, redactor_for
from align.store.answers import answers_of
from align.store.choices import Choice, chosen_pairs, decisive_pairs
from align.store.pairs import PairView
from align.store.prompts import Prompt, iter_prompts
from align.text.similarity import near_identical


def build_preferences(
    conn: sqlite3.Connection,
    owner: Owner,
    *,
    held_out: float = 0.12,
    verdicts: bool = False,
    against_records: float = 0.0,
    clear_weight: float = 1.0,
    checkpoint_hash: str | None = None,
    redactor: Redactor | None = None,
) -> list[Preference]:
    """Return the rows of all choices that stand, ordered by pair; redacted.

    `both` and `neither` are never rows; prompts of the evaluation side aren't either. A share of
    the prompts is `held_out`: their rows only measure. With `verdicts` those that count give rows
    too, ordered by pair. `against_records` is the weight of a row that prefers the owner's real
    reply to an answer of the checkpoint `checkpoint_hash`, ordered by prompt: 0, or no checkpoint,
    leaves them out. `clear_weight` is the weight of a choice that was clear, where another has 1.
    `redactor` counts for callers that report; else it is one of the owner's.
    """
    rows: list[Preference] = []
    for choice, pair in decisive_pairs(conn):
        rows += _choice_rows(choice, pair, held_out, clear_weight)
    if verdicts:
        rows += verdict_rows(conn, held_out)
    if against_records > 0 and checkpoint_hash is not None:
        rows += [
            Preference(prompt.messages, reply, answer, against_records, RECORD, "", prompt.id,
                       side_of(prompt.id, held_out))
            for prompt, reply, answer in record_pairs(conn, owner, checkpoint_hash)
        ]  # fmt: skip
    redactor = redactor or redactor_for(owner)
    return [_redacted(row, redactor) for row in rows]


def replied_prompts(conn: sqlite3.Connection, owner: Owner) -> list[tuple[Prompt, str]]:
    """Return the training side's prompts with the owner's real replies, ordered by prompt.

    Sealed prompts are left out, and those with a choice of the owner's: there the choice counts.
    """
    chosen = {pair.prompt_id for pair in chosen_pairs(conn).values()}
    asked = iter_prompts(conn, split="train", levels=TRAINABLE, source="asked")
    prompts = [prompt for prompt in asked if prompt.id not in chosen]
    replies = true_replies(conn, owner, prompts)
    return [(prompt, replies[prompt.id]) for prompt in prompts if replies.get(prompt.id)]


def record_pairs(
    conn: sqlite3.Connection, owner: Owner, checkpoint_hash: str
) -> list[tuple[Prompt, str, str]]:
    """Return (prompt, the owner's reply, the model's answer), one a prompt, ordered by prompt.

    Of several answers the first counts. Where it is empty or nearly identical with the reply,
    there is no pair. Of a long reply the first part is taken, which ends with a sentence: against
    an answer that had to end, all of it would prefer length.
    """
    answers: dict[str, str] = {}
    for drawn in answers_of(conn, checkpoint_hash):
        answers.setdefault(drawn.prompt_id, drawn.text)
    pairs = (
        (prompt, _first_part(reply, text), text)
        for prompt, reply in replied_prompts(conn, owner)
        if (text := answers.get(prompt.id, "")).strip()
    )
    return [pair for pair in pairs if not near_identical(pair[1], pair[2])]


def _first_part(reply: str, answer: str) -> str:
    most = max(MOST_OF_ANSWER, len(answer.split()))
    return cut_at_paragraph_ends(reply, lambda text: len(text.split()), most)[0].strip()


def _choice_rows(
    choice: Choice, pair: PairView, held_out: float, clear_weight: float
) -> Iterator[Preference]:
    if pair.split != "train":
        return
    weight = clear_weight if choice.clear else 1.0
    if choice.outcome == "rewrite":
        # The owner's own words beat both answers; together they count as one choice.
        chosen = choice.rewrite or ""
        contests = [(chosen, pair.text_a, 0.5), (chosen, pair.text_b, 0.5)]
    elif choice.outcome == "a":
        contests = [(pair.text_a, pair.text_b, weight)]
    else:
        contests = [(pair.text_b, pair.text_a, weight)]
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

    def redact(answer: str) -> list[Message]:
        return redactor.redact_messages([*row.messages, {"role": "assistant", "content": answer}])

    *messages, chosen = redact(row.chosen)
    rejected = redact(row.rejected)[-1]
    return replace(
        row, messages=tuple(messages), chosen=chosen["content"], rejected=rejected["content"]
    )
