"""The protocol of a judge: its questions and answers. It never learns who wrote what."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from align.choices.verdicts import Judgement, Side

Order = Literal["ab", "ba"]
ORDERS: tuple[Order, Order] = ("ab", "ba")
Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers to one prompt, redacted."""

    pair_id: str  # the pair in the store
    prompt_id: str  # what is held out together
    messages: tuple[Message, ...]  # the conversation up to the answer; the last turn is the user's
    text_a: str  # one answer
    text_b: str  # the other

    def shown(self, order: Order) -> tuple[str, str]:
        """Return the answers in the order in which they are shown."""
        return (self.text_a, self.text_b) if order == "ab" else (self.text_b, self.text_a)


@dataclass(frozen=True, slots=True)
class Example:
    """A comparison that the owner decided."""

    comparison: Comparison  # what the owner saw
    winner: Side  # the answer that sounds like the owner
    time: str  # when they chose it, in UTC
    first: Side = "a"  # the answer that a judge is shown first


@dataclass(frozen=True, slots=True)
class OwnerProfile:
    """Who the owner is, redacted, from owner.yaml."""

    name: str
    facts: tuple[tuple[str, str], ...] = ()
    rubric: str = ""


@dataclass(frozen=True)
class OwnerContext:
    """What many questions share: who the owner is, and examples of the owner's choices."""

    profile: OwnerProfile
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A comparison as it is put to a judge."""

    comparison: Comparison
    order: Order
    context: OwnerContext


@dataclass(frozen=True, slots=True)
class Answer:
    """A judge's answer to one question."""

    question: Question
    judgement: Judgement  # the winner in the pair's own terms, whatever the order; or the problem
    cost: float | None = None  # in USD, all tries together; None where it is not known
    tries: int = 1  # how often it was sent
    model: str | None = None  # which answered, in its own words; None where none is named


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """An answer to a question of an earlier run that this run does not have."""

    pair_id: str  # the pair
    order: Order  # in which its answers were shown
    prompt_hash: str  # of the judge as it was then
    request: str  # the question's name
    judgement: Judgement  # as in `Answer`
    cost: float | None  # as in `Answer`
    model: str | None = None  # as in `Answer`


class KeepAnswers(Protocol):
    """Makes the answers so far outlast this process."""

    def __call__(self, untaken: Sequence[Answer | LateAnswer] = ()) -> None:
        """Keep what was yielded, and these answers, which came and can't be yielded any more."""
        ...


def keep_nothing(untaken: Sequence[Answer | LateAnswer] = ()) -> None:
    """Keep nothing: for a judge whose answers can be had again."""


class Judge(Protocol):
    """Who answers questions."""

    @property
    def name(self) -> str:
        """Return `claude`, `local` or `simulated`."""
        ...

    @property
    def model(self) -> str:
        """Return which one."""
        ...

    @property
    def prompt_hash(self) -> str:
        """Return the hash of prompt and description of the owner: another is another judge."""
        ...

    def request_id(self, question: Question) -> str:
        """Return a name for the question, made from all that is shown."""
        ...

    def answers(
        self, questions: Iterable[Question], keep: KeepAnswers = ...
    ) -> AsyncGenerator[Answer | LateAnswer, None]:
        """Yield the answers as they come, in any order; takes the questions as it goes.

        `keep` is called before the judge relies on its answers being kept, and on the way out with
        those that it could not yield any more.
        """
        ...
