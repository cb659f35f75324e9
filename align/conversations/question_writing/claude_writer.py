"""Claude offers the questions that passages of open documents answer; the base weighs them.

Only open documents are shown to it, redacted as they are for training, and only through the gate.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, cast

from align.claude.budget import Budget
from align.claude.channel import Channel
from align.claude.replies import Reply
from align.claude.requests import Request, ask
from align.console import progress, say
from align.conversations.question_writing.questions_prompt import (
    SCHEMA,
    instructions,
    parse,
    read_questions_prompt,
    shown_passage,
)
from align.conversations.question_writing.weighing import Offer, best_questions, question_in
from align.conversations.questions.passage_questions import OpenPassage, open_passages
from align.conversations.questions.rules import candidates
from align.errors import UserError
from align.levels import may_be_sent
from align.owner import Owner
from align.privacy.redaction import redactor_for
from align.privacy.scope import Detector
from align.store.connection import transaction
from align.store.questions import add_questions

PURPOSE = "questions"
# Kinds of passages that are not sent.
TRAIN_ONLY, PRIVATE = "of train-only documents", "with words that must not leave"
# Sent, weighed and stored together: what a kill can lose of what was paid for.
BATCH = 16
# Fifteen words are some twenty tokens in English and thrice as many elsewhere.
_TOKENS_EACH, _TOKENS_MORE = 80, 60
_USUAL_EACH, _USUAL_MORE = 18, 10


@dataclass(frozen=True)
class PassageRequest:
    """A passage, its text as it is sent and trained on, and the request that asks about it."""

    open_passage: OpenPassage
    shown: str
    request: Request


@dataclass
class Outcome:
    """What became of the passages that were sent, counted."""

    kept: int = 0  # with a question now
    left_out: int = 0  # that answer none that was offered
    unasked: int = 0  # left out by the budget
    # Without a usable reply, by kind: a later run asks again.
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


class ClaudeWriter:
    """Writes questions with Claude, `drawn` for a passage at most."""

    def __init__(self, conn: sqlite3.Connection, owner: Owner, *, model: str, drawn: int) -> None:
        self._conn, self._owner, self._model, self._drawn = conn, owner, model, drawn
        self._prompt = read_questions_prompt()
        self._redactor = redactor_for(owner)
        # What Claude is sent before every passage.
        self.instructions = instructions(self._prompt, drawn)

    @property
    def name(self) -> str:
        """The name under which its questions are kept."""
        return f"claude:{self._model}"

    def requests(
        self, detector: Detector, limit: int | None = None
    ) -> tuple[list[PassageRequest], dict[str, int]]:
        """Return requests about open passages that may leave, and how many may not, by kind.

        With a limit the passages that stay are counted in any case.
        """
        requests, withheld = list[PassageRequest](), {TRAIN_ONLY: 0, PRIVATE: 0}
        for open_passage in open_passages(self._conn, self.name):
            if not may_be_sent(open_passage.record.level):
                withheld[TRAIN_ONLY] += 1
                continue
            shown = self._redactor.redact(open_passage.passage.text)
            if detector.match(shown) is not None:
                withheld[PRIVATE] += 1
            elif limit is None or len(requests) < limit:
                request = self._request(open_passage, shown)
                requests.append(PassageRequest(open_passage, shown, request))
        return requests, withheld

    async def write(
        self,
        base: Any,
        channel: Channel,
        requests: Sequence[PassageRequest],
        *,
        batch_size: int = BATCH,
    ) -> Outcome:
        """Send, weigh and store, a few passages at a time; what is stored is not sent again.

        The base is an `align.models.loaded_model.LoadedModel`, which weighs. Where the channel's
        budget is used up, the rest waits.

        Raises:
            UserError: The provider refuses the key, the account or the model, or fails again and
                again; what had come by then is stored.
        """
        outcome = Outcome()
        starts = range(0, len(requests), batch_size)
        for start in progress(starts, len(starts), "questions", unit=f"batches of {batch_size}"):
            batch = requests[start : start + batch_size]
            replies, stop = await _replies(channel, batch, outcome.problems)
            offers = [
                self._offer(sent, replies[sent.request.id])
                for sent in batch
                if sent.request.id in replies
            ]
            questions = list(best_questions(base, offers, self.name))
            with transaction(self._conn):
                add_questions(self._conn, questions)
            left_out = sum(question.left_out is not None for question in questions)
            outcome.left_out += left_out
            outcome.kept += len(questions) - left_out
            if stop is not None:
                raise stop
            if channel.budget.unasked:
                break
        done = outcome.kept + outcome.left_out + outcome.problems.total()
        outcome.unasked = len(requests) - done
        return outcome

    def _request(self, open_passage: OpenPassage, shown: str) -> Request:
        return ask(
            self._model,
            self.instructions,
            shown_passage(self._prompt, shown),
            SCHEMA,
            max_tokens=_TOKENS_EACH * self._drawn + _TOKENS_MORE,
            about=(open_passage.record.id,),
            # Much shorter than what any model caches.
            cached=False,
        )

    def _offer(self, sent: PassageRequest, reply: Sequence[str]) -> Offer:
        """Return the questions by rule and Claude's, as they would be trained on."""
        record, passage = sent.open_passage.record, sent.open_passage.passage
        by_rule = [
            self._redactor.redact(question, context=[passage.text])
            for question in candidates(record.title, passage, record.text, self._owner.language)
        ]
        by_claude = [q for text in reply[: self._drawn] if (q := question_in(text))]
        # A placeholder in a question would be taken for somebody else's: beside it, the value in
        # the passage would be given another one.
        as_trained = [
            question
            for question in (*by_rule, *by_claude)
            if self._redactor.redact_texts([question, passage.text]) == [question, sent.shown]
        ]
        return Offer.of(sent.open_passage, sent.shown, as_trained)


def usual_output(drawn: int) -> int:
    """Return about how many tokens a reply has."""
    return _USUAL_EACH * drawn + _USUAL_MORE


def withheld_lines(withheld: dict[str, int]) -> list[str]:
    """Return the line that says how many passages are not sent, if any."""
    kinds = [f"{_passages(count)} {kind}" for kind, count in withheld.items() if count]
    return [f"Not sent: {', '.join(kinds)}."] if kinds else []


def _passages(count: int) -> str:
    return "1 passage" if count == 1 else f"{count:,} passages"


async def _replies(
    channel: Channel, batch: Sequence[PassageRequest], problems: Counter[str]
) -> tuple[dict[str, list[str]], UserError | asyncio.CancelledError | None]:
    """Return the offered questions, by request, and what ended the sending early, if anything."""
    from align.claude.sending import send

    # Two passages of the same words are sent once.
    passages = Counter(sent.request.id for sent in batch)
    requests = {sent.request.id: sent.request for sent in batch}
    questions: dict[str, list[str]] = {}

    def report(text: str) -> None:
        # What the budget left out of one batch says little: the outcome says it of all.
        if not channel.budget.unasked:
            say(text)

    def take(reply: Reply) -> None:
        if reply.problem is None:
            questions[reply.request.id] = reply.value
        else:
            problems[reply.problem] += passages[reply.request.id]

    sending = send(replace(channel, say=report), requests.values(), parse=parse, late=take)
    try:
        async with aclosing(cast(Any, sending)) as replies:
            async for reply in replies:
                take(reply)
    except (UserError, asyncio.CancelledError) as error:
        # What is paid for is kept first.
        return questions, error
    return questions, None
