"""The demo's judge: its simulated owner with more noise than the owner has."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import ClassVar

from align.choices.verdicts import Certainty, Judgement, Winner
from align.demo.simulated_owner import SimulatedOwner
from align.errors import UserError
from align.judging.protocol import Keep, OwnerContext, Question, keep_nothing, verdict_on
from align.paths import relative_to_root
from align.store.verdicts import Verdict

# In the owner's deviations, and more than twice the owner's noise: one answer agrees with the
# owner's choice about three times in four, two that agree with each other almost nine in ten.
NOISE = 1.2
# Differences, noise included, from which the judge is as certain as that.
MEDIUM, HIGH = 0.7, 1.5
# Answers between two looks at what else is to be done, a Ctrl-C among it.
_IN_A_ROW = 16


class SimulatedJudge:
    """Judges as a simulated owner chooses, with a noise of its own and no owner context.

    `source` is the owner's file: another one is another judge. `noise` is a standard deviation, in
    the owner's own deviations.
    """

    name: ClassVar[str] = "simulated"

    def __init__(self, owner: SimulatedOwner, *, source: str, noise: float = NOISE) -> None:
        self._owner, self._noise = owner, noise
        self.model = f"owner-with-noise-{noise:g}"
        self.prompt_hash = _digest("simulated judge", source, noise, MEDIUM, HIGH)

    @classmethod
    def load(cls, path: Path | str, *, noise: float = NOISE) -> "SimulatedJudge":
        """Read a demo owner's `simulated.json`; UserError where it is none."""
        path = Path(path)
        where = relative_to_root(path)
        try:
            text = path.read_text("utf-8")
            return cls(SimulatedOwner.load(path), source=text, noise=noise)
        except FileNotFoundError:
            raise UserError(
                where,
                "only a demo owner has a simulated judge, and there is no such file",
                "Judge with --judge claude or --judge local",
            ) from None
        except (KeyError, TypeError, ValueError):
            raise UserError(where, "not a simulated owner's file", "Make the owner again") from None

    def briefing(self, context: OwnerContext) -> str:
        """Return the same for all: it reads no examples."""
        return "none"

    def request_id(self, question: Question) -> str:
        """Return a name for the question, without the owner context, which isn't read."""
        messages = [[m["role"], m["content"]] for m in question.comparison.messages]
        shown = question.comparison.shown(question.order)
        return _digest(self.model, self.prompt_hash, messages, shown)[:32]

    async def answers(
        self, questions: Iterable[Question], keep: Keep = keep_nothing
    ) -> AsyncGenerator[Verdict, None]:
        """Yield an answer to each question, in order; asked the same again, the same."""
        for at, question in enumerate(questions):
            if at % _IN_A_ROW == 0:
                await asyncio.sleep(0)
            yield verdict_on(self, question, self.judgement(question))

    def judgement(self, question: Question) -> Judgement:
        """Return the judgement of one question, which depends on no other."""
        prompt = question.comparison.messages[-1]["content"]
        first, second = (
            self._owner.value(prompt, text) for text in question.comparison.shown(question.order)
        )
        noise = random.Random(self.request_id(question)).gauss(0, self._noise)
        difference = first - second + self._owner.left_bias + noise
        if abs(difference) < self._owner.both_within:
            return Judgement("tie", "low")
        winner: Winner = "a" if (difference > 0) == (question.order == "ab") else "b"
        return Judgement(winner, _certainty(abs(difference)))


def _certainty(difference: float) -> Certainty:
    if difference >= HIGH:
        return "high"
    return "medium" if difference >= MEDIUM else "low"


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
