"""What examples were made of, and what was left out of them and why."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median

from align.conversations.examples.example_rows import CountTokens, Row, learned, row_tokens
from align.ingest.reasons import REASONS
from align.levels import trainable
from align.store.records import Record

# Reasons that only the making of examples can tell.
_REASONS = {
    "sealed": "sealed: never learned",
    "nobody-asked": "opens a conversation, or comes long after the last word: nobody asked",
    "mostly-context": "in a turn of which most is left out",
    "answer-too-long": "longer than a row; a larger max_length takes it in",
}
_SHOWN = 3


def explained(reason: str) -> str:
    """Return a reason in words."""
    if reason in _REASONS:
        return _REASONS[reason]
    return REASONS[reason].says if reason in REASONS else reason


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
