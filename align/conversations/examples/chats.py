"""A conversation becomes rows: each answer learned once, after as much context as fits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from align.conversations.examples.cutting import cut_at_paragraph_ends, last_sentence, last_words
from align.conversations.examples.documents import document_rows
from align.conversations.examples.example_rows import (
    FRAME,
    LONGEST_SENTENCE,
    SHORTEST_QUESTION,
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

# From so many words on, what nobody asked for is a piece of writing: a statement that opens an
# interview, a long mail. A greeting, a message or three sentences of small talk have fewer.
PIECE_WORDS = 80
# Their titles say what a text is about; other chats are called after people and groups.
_WITH_SUBJECT = ("interviews", "mail")
# What stands before the further parts of a long answer; the second, where no earlier part does.
GO_ON, GO_ON_AFTER = "Go on.", 'Go on after: "{last_sentence}"'


@dataclass(frozen=True)
class _Exchange:
    """Somebody asks, the owner answers; of a long question, `question` is the end.

    Of a long answer `part` is one part; `after` is how the part before it ends, if there is one.
    """

    prompt: SpeakingTurn
    answer: SpeakingTurn
    question: str
    part: str
    tokens: int
    is_learned: bool
    after: str

    @property
    def records(self) -> tuple[Record, ...]:
        return (*self.prompt.records, *self.answer.records)

    @property
    def messages(self) -> tuple[Message, Message]:
        answer = turn("assistant", self.part, is_learned=self.is_learned)
        return turn("user", self.question), answer


def chat_rows(
    records: Sequence[Record],
    rules: Conversations,
    limit: RowLimit,
    statistics: ExampleStatistics,
    *,
    dates: bool = False,
) -> Iterator[Row]:
    """Yield rows of one conversation that end with an answer of the owner's.

    Where a row is full, the next begins with what was said right before, in at most half of the
    row and as context: nothing is learned twice. Where something is missing in between, a row
    begins with what came after it. An answer that is longer than `limit.answer` is learned in
    parts that end where a paragraph or a sentence does: the first answers the question, and each
    further one is asked to go on. What nobody asked for is learned as a document is, its prompt
    with `dates`, where it is long enough to be a piece of writing.

    The records are of one thread and origin, in order, the left-out ones too.
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
        if not record.is_owner or record.id in learned:
            continue
        reason = why_not(record) or reasons.get(record.id)
        if reason is None and len(record.text.split()) >= PIECE_WORDS:
            title = record.title if record.source in _WITH_SUBJECT else None
            yield from document_rows(record._replace(title=title), limit, dates=dates)
        else:
            statistics.leave_out(record, reason or "nobody-asked")


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
) -> Iterator[_Exchange]:
    """Yield prompts with their answers, long ones in parts."""
    for prompt, answer in zip(turns[::2], turns[1::2], strict=False):
        if not answer.is_learned:
            reasons |= {record.id: "mostly-context" for record in answer.records}
        question, after = prompt.text, ""
        for part in cut_at_paragraph_ends(answer.text, limit.count_tokens, limit.longest_answer):
            text = part.strip()
            yield _exchange(prompt, answer, question, text, after, limit)
            question, after = GO_ON, last_sentence(text, LONGEST_SENTENCE)


def _exchange(
    prompt: SpeakingTurn,
    answer: SpeakingTurn,
    question: str,
    part: str,
    after: str,
    limit: RowLimit,
) -> _Exchange:
    count = limit.count_tokens
    needed = FRAME + count(part)
    left = limit.most - FRAME - needed
    if count(question) > left:
        question = last_words(question, count, max(left, SHORTEST_QUESTION)) or "…"
    tokens = count(question) + needed
    return _Exchange(prompt, answer, question, part, tokens, answer.is_learned, after)


def _filled(exchanges: Iterator[_Exchange], limit: RowLimit) -> Iterator[list[_Exchange]]:
    """Yield rows, each with a last exchange that is learned."""
    row: list[_Exchange] = []
    for exchange in exchanges:
        if row and FRAME + _length(row) + exchange.tokens > limit.most:
            yield from _whole(row)
            row = _as_context(row, min(limit.most // 2, limit.most - FRAME - exchange.tokens))
        if exchange.after and not row:
            asked = GO_ON_AFTER.format(last_sentence=exchange.after)
            it = exchange
            exchange = _exchange(it.prompt, it.answer, asked, it.part, it.after, limit)
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
