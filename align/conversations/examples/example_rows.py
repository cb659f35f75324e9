"""What a training row is made of: messages, and how long they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from align.levels import trainable
from align.store.records import Record

# Sources of rows that are not a record's source.
QUESTIONS, REWRITE = "questions", "rewrite"
# Tokens that a template puts around two turns, generously.
FRAME = 24

CountTokens = Callable[[str], int]
Message = dict[str, Any]
Row = dict[str, Any]


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has, where no tokenizer is at hand; rather too many."""
    return max(round(len(text.split()) * 1.5), len(text.encode()) // 3) + 1


@dataclass(frozen=True)
class RowLimit:
    """How long a row may be in tokens, and how they are counted."""

    count_tokens: CountTokens
    most: int

    @property
    def longest(self) -> int:
        """Return the length from which an answer is surely too long: an estimate is no proof."""
        return self.most * (2 if self.count_tokens is estimated_tokens else 1)


def turn(role: str, content: str, *, is_learned: bool = True) -> Message:
    """Return a message; an answer that isn't learned says so, and is context."""
    message: Message = {"role": role, "content": content}
    return message if role != "assistant" or is_learned else {**message, "train": False}


def row_of(messages: list[Message], records: Sequence[Record]) -> Row:
    """Return a row {messages, source, record_ids} of records of one source."""
    ids = list(dict.fromkeys(record.id for record in records))
    return {"messages": messages, "source": records[-1].source, "record_ids": ids}


def row_tokens(messages: Sequence[Message], count_tokens: CountTokens) -> int:
    """Return how many tokens a row fills, an allowance for its template included."""
    return FRAME + sum(count_tokens(message["content"]) + FRAME // 2 for message in messages)


def learned(messages: Sequence[Message]) -> list[str]:
    """Return the answers that are learned."""
    return [
        message["content"]
        for message in messages
        if message["role"] == "assistant" and message.get("train", True)
    ]


def why_not(record: Record) -> str | None:
    """Return why a record by itself isn't learned; None where it may be."""
    if record.left_out is None and not record.text.strip():
        return "empty"
    return record.left_out or (None if trainable(record.level) else record.level)
