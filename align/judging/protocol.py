"""The protocol of a judge: its questions and answers. It never learns who wrote what."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar, Protocol

from align.choices.verdicts import Judgement, Side
from align.store.events import utc_time
from align.store.ids import canonical_json, content_id
from align.store.verdicts import Order, Verdict

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
    winner: Side | None  # the answer that sounds like the owner; None where both do, or neither
    time: str  # when they chose it, in UTC
    first: Side = "a"  # the answer that a judge is shown first
    drawn_by: str = ""  # what drew the answers, as `align.store.pairs.drawn_by` has it
    is_imported: bool = False  # whether it was chosen elsewhere


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

    @cached_property
    def briefing(self) -> str:
        """Name the examples as they are shown: with others, a judge is measured anew."""
        shown = [
            (each.comparison.messages, each.comparison.text_a, each.comparison.text_b, each.winner,
             each.first)
            for each in self.examples
        ]  # fmt: skip
        return content_id(canonical_json(shown))


@dataclass(frozen=True, slots=True)
class Question:
    """A comparison as it is put to a judge."""

    comparison: Comparison
    order: Order
    context: OwnerContext


# Makes outlast this process what was yielded, and the verdicts it is given, if any, which can't be:
# they came too late, or unasked.
Keep = Callable[..., None]


def keep_nothing(untaken: Sequence[Verdict] = ()) -> None:
    """Keep nothing: for a judge whose answers can be had again."""


class Judge(Protocol):
    """Who answers questions."""

    name: ClassVar[str]  # `claude`, `local` or `simulated`
    model: str  # which one
    prompt_hash: str  # of prompt and description of the owner: another is another judge

    def briefing(self, context: OwnerContext) -> str:
        """Return a name for what of a context it is shown."""
        ...

    def request_id(self, question: Question) -> str:
        """Return a name for the question, made from all that is shown."""
        ...

    def answers(
        self, questions: Iterable[Question], keep: Keep = ...
    ) -> AsyncGenerator[Verdict, None]:
        """Yield the answers as they come, in any order; takes the questions as it goes."""
        ...


def verdict_on(
    judge: Judge,
    question: Question,
    judgement: Judgement,
    *,
    cost: float | None = 0.0,
    answered: str = "",
) -> Verdict:
    """Return a judgement of a question as it is stored."""
    return Verdict(
        pair_id=question.comparison.pair_id,
        judge=judge.name,
        model=judge.model,
        order=question.order,
        prompt_hash=judge.prompt_hash,
        request=judge.request_id(question),
        **judgement._asdict(),
        cost=cost,
        time=utc_time(datetime.now(UTC)),
        briefing=judge.briefing(question.context),
        answered=answered,
    )
