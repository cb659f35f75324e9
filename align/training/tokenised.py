"""Frozen rows become tokens: the oldest turns are dropped where a row is long, an answer never."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from align.template import Message, render, render_answer, render_prompt


@dataclass
class Fitted:
    """Tokenised rows, and what it took to make them fit.

    Attributes:
        rows: What a trainer takes.
        shortened: Rows that lost their oldest turns.
        dropped: Rows whose answer alone is too long, with the prompt it needs.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    shortened: int = 0
    dropped: int = 0


def sft_tokens(tokenizer: Any, rows: Iterable[dict[str, Any]], most: int | None) -> Fitted:
    """Return rows {input_ids, labels}: -100 but on the owner's answers and their stop tokens."""
    fitted = Fitted()
    for row in rows:
        messages, first = list(row["messages"]), True
        while True:
            rendered = render(tokenizer, messages)
            if most is None or len(rendered.input_ids) <= most:
                fitted.rows.append({"input_ids": rendered.input_ids, "labels": rendered.labels})
                fitted.shortened += not first
                break
            shorter = _without_oldest(messages[:-1])
            if shorter is None:
                fitted.dropped += 1
                break
            messages, first = [*shorter, messages[-1]], False
    return fitted


def dpo_tokens(tokenizer: Any, rows: Iterable[dict[str, Any]], most: int | None) -> Fitted:
    """Return rows {prompt_ids, chosen_ids, rejected_ids, weight}; answers end with their stop."""
    fitted = Fitted()
    for row in rows:
        chosen = render_answer(tokenizer, row["chosen"])
        rejected = render_answer(tokenizer, row["rejected"])
        room = None if most is None else most - max(len(chosen), len(rejected))
        messages: list[Message] | None = list(row["messages"])
        first = True
        while messages is not None:
            prompt = render_prompt(tokenizer, messages)
            if room is None or len(prompt) <= room:
                break
            messages, first = _without_oldest(messages), False
        if messages is None:
            fitted.dropped += 1
            continue
        fitted.shortened += not first
        fitted.rows.append(
            {
                "prompt_ids": prompt,
                "chosen_ids": chosen,
                "rejected_ids": rejected,
                "weight": row["weight"],
            }
        )
    return fitted


def _without_oldest(messages: list[Message]) -> list[Message] | None:
    """Return a prompt without its oldest exchange; None where only the last question is left."""
    system = [message for message in messages[:1] if message["role"] == "system"]
    turns = messages[len(system) :]
    starts = [at for at, message in enumerate(turns) if message["role"] == "user" and at]
    return [*system, *turns[starts[0] :]] if starts else None
