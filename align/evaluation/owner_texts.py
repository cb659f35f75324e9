"""The owner's own writing, cut to the size of answers: what twins are measured against."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from align.conversations.turns import may_stand, speaking_turns
from align.evaluation.voice_judge import Written
from align.owner import Conversations
from align.store.records import Record
from align.text.similarity import words

# A paragraph shorter than SHORT joins the next; one longer than LONG is cut at a sentence's end.
SHORT, LONG = 20, 90
_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])\s+")

Message = dict[str, str]


@dataclass(frozen=True)
class Writing:
    """One side of the owner's writing.

    Attributes:
        answers: What the owner answered somebody, with what was said before.
        pieces: Documents, cut to the size of answers.
        conversations: The answers again, as whole conversations that end with the owner's turn.
    """

    answers: tuple[Written, ...] = ()
    pieces: tuple[Written, ...] = ()
    conversations: tuple[tuple[Message, ...], ...] = ()

    @property
    def all(self) -> tuple[Written, ...]:
        """Return answers and pieces."""
        return self.answers + self.pieces

    @property
    def like_answers(self) -> tuple[str, ...]:
        """Return what twins' answers compare with: answers, or pieces where those are few."""
        chosen = self.answers if len(self.answers) >= 30 else self.all
        return tuple(written.text for written in chosen)


def writing_of(records: Iterable[Record], settings: Conversations) -> Writing:
    """Return the owner's writing among records in the store's order, turn by turn.

    Args:
        records: By thread, origin and position, the left-out ones too: they cut conversations.
        settings: How messages become turns.
    """
    answers: list[Written] = []
    pieces: list[Written] = []
    conversations: list[tuple[Message, ...]] = []
    for (_, _, kind), group in groupby(records, key=lambda r: (r.thread, r.origin, r.kind)):
        found = list(group)
        if kind == "document":
            for record in found:
                if record.is_owner and may_stand(record) and record.left_out is None:
                    pieces += [
                        Written(cut, record.title or "") for cut in cut_document(record.text)
                    ]
            continue
        before: list[Message] = []
        for turn in speaking_turns(found, settings):
            before = [] if turn.starts_anew else before
            role = "assistant" if turn.is_owner else "user"
            message = {"role": role, "content": turn.text}
            if turn.is_learned and before:
                answers.append(Written(turn.text, before[-1]["content"]))
                conversations.append((*before, message))
            before.append(message)
    return Writing(tuple(answers), tuple(pieces), tuple(conversations))


def writing_of_conversations(conversations: Iterable[Sequence[Message]]) -> Writing:
    """Return the owner's writing among training conversations, which end with the owner's turn."""
    kept = [tuple(messages) for messages in conversations if len(messages) > 1]
    answers = [Written(each[-1]["content"], each[-2]["content"]) for each in kept]
    return Writing(tuple(answers), (), tuple(kept))


def cut_document(text: str) -> list[str]:
    """Return a document in pieces of an answer's size, cut at paragraphs and sentence ends."""
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        parts += _cut_paragraph(paragraph.strip())
    pieces: list[str] = []
    waiting = ""
    for part in parts:
        waiting = f"{waiting}\n\n{part}" if waiting else part
        if len(words(waiting)) >= SHORT:
            pieces.append(waiting)
            waiting = ""
    # What is left over is too short to judge alone.
    if waiting and pieces:
        pieces[-1] = f"{pieces[-1]}\n\n{waiting}"
    elif waiting:
        pieces.append(waiting)
    return pieces


def _cut_paragraph(paragraph: str) -> list[str]:
    if len(words(paragraph)) <= LONG:
        return [paragraph] if paragraph else []
    cuts: list[str] = []
    waiting: list[str] = []
    for sentence in _SENTENCE_END.split(paragraph):
        waiting.append(sentence)
        if sum(len(words(s)) for s in waiting) >= LONG // 2:
            cuts.append(" ".join(waiting))
            waiting = []
    if waiting:
        cuts.append(" ".join(waiting))
    return cuts


def texts(written: Sequence[Written]) -> list[str]:
    """Return the texts alone."""
    return [each.text for each in written]
