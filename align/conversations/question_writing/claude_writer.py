"""Claude offers the questions that passages of open documents answer; the base weighs them.

Only open documents are shown to it, redacted as they are for training, and only through the gate.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from align.claude.destination import OpenChannel
from align.claude.requests import Request, ask
from align.claude.spending import Budget
from align.console import progress, say
from align.conversations.question_writing.questions_prompt import SCHEMA, QuestionsPrompt, parse
from align.conversations.question_writing.waiting import Waiting, waiting
from align.conversations.question_writing.weighing import Offered, question_in, weighed
from align.conversations.questions.rules import candidates
from align.errors import UserError
from align.owner import Owner
from align.privacy.egress import Detector
from align.privacy.redaction import Redactor, redactor_for
from align.store.connection import transaction
from align.store.questions import Question, add_questions

PURPOSE = "questions"
# Sent, weighed and stored together: what a kill can lose of what was paid for.
BATCH = 16
# Fifteen words are some twenty tokens in English and thrice as many elsewhere.
_TOKENS_EACH, _TOKENS_MORE = 80, 60
_USUAL_EACH, _USUAL_MORE = 18, 10


@dataclass(frozen=True)
class Asked:
    """A passage, and what Claude is asked about it.

    Attributes:
        waiting: The passage.
        shown: Its text as it is sent and, if it is learned, trained on.
        request: What is sent.
    """

    waiting: Waiting
    shown: str
    request: Request


@dataclass
class Staying:
    """Passages that are not sent.

    Attributes:
        train_only: Of documents that may be trained on, and stay here.
        closed: Those that repeat writing that must not leave.
    """

    train_only: int = 0
    closed: int = 0

    def lines(self) -> list[str]:
        """Return what there is to say of them."""
        said = {
            "of train-only documents": self.train_only,
            "with words that must not leave": self.closed,
        }
        kinds = [f"{_passages(count)} {which}" for which, count in said.items() if count]
        return [f"Not sent: {', '.join(kinds)}."] if kinds else []


@dataclass
class Outcome:
    """What became of what was asked.

    Attributes:
        kept: Passages that have a question now.
        left_out: Passages that answer none that was offered.
        unasked: Passages that the budget left out.
        problems: Passages without a usable reply, by kind: a later run asks again.
    """

    kept: int = 0
    left_out: int = 0
    unasked: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def lines(self, budget: Budget) -> list[str]:
        """Return what it cost, and what waits for a later run."""
        lines = [f"It cost ${budget.spent:.4f}."]
        if budget.unsure:
            lines.append(f"Requests that broke off may have cost up to ${budget.unsure:.4f} more.")
        if self.problems:
            # Of equal counts by name: replies come in any order.
            counts = sorted(self.problems.items(), key=lambda item: (-item[1], item[0]))
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts)
            lines.append(f"Left for a later run: {_passages(self.problems.total())} ({kinds}).")
        if self.unasked:
            lines.append(f"The budget is used up: {_passages(self.unasked)} left for a later run.")
        return lines


@dataclass(frozen=True)
class ClaudeWriter:
    """Writes questions with Claude.

    Attributes:
        conn: The owner's store.
        settings: The owner's.
        model: Which Claude.
        drawn: Questions for a passage at most.
        prompt: What it is told.
        redactor: Replaces what is private, as for training.
    """

    conn: sqlite3.Connection
    settings: Owner
    model: str
    drawn: int
    prompt: QuestionsPrompt
    redactor: Redactor

    @classmethod
    def of(
        cls, conn: sqlite3.Connection, settings: Owner, *, model: str, drawn: int
    ) -> "ClaudeWriter":
        """Return the writer for an owner's documents, with the prompt of the recipes.

        Raises:
            UserError: The prompt's file is no such prompt.
        """
        prompt = QuestionsPrompt.read()
        return cls(conn, settings, model, drawn, prompt, redactor_for(settings))

    @property
    def name(self) -> str:
        """The name under which its questions are kept."""
        return f"claude:{self.model}"

    @property
    def told(self) -> str:
        """What it is told whatever the passage."""
        return self.prompt.shared(self.drawn)

    def asked(self, detector: Detector, limit: int | None = None) -> tuple[list[Asked], Staying]:
        """Return what is asked about the waiting passages that may leave, and how many may not.

        Args:
            detector: Finds what must not leave.
            limit: How many passages at most; those that stay are counted in any case.
        """
        found, staying = list[Asked](), Staying()
        for each in waiting(self.conn, self.name):
            if each.record.level != "open":
                staying.train_only += 1
                continue
            shown = self.redactor.redact(each.passage.text)
            if detector.match(shown) is not None:
                staying.closed += 1
            elif limit is None or len(found) < limit:
                found.append(Asked(each, shown, self._request(each, shown)))
        return found, staying

    async def write(
        self, twin: Any, line: OpenChannel, asked: Sequence[Asked], *, batch_size: int = BATCH
    ) -> Outcome:
        """Ask, weigh and store, a few passages at a time; what is stored is not asked again.

        Args:
            twin: An `align.models.loaded_model.LoadedModel`: the base that weighs.
            line: To Claude. Where its budget is used up, the rest waits.
            asked: From `asked`.
            batch_size: Passages that are sent, weighed and stored together.

        Raises:
            UserError: The provider refuses the key, the account or the model, or fails again and
                again; what had come by then is stored.
        """
        outcome = Outcome()
        starts = range(0, len(asked), batch_size)
        for start in progress(starts, len(starts), "questions", unit=f"batches of {batch_size}"):
            batch = asked[start : start + batch_size]
            offers, stop = await _offers(line, batch, outcome.problems)
            offered = [
                self._offered(each, offers[each.request.id])
                for each in batch
                if each.request.id in offers
            ]
            self._store(weighed(twin, offered, self.name), outcome)
            if stop is not None:
                raise stop
            if line.budget.unasked:
                break
        done = outcome.kept + outcome.left_out + outcome.problems.total()
        outcome.unasked = len(asked) - done
        return outcome

    def _request(self, each: Waiting, shown: str) -> Request:
        return ask(
            self.model,
            self.told,
            self.prompt.passage(shown),
            SCHEMA,
            max_tokens=_TOKENS_EACH * self.drawn + _TOKENS_MORE,
            about=(each.record.id,),
            # Much shorter than what any model caches.
            ttl=None,
        )

    def _offered(self, each: Asked, offers: Sequence[str]) -> Offered:
        """Return the questions by rule and Claude's, as they would be trained on."""
        record, passage = each.waiting.record, each.waiting.passage
        by_rule = [
            self.redactor.redact(question, context=[passage.text])
            for question in candidates(record.title, passage, record.text, self.settings.language)
        ]
        by_claude = [q for text in offers[: self.drawn] if (q := question_in(text))]
        # A placeholder in a question would be taken for somebody else's: beside it, the value in
        # the passage would be given another one.
        as_trained = [
            question
            for question in (*by_rule, *by_claude)
            if self.redactor.redact_texts([question, passage.text]) == [question, each.shown]
        ]
        return Offered.of(each.waiting, each.shown, as_trained)

    def _store(self, written: Iterable[Question], outcome: Outcome) -> None:
        questions = list(written)
        with transaction(self.conn):
            add_questions(self.conn, questions)
        left_out = sum(question.left_out is not None for question in questions)
        outcome.left_out += left_out
        outcome.kept += len(questions) - left_out


def usual_output(drawn: int) -> int:
    """Return about how many tokens a reply has, before any has shown it."""
    return _USUAL_EACH * drawn + _USUAL_MORE


def _passages(count: int) -> str:
    return "1 passage" if count == 1 else f"{count:,} passages"


async def _offers(
    line: OpenChannel, batch: Sequence[Asked], problems: Counter[str]
) -> tuple[dict[str, list[str]], UserError | None]:
    """Return what Claude offers, by request, and what ended the sending early, if anything."""
    from align.claude.sending import send

    # Two passages of the same words are asked about once.
    passages = Counter(each.request.id for each in batch)
    requests = {each.request.id: each.request for each in batch}
    offers: dict[str, list[str]] = {}

    def tell(text: str) -> None:
        # What the budget left out of one batch says little: the outcome says it of all.
        if not line.budget.unasked:
            say(text)

    sending = send(
        line.client,
        requests.values(),
        parse=parse,
        budget=line.budget,
        price=line.to.price,
        concurrency=len(requests),
        rate=line.to.rate,
        total=len(requests),
        progress=tell,
    )
    try:
        async with aclosing(cast(Any, sending)) as replies:
            async for reply in replies:
                if reply.problem is None:
                    offers[reply.request.id] = reply.value
                else:
                    problems[reply.problem] += passages[reply.request.id]
    except UserError as error:
        # What is paid for is kept first.
        return offers, error
    return offers, None
