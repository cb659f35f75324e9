"""The owner's own texts, cut to the size of answers: what models are measured against."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from align.conversations.turns import may_stand, speaking_turns
from align.evaluation.voice_judge import PromptedText
from align.owner import Conversations
from align.store.records import Record
from align.text.similarity import words

# A paragraph shorter than SHORT joins the next; one longer than LONG is cut at a sentence's end.
SHORT, LONG = 20, 90
_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])\s+")

Message = dict[str, str]


@dataclass(frozen=True)
class OwnerTexts:
    """The owner's texts of one split."""

    # What the owner answered somebody, with the message before as the prompt.
    answers: tuple[PromptedText, ...] = ()
    pieces: tuple[PromptedText, ...] = ()  # documents, cut to the size of answers
    # The answers again, as whole conversations that end with the owner's turn.
    conversations: tuple[tuple[Message, ...], ...] = ()

    @property
    def all(self) -> tuple[PromptedText, ...]:
        """Return answers and pieces."""
        return self.answers + self.pieces

    @property
    def like_answers(self) -> tuple[str, ...]:
        """Return the texts that answers compare with: answers, or all where those are few."""
        texts = self.answers if len(self.answers) >= 30 else self.all
        return tuple(text.text for text in texts)


def texts_of_records(records: Iterable[Record], conversations_config: Conversations) -> OwnerTexts:
    """Return the owner's texts among records in the store's order, turn by turn.

    The records hold the left-out ones too: they cut conversations.
    """
    answers: list[PromptedText] = []
    pieces: list[PromptedText] = []
    conversations: list[tuple[Message, ...]] = []
    for (_, _, kind), group in groupby(records, key=lambda r: (r.thread, r.origin, r.kind)):
        thread = list(group)
        if kind == "document":
            for record in thread:
                if record.is_owner and may_stand(record) and record.left_out is None:
                    title = record.title or ""
                    pieces += [PromptedText(cut, title) for cut in cut_document(record.text)]
            continue
        before: list[Message] = []
        for turn in speaking_turns(thread, conversations_config):
            before = [] if turn.starts_anew else before
            role = "assistant" if turn.is_owner else "user"
            message = {"role": role, "content": turn.text}
            if turn.is_learned and before:
                answers.append(PromptedText(turn.text, before[-1]["content"]))
                conversations.append((*before, message))
            before.append(message)
    return OwnerTexts(tuple(answers), tuple(pieces), tuple(conversations))


def texts_of_conversations(conversations: Iterable[Sequence[Message]]) -> OwnerTexts:
    """Return the owner's texts of training conversations, which end with the owner's turn."""
    kept = [tuple(messages) for messages in conversations if len(messages) > 1]
    answers = [PromptedText(turns[-1]["content"], turns[-2]["content"]) for turns in kept]
    return OwnerTexts(tuple(answers), (), tuple(kept))


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
