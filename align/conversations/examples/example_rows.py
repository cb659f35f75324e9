"""What a training row is made of, how long it is, and counts of many rows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from align.ingest.reasons import REASONS
from align.levels import trainable
from align.store.records import Record

# Sources of rows that are not a record's source.
QUESTIONS, PLAIN, REWRITE = "questions", "plain", "rewrite"
# Tokens that a template puts around two turns, generously.
FRAME = 24
# Tokens that are left to a question before a long answer.
SHORTEST_QUESTION = 8
# Characters of the sentence after which a text goes on.
LONGEST_SENTENCE = 240

# Reasons that only the making of examples can tell.
_REASONS = {
    "sealed": "sealed: never learned",
    "nobody-asked": "few words that open a conversation, or come long after the last: nobody asked",
    "mostly-context": "in a turn of which most is left out",
}
_SHOWN = 3

CountTokens = Callable[[str], int]
Message = dict[str, Any]
Row = dict[str, Any]


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has, where no tokenizer is at hand; rather too many."""
    return max(round(len(text.split()) * 1.5), len(text.encode()) // 3) + 1


@dataclass(frozen=True)
class RowLimit:
    """How long a row and an answer in it may be in tokens, and how they are counted."""

    count_tokens: CountTokens
    most: int
    # An answer is learned in parts of at most so many; without it only the row cuts one.
    answer: int | None = None

    @property
    def longest_answer(self) -> int:
        """Return the tokens of an answer that leave room for a question."""
        room = max(self.most - 2 * FRAME - SHORTEST_QUESTION, 1)
        return min(self.answer or room, room)


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


def explained(reason: str) -> str:
    """Return a reason in words."""
    if reason in _REASONS:
        return _REASONS[reason]
    return REASONS[reason].meaning if reason in REASONS else reason


@dataclass
class SourceStatistics:
    """Rows of one source."""

    lengths: list[int] = field(default_factory=list)  # tokens of each row, before the mix
    rows: int = 0  # after the mix
    words: int = 0  # that are learned, before the mix

    @property
    def median(self) -> int:
        """Return the tokens of a row in the middle."""
        return round(median(self.lengths)) if self.lengths else 0


@dataclass
class ExampleStatistics:
    """Collected while examples are built."""

    # By source, in the order in which they came.
    sources: dict[str, SourceStatistics] = field(default_factory=dict)
    # Records of the owner's that aren't learned, by reason.
    left_out: Counter[str] = field(default_factory=Counter)
    # A few of them, by reason; none of what is sealed.
    shown: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Row, times: int, count_tokens: CountTokens) -> None:
        """Count a row that is taken so many times."""
        source = self.sources.setdefault(row["source"], SourceStatistics())
        source.lengths.append(row_tokens(row["messages"], count_tokens))
        source.rows += times
        source.words += sum(len(answer.split()) for answer in learned(row["messages"]))

    def leave_out(self, record: Record, reason: str) -> None:
        """Count a record of the owner's that isn't learned."""
        self.left_out[reason] += 1
        if trainable(record.level) and len(self.shown[reason]) < _SHOWN:
            self.shown[reason].append(record)

    @property
    def rows(self) -> int:
        """Return how many rows there are, after the mix."""
        return sum(source.rows for source in self.sources.values())

    @property
    def lengths(self) -> list[int]:
        """Return the tokens of each row before the mix."""
        return [length for source in self.sources.values() for length in source.lengths]
