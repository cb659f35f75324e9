"""A conversation becomes rows: each answer learned once, after as much context as fits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from align.conversations.examples.cutting import last_words
from align.conversations.examples.example_rows import (
    FRAME,
    ExampleStatistics,
    Message,
    Row,
    RowLimit,
    row_of,
    turn,
    why_not,
)
from align.conversations.turns import SpeakingTurn, speaking_turns
from align.owner import Conversations
from align.store.records import Record

# Tokens that are left to a question before a long answer.
_SHORTEST_QUESTION = 8


@dataclass(frozen=True)
class _Exchange:
    """Somebody asks, the owner answers; of a long question, `question` is the end."""

    prompt: SpeakingTurn
    answer: SpeakingTurn
    question: str
    tokens: int
    is_learned: bool

    @property
    def records(self) -> tuple[Record, ...]:
        return (*self.prompt.records, *self.answer.records)

    @property
    def messages(self) -> tuple[Message, Message]:
        answer = turn("assistant", self.answer.text, is_learned=self.is_learned)
        return turn("user", self.question), answer


def chat_rows(
    records: Sequence[Record],
    rules: Conversations,
    limit: RowLimit,
    statistics: ExampleStatistics,
) -> Iterator[Row]:
    """Yield rows of one conversation that end with an answer of the owner's.

    Where a row is full, the next begins with what was said right before, in at most half of the
    row and as context: nothing is learned twice. Where something is missing in between, a row
    begins with what came after it.

    Args:
        records: Of one thread and origin, in order, the left-out ones too.
        rules: How messages become turns.
        limit: Of a row.
        statistics: Takes what isn't learned, and why.
    """
    reasons: dict[str, str] = {}
    learned: set[str] = set()
    for stretch in _stretches(speaking_turns(records, rules)):
        for row in _filled(_exchanges(stretch, limit, reasons), limit):
            learned.update(
                record.id
                for exchange in row
                if exchange.is_learned
                for record in exchange.answer.records
            )
            yield row_of(
                [message for exchange in row for message in exchange.messages],
                [record for exchange in row for record in exchange.records],
            )
    for record in records:
        if record.is_owner and record.id not in learned:
            reason = why_not(record) or reasons.get(record.id) or "nobody-asked"
            statistics.leave_out(record, reason)


def _stretches(turns: Sequence[SpeakingTurn]) -> Iterator[list[SpeakingTurn]]:
    stretch: list[SpeakingTurn] = []
    for speaking in turns:
        if speaking.starts_anew and stretch:
            yield stretch
            stretch = []
        stretch.append(speaking)
    if stretch:
        yield stretch


def _exchanges(
    turns: Sequence[SpeakingTurn], limit: RowLimit, reasons: dict[str, str]
) -> Iterator[_Exchange | None]:
    """Yield prompts with their answers; None in place of an answer longer than a row."""
    for prompt, answer in zip(turns[::2], turns[1::2], strict=False):
        exchange = _exchange(prompt, answer, limit)
        if not answer.is_learned:
            reasons |= {record.id: "mostly-context" for record in answer.records}
        elif exchange is None:
            reasons |= {record.id: "answer-too-long" for record in answer.records}
        yield exchange


def _exchange(prompt: SpeakingTurn, answer: SpeakingTurn, limit: RowLimit) -> _Exchange | None:
    count = limit.count_tokens
    question, needed = prompt.text, FRAME + count(answer.text)
    left = limit.most - FRAME - needed
    if count(question) > left:
        question = last_words(question, count, max(left, _SHORTEST_QUESTION)) or "…"
    tokens = count(question) + needed
    if FRAME + tokens > limit.longest:
        return None
    return _Exchange(prompt, answer, question, tokens, answer.is_learned)


def _filled(exchanges: Iterator[_Exchange | None], limit: RowLimit) -> Iterator[list[_Exchange]]:
    """Yield rows, each with a last exchange that is learned."""
    row: list[_Exchange] = []
    for exchange in exchanges:
        if exchange is None:
            yield from _whole(row)
            row = []
            continue
        if row and FRAME + _length(row) + exchange.tokens > limit.most:
            yield from _whole(row)
            row = _as_context(row, min(limit.most // 2, limit.most - FRAME - exchange.tokens))
        row.append(exchange)
    yield from _whole(row)


def _whole(row: list[_Exchange]) -> Iterator[list[_Exchange]]:
    """Yield the row up to the last exchange that is learned, if there is one."""
    last = max((at for at, exchange in enumerate(row) if exchange.is_learned), default=-1)
    if last >= 0:
        yield row[: last + 1]


def _as_context(row: list[_Exchange], most: int) -> list[_Exchange]:
    """Return the last exchanges that fit, none of them learned again."""
    kept: list[_Exchange] = []
    for exchange in reversed(row):
        if _length(kept) + exchange.tokens > most:
            break
        kept.insert(0, replace(exchange, is_learned=False))
    return kept


def _length(row: Sequence[_Exchange]) -> int:
    return sum(exchange.tokens for exchange in row)
