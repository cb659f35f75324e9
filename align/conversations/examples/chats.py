"""A conversation becomes rows: each answer learned once, after as much of it as fits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from align.conversations.examples.cutting import last_words
from align.conversations.examples.example_rows import (
    FRAME,
    CountTokens,
    Message,
    Row,
    estimated_tokens,
    row_of,
    turn,
    why_not,
)
from align.conversations.examples.example_statistics import ExampleStatistics
from align.conversations.turns import SpeakingTurn, speaking_turns
from align.owner import Conversations
from align.store.records import Record

# Tokens that are left to a question before a long answer.
_SHORTEST_QUESTION = 8


@dataclass(frozen=True)
class _Exchange:
    """Somebody asks, the owner answers; of a long question, `question` is the end."""

    asked: SpeakingTurn
    answer: SpeakingTurn
    question: str
    tokens: int
    is_learned: bool


@dataclass(frozen=True)
class Room:
    """How long a row may be, and how that is counted."""

    count_tokens: CountTokens
    most: int

    @property
    def longest(self) -> int:
        """Return the length from which on an answer is surely too long: an estimate is no proof."""
        return self.most * (2 if self.count_tokens is estimated_tokens else 1)


def chat_rows(
    records: Sequence[Record],
    settings: Conversations,
    room: Room,
    statistics: ExampleStatistics,
) -> Iterator[Row]:
    """Yield rows of one conversation that end with an answer of the owner's.

    Where a row is full, the next begins with what was said right before, in at most half of the
    room and as context: nothing is learned twice. Where something is missing that was said between,
    a row begins with what came after it.

    Args:
        records: Of one thread and origin, in order, the left-out ones too.
        settings: How messages become turns.
        room: Of a row.
        statistics: Takes what isn't learned, and why.
    """
    why: dict[str, str] = {}
    learned: set[str] = set()
    for stretch in _stretches(speaking_turns(records, settings)):
        for row in _filled(_exchanges(stretch, room, why), room):
            learned.update(one.id for each in row if each.is_learned for one in each.answer.records)
            yield row_of(
                [message for each in row for message in _messages(each)],
                [one for each in row for one in (*each.asked.records, *each.answer.records)],
            )
    for record in records:
        if record.is_owner and record.id not in learned:
            reason = why_not(record) or why.get(record.id) or "nobody-asked"
            statistics.leave_out(record, reason)


def _stretches(turns: Sequence[SpeakingTurn]) -> Iterator[list[SpeakingTurn]]:
    stretch: list[SpeakingTurn] = []
    for each in turns:
        if each.starts_anew and stretch:
            yield stretch
            stretch = []
        stretch.append(each)
    if stretch:
        yield stretch


def _exchanges(
    turns: Sequence[SpeakingTurn], room: Room, why: dict[str, str]
) -> Iterator[_Exchange | None]:
    """Yield what was asked and answered; None in place of an answer longer than a row."""
    for asked, answer in zip(turns[::2], turns[1::2], strict=False):
        exchange = _exchange(asked, answer, room)
        if not answer.is_learned:
            why |= {one.id: "mostly-context" for one in answer.records}
        elif exchange is None:
            why |= {one.id: "answer-too-long" for one in answer.records}
        yield exchange


def _exchange(asked: SpeakingTurn, answer: SpeakingTurn, room: Room) -> _Exchange | None:
    count = room.count_tokens
    question, needed = asked.text, FRAME + count(answer.text)
    left = room.most - FRAME - needed
    if count(question) > left:
        question = last_words(question, count, max(left, _SHORTEST_QUESTION)) or "…"
    tokens = count(question) + needed
    if FRAME + tokens > room.longest:
        return None
    return _Exchange(asked, answer, question, tokens, answer.is_learned)


def _filled(exchanges: Iterator[_Exchange | None], room: Room) -> Iterator[list[_Exchange]]:
    """Yield rows, each with a last exchange that is learned."""
    row: list[_Exchange] = []
    for exchange in exchanges:
        if exchange is None:
            yield from _whole(row)
            row = []
            continue
        if row and FRAME + _length(row) + exchange.tokens > room.most:
            yield from _whole(row)
            left = min(room.most // 2, room.most - FRAME - exchange.tokens)
            row = _as_context(row, left)
        row.append(exchange)
    yield from _whole(row)


def _whole(row: list[_Exchange]) -> Iterator[list[_Exchange]]:
    """Yield the row up to the last exchange that is learned, if there is one."""
    last = max((at for at, each in enumerate(row) if each.is_learned), default=-1)
    if last >= 0:
        yield row[: last + 1]


def _as_context(row: list[_Exchange], most: int) -> list[_Exchange]:
    """Return the last exchanges that fit, none of them learned again."""
    kept: list[_Exchange] = []
    for each in reversed(row):
        if _length(kept) + each.tokens > most:
            break
        kept.insert(0, replace(each, is_learned=False))
    return kept


def _length(row: Sequence[_Exchange]) -> int:
    return sum(each.tokens for each in row)


def _messages(exchange: _Exchange) -> list[Message]:
    answer = turn("assistant", exchange.answer.text, is_learned=exchange.is_learned)
    return [turn("user", exchange.question), answer]
