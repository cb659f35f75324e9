"""Frozen rows become tokens: the oldest turns are dropped where a row is long, an answer never."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from align.models.chat_template import (
    Message,
    Rendered,
    is_trained,
    render,
    render_answer,
    render_prompt,
    without_oldest,
)


@dataclass
class TokenisedRows:
    """Tokenised rows, and what it took to make them fit."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    shortened: int = 0  # rows that lost their oldest turns
    dropped: int = 0  # answers that are too long with the one prompt that each needs

    @property
    def metrics(self) -> dict[str, Any]:
        """Return what twin.json says of the rows that didn't fit."""
        return {"shortened_rows": self.shortened, "dropped_rows": self.dropped}

    @staticmethod
    def length(row: dict[str, Any]) -> int:
        """Return a row's tokens; of a pair its longer sequence's."""
        if "input_ids" in row:
            return len(row["input_ids"])
        answers = (row["chosen_ids"], row["rejected_ids"])
        return len(row["prompt_ids"]) + max(map(len, answers))

    def dataset(self) -> Any:
        """Return the rows as a `datasets.Dataset`; None where there are none."""
        from datasets import Dataset

        return Dataset.from_list(self.rows) if self.rows else None


def sft_tokens(
    tokenizer: Any, rows: Iterable[dict[str, Any]], max_length: int | None
) -> TokenisedRows:
    """Return rows {input_ids, labels}: -100 but on learned answers and their stop tokens.

    An answer that is too long a way from the row's end to stand with the last one, or that the
    template shows otherwise once another follows, ends a row of its own: each is learned once.
    """
    tokenised = TokenisedRows()
    for row in rows:
        ends = []
        messages = list(row["messages"])
        while learned := [index for index, message in enumerate(messages) if is_trained(message)]:
            kept, rendered = _longest_end(tokenizer, messages[: learned[-1] + 1], max_length)
            if rendered is None:
                tokenised.dropped += 1
            else:
                ends.append({"input_ids": rendered.input_ids, "labels": rendered.labels})
                tokenised.shortened += kept < learned[-1] + 1
            done = rendered.learned if rendered is not None else 1
            messages = messages[: learned[-done - 1] + 1] if done < len(learned) else []
        tokenised.rows += reversed(ends)
    return tokenised


def _longest_end(
    tokenizer: Any, messages: list[Message], max_length: int | None
) -> tuple[int, Rendered | None]:
    """Return as much of a conversation's end as fits: how many messages, and their tokens."""
    *before, answer = messages
    prompt: list[Message] | None = before
    while prompt is not None:
        rendered = render(tokenizer, [*prompt, answer])
        if max_length is None or len(rendered.input_ids) <= max_length:
            return len(prompt) + 1, rendered
        prompt = without_oldest(prompt)
    return 0, None


def dpo_tokens(
    tokenizer: Any, rows: Iterable[dict[str, Any]], max_length: int | None
) -> TokenisedRows:
    """Return rows {prompt_ids, chosen_ids, rejected_ids, weight}; answers end with their stop."""
    tokenised = TokenisedRows()
    for row in rows:
        chosen = render_answer(tokenizer, row["chosen"])
        rejected = render_answer(tokenizer, row["rejected"])
        room = None if max_length is None else max_length - max(len(chosen), len(rejected))
        messages: list[Message] | None = row["messages"]
        while messages is not None:
            prompt = render_prompt(tokenizer, messages)
            if room is None or len(prompt) <= room:
                tokenised.shortened += messages is not row["messages"]
                ids = {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}
                tokenised.rows.append({**ids, "weight": row["weight"]})
                break
            messages = without_oldest(messages)
        else:
            tokenised.dropped += 1
    return tokenised
