"""Records and rewrites become conversations that a twin is trained on, the owner as assistant.

A chat stays a chat; a document becomes one titled piece and, where it is longer than a row may
be, continuations that are cut at sentence ends; a rewrite is the answer to its pair's prompt.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from align.identity import identity_rows
from align.owner import Owner
from align.store.choices import decisive_pairs
from align.store.prompts import iter_prompts
from align.store.records import Record, iter_records

DOCUMENT_PROMPT = 'Write a piece titled "{title}".'
CONTINUATION_PROMPT = 'Continue "{title}" after: "{last_sentence}"'
TRAINED_LEVELS = ("open", "train-only")
REWRITE = "rewrite"

CountTokens = Callable[[str], int]
Row = dict[str, Any]

# What a template puts around two turns, generously.
_FRAME = 24
_LONGEST_TITLE, _LONGEST_SENTENCE = 120, 240
# A full stop, closing quotes and brackets, and the white space after them; or an empty line.
_CLOSING = "\"'\u201d\u2019)\\]"
_SENTENCE = re.compile(
    rf".+?(?:[.!?\u2026]+[{_CLOSING}]*(?=\s|$)\s*|\n\s*\n\s*|\Z)",
    re.DOTALL,
)


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text has, where no tokenizer is at hand; rather too many."""
    return max(round(len(text.split()) * 1.5), len(text.encode()) // 3) + 1


def build_examples(
    conn: sqlite3.Connection,
    owner: Owner,
    *,
    split: str = "train",
    count_tokens: CountTokens = estimated_tokens,
    max_tokens: int = 1024,
    identity: bool = True,
) -> Iterator[Row]:
    """Yield rows {messages, source, record_ids} of one side of the split, in the store's order.

    Sealed and left-out records are never in a row, not even as context. Rewrites are on the
    training side only.

    Args:
        conn: The owner's store.
        owner: For the identity conversations.
        split: `train` or `evaluation`.
        count_tokens: Length of a text in tokens.
        max_tokens: Longest row, template included.
        identity: Whether conversations on who the owner is are added.
    """
    everything = iter_records(conn, split=split, include_left_out=True)  # type: ignore[arg-type]
    for (_, _, kind), group in groupby(everything, key=lambda r: (r.thread, r.origin, r.kind)):
        if kind == "document":
            for record in group:
                if _may_be_trained_on(record) and record.is_owner and record.text.strip():
                    yield from document_rows(record, count_tokens, max_tokens)
        else:
            yield from _chat_rows(list(group), count_tokens, max_tokens)
    if split == "train":
        yield from rewrite_rows(conn)
    if identity:
        side = "train" if split == "train" else "held_out"
        for row in identity_rows(owner):
            if row["split"] == side:
                yield {key: value for key, value in row.items() if key != "split"}


def rewrite_rows(conn: sqlite3.Connection) -> Iterator[Row]:
    """Yield what the owner wrote in place of two answers, as far as it stands, ordered by pair.

    Pairs of the evaluation side and sealed ones are left out. All turns of an assistant are
    trained on, so a conversation has earlier ones only where they are the owner's own.
    """
    rewrites = [
        (pair, choice.rewrite.strip())
        for choice, pair in decisive_pairs(conn)
        if choice.outcome == "rewrite" and choice.actor == "owner" and choice.rewrite
    ]
    own = {prompt.id for prompt in iter_prompts(conn, source="asked")} if rewrites else set()
    for pair, text in rewrites:
        foreign = any(turn["role"] == "assistant" for turn in pair.messages)
        if text and pair.split == "train" and (pair.prompt_id in own or not foreign):
            messages = [*map(dict, pair.messages), _turn("assistant", text)]
            yield {"messages": messages, "source": REWRITE, "record_ids": []}


def document_rows(record: Record, count_tokens: CountTokens, max_tokens: int) -> Iterator[Row]:
    """Yield a document's titled piece and its continuations; joined they are the document."""
    title = _title(record)
    room = max_tokens - _FRAME - count_tokens(title) - _LONGEST_SENTENCE // 2
    chunks = cut_at_sentence_ends(record.text, count_tokens, max(room, max_tokens // 2))
    before = ""
    for chunk in chunks:
        prompt = (
            CONTINUATION_PROMPT.format(title=title, last_sentence=_last_sentence(before))
            if before
            else DOCUMENT_PROMPT.format(title=title)
        )
        yield _row([_turn("user", prompt), _turn("assistant", chunk)], [record])
        before = chunk


def cut_at_sentence_ends(text: str, count_tokens: CountTokens, most: int) -> list[str]:
    """Return the text in stretches of at most `most` tokens that, joined, are the text.

    A sentence that is longer by itself is cut between words, a word between letters.
    """
    stretches: list[str] = []
    current, length = "", 0
    for piece in _small_pieces(_SENTENCE.findall(text), count_tokens, most):
        tokens = count_tokens(piece)
        if current.strip() and length + tokens > most:
            stretches.append(current)
            current, length = "", 0
        current, length = current + piece, length + tokens
    if current.strip() or not stretches:
        return [*stretches, current]
    return [*stretches[:-1], stretches[-1] + current]


def _small_pieces(pieces: Iterable[str], count_tokens: CountTokens, most: int) -> Iterator[str]:
    for piece in pieces:
        if count_tokens(piece) <= most or len(piece) < 2:
            yield piece
            continue
        words = re.findall(r"\S+\s*|\s+", piece)
        middle = len(words) // 2
        if middle:
            halves = ["".join(words[:middle]), "".join(words[middle:])]
        else:
            halves = [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
        yield from _small_pieces(halves, count_tokens, most)


def _chat_rows(records: list[Record], count_tokens: CountTokens, most: int) -> Iterator[Row]:
    """Yield rows of one conversation: cut where a turn is missing, and where a row is full."""
    for unbroken, group in groupby(_numbered_stretches(records), key=lambda pair: pair[0]):
        if unbroken < 0:
            continue
        row: list[tuple[dict[str, str], list[Record]]] = []
        length = _FRAME
        for exchange in _exchanges([record for _, record in group]):
            tokens = sum(count_tokens(turn["content"]) + _FRAME // 2 for turn, _ in exchange)
            if row and length + tokens > most:
                yield _joined(row)
                row, length = [], _FRAME
            row, length = row + exchange, length + tokens
        if row:
            yield _joined(row)


def _numbered_stretches(records: list[Record]) -> Iterator[tuple[int, Record]]:
    """Yield records with the number of their unbroken stretch, -1 for those never trained on."""
    stretch = 0
    for record in records:
        if record.left_out == "superseded":
            continue  # What stands in its place is there too.
        if not _may_be_trained_on(record):
            stretch += 1
            yield -1, record
        else:
            yield stretch, record


def _exchanges(records: list[Record]) -> Iterator[list[tuple[dict[str, str], list[Record]]]]:
    """Yield [user turn, owner's turn]; what one side says in a row is one turn."""
    asked: tuple[dict[str, str], list[Record]] | None = None
    written = [record for record in records if record.text.strip()]
    for is_owner, group in groupby(written, key=lambda record: record.is_owner):
        said = list(group)
        text = "\n".join(record.text.strip() for record in said)
        if not is_owner:
            asked = (_turn("user", text), said)
        elif asked is not None:
            yield [asked, (_turn("assistant", text), said)]
            asked = None


def _joined(row: list[tuple[dict[str, str], list[Record]]]) -> Row:
    return _row([turn for turn, _ in row], [record for _, said in row for record in said])


def _row(messages: list[dict[str, str]], records: list[Record]) -> Row:
    ids = [record.id for record in records]
    return {"messages": messages, "source": records[0].source, "record_ids": ids}


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _may_be_trained_on(record: Record) -> bool:
    return record.left_out is None and record.level in TRAINED_LEVELS


def _title(record: Record) -> str:
    title = " ".join((record.title or "").split())
    if not title:
        title = " ".join(record.text.split()[:8]).rstrip(".,;:!?")
    return title[:_LONGEST_TITLE]


def _last_sentence(text: str) -> str:
    sentences = [found for found in _SENTENCE.findall(text) if found.strip()]
    return " ".join(sentences[-1].split())[-_LONGEST_SENTENCE:] if sentences else ""
