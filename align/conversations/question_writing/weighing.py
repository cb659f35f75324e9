"""Which of the questions that were offered makes a passage likeliest, if any does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from align.conversations.question_writing.waiting import Waiting
from align.conversations.questions.answered import LEAST_OVERLAP, overlap
from align.store.questions import Question
from align.text.printable import printable

# What a passage's likelihood is compared with: asked to write, without a word on what.
NEUTRAL = "Write something."
_LONGEST_QUESTION = 200
_MARKS = ("?", "\uff1f", "\u061f")


@dataclass(frozen=True)
class Offered:
    """Questions that a passage may answer.

    Attributes:
        waiting: The passage.
        text: Its text as it is weighed.
        questions: Those that it speaks of, none twice.
    """

    waiting: Waiting
    text: str
    questions: tuple[str, ...]

    @classmethod
    def of(cls, waiting: Waiting, text: str, questions: Iterable[str]) -> "Offered":
        """Offer those of the questions that the text speaks of."""
        spoken_of = (q for q in dict.fromkeys(questions) if overlap(q, text) >= LEAST_OVERLAP)
        return cls(waiting, text, tuple(spoken_of))


def weighed(twin: Any, batch: Sequence[Offered], writer: str) -> Iterator[Question]:
    """Yield a question for each passage: the best one, or why none is.

    Args:
        twin: An `align.models.loaded_model.LoadedModel`: the base that weighs.
        batch: What is weighed together.
        writer: The name under which the questions are kept.
    """
    from align.models.loaded_model import log_likelihood

    # Another document's question as well: some bases find anything likelier after a question.
    against = [[NEUTRAL, *_foreign(batch, at)] for at in range(len(batch))]
    asked = [
        (at, question)
        for at, each in enumerate(batch)
        for question in ([*against[at], *each.questions] if each.questions else [])
    ]
    rows = [
        [*prompt_of(question), {"role": "assistant", "content": batch[at].text}]
        for at, question in asked
    ]
    scores: dict[tuple[int, str], float] = {
        key: score.log_prob / max(score.tokens, 1)
        for key, score in zip(asked, log_likelihood(twin, rows, batch_size=8), strict=True)
    }
    for at, each in enumerate(batch):
        without = max((scores[at, q] for q in against[at] if each.questions), default=0.0)
        gains = [(scores[at, q] - without, q) for q in each.questions]
        yield _best(each, gains, writer)


def question_in(text: str) -> str | None:
    """Return the one question in what a model wrote; None where it wrote something else."""
    for line in printable(text).splitlines():
        line = line.strip().strip("\"'*").removeprefix("Question:").strip().strip("\"'*")
        if line.endswith(_MARKS) and len(line.split()) > 2 and len(line) <= _LONGEST_QUESTION:
            return line
    return None


def prompt_of(text: str) -> list[dict[str, str]]:
    """Return what a model is asked, as a conversation."""
    return [{"role": "user", "content": text}]


def _best(each: Offered, gains: Sequence[tuple[float, str]], writer: str) -> Question:
    # Of equals the first: rules go before draws.
    gain, question = max(gains, key=lambda one: one[0], default=(None, ""))
    if gain is None:
        reason: str | None = "no question speaks of it"
    else:
        reason = None if gain > 0 else "no likelier for being asked"
    passage = each.waiting.passage
    return Question.new(
        record_id=each.waiting.record.id,
        start=passage.start,
        stop=passage.stop,
        question=question,
        writer=writer,
        overlap=overlap(question, each.text),
        gain=gain,
        left_out=reason,
    )


def _foreign(batch: Sequence[Offered], at: int) -> list[str]:
    """Return a question of another document of which this passage does not speak, if any."""
    for other in batch:
        if other.waiting.record.id != batch[at].waiting.record.id:
            for question in other.questions:
                if not overlap(question, batch[at].text):
                    return [question]
    return []
