"""The owner's real replies, against what a model answers to the same prompts."""

import sqlite3

from align.conversations.prompts import true_replies
from align.owner import Owner
from align.store.answers import answers_of
from align.store.choices import chosen_pairs
from align.store.prompts import Prompt, iter_prompts
from align.text.similarity import near_identical


def replied_prompts(conn: sqlite3.Connection, owner: Owner) -> list[tuple[Prompt, str]]:
    """Return the training side's prompts with the owner's real replies, ordered by prompt.

    Sealed prompts are left out, and those with a choice of the owner's: there the choice counts.
    """
    chosen = {pair.prompt_id for pair in chosen_pairs(conn).values()}
    asked = iter_prompts(conn, split="train", levels=("open", "train-only"), source="asked")
    prompts = [prompt for prompt in asked if prompt.id not in chosen]
    replies = true_replies(conn, owner, prompts)
    return [(prompt, replies[prompt.id]) for prompt in prompts if replies.get(prompt.id)]


def record_pairs(
    conn: sqlite3.Connection, owner: Owner, checkpoint_hash: str
) -> list[tuple[Prompt, str, str]]:
    """Return (prompt, the owner's reply, the model's answer), one a prompt, ordered by prompt.

    Of several answers the first counts. Where it is empty or nearly identical with the reply,
    there is no pair.
    """
    answers: dict[str, str] = {}
    for answer in answers_of(conn, checkpoint_hash):
        answers.setdefault(answer.prompt_id, answer.text)
    pairs = (
        (prompt, reply, answers.get(prompt.id, ""))
        for prompt, reply in replied_prompts(conn, owner)
    )
    return [pair for pair in pairs if pair[2].strip() and not near_identical(pair[1], pair[2])]
