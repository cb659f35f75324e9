"""Which of the offered questions makes a passage likeliest, if any does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from align.conversations.questions.passage_questions import OpenPassage
from align.conversations.questions.rules import LEAST_OVERLAP, overlap
from align.store.questions import Question
from align.text.printable import printable

# What a passage's likelihood is compared with: a request to write, without a word on what.
NEUTRAL = "Write something."
_LONGEST_QUESTION = 200
_MARKS = ("?", "\uff1f", "\u061f")


@dataclass(frozen=True)
class Offer:
    """Questions that a passage may answer."""

    open_passage: OpenPassage
    text: str  # as it is weighed
    questions: tuple[str, ...]  # those that the text speaks of, none twice

    @classmethod
    def of(cls, open_passage: OpenPassage, text: str, questions: Iterable[str]) -> "Offer":
        """Offer those of the questions that the text speaks of."""
        spoken_of = (q for q in dict.fromkeys(questions) if overlap(q, text) >= LEAST_OVERLAP)
        return cls(open_passage, text, tuple(spoken_of))


def best_questions(base: Any, offers: Sequence[Offer], writer: str) -> Iterator[Question]:
    """Yield a question for each passage: the best one by the base's weighing, or why none is."""
    from align.models.loaded_model import log_likelihood

    # Another document's question as well: some bases find anything likelier after a question.
    against = [[NEUTRAL, *_foreign(offers, at)] for at in range(len(offers))]
    keys = [
        (at, question)
        for at, offer in enumerate(offers)
        for question in ([*against[at], *offer.questions] if offer.questions else [])
    ]
    rows = [
        [{"role": "user", "content": question}, {"role": "assistant", "content": offers[at].text}]
        for at, question in keys
    ]
    scores: dict[tuple[int, str], float] = {
        key: score.log_prob / max(score.tokens, 1)
        for key, score in zip(keys, log_likelihood(base, rows, batch_size=8), strict=True)
    }
    for at, offer in enumerate(offers):
        without = max((scores[at, q] for q in against[at] if offer.questions), default=0.0)
        gains = [(scores[at, q] - without, q) for q in offer.questions]
        yield _best(offer, gains, writer)


def question_in(text: str) -> str | None:
    """Return the one question in what a model wrote; None where it wrote something else."""
    for line in printable(text).splitlines():
        line = line.strip().strip("\"'*").removeprefix("Question:").strip().strip("\"'*")
        if line.endswith(_MARKS) and len(line.split()) > 2 and len(line) <= _LONGEST_QUESTION:
            return line
    return None


def _best(offer: Offer, gains: Sequence[tuple[float, str]], writer: str) -> Question:
    # Of equals the first: rules go before draws.
    gain, question = max(gains, key=lambda item: item[0], default=(None, ""))
    if gain is None:
        reason: str | None = "no question speaks of it"
    else:
        reason = None if gain > 0 else "no likelier for being asked"
    return Question(
        record_id=offer.open_passage.record.id,
        start=offer.open_passage.passage.start,
        stop=offer.open_passage.passage.stop,
        question=question,
        writer=writer,
        overlap=overlap(question, offer.text),
        gain=gain,
        left_out=reason,
    )


def _foreign(offers: Sequence[Offer], at: int) -> list[str]:
    """Return a question of another document of which this passage does not speak, if any."""
    for other in offers:
        if other.open_passage.record.id != offers[at].open_passage.record.id:
            for question in other.questions:
                if not overlap(question, offers[at].text):
                    return [question]
    return []
