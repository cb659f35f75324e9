"""Claude as a judge: questions become requests, replies become answers."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import chain
from typing import Any, ClassVar

from align.choices.verdicts import Judgement
from align.claude.channel import Channel
from align.claude.estimates import Estimate, estimate
from align.claude.prices import Price, Usage, added
from align.claude.replies import Reply
from align.claude.requests import Request, ask
from align.judging.judge_prompt import SCHEMA, JudgePrompt, parse
from align.judging.owner_context import EXAMPLES
from align.judging.protocol import (
    ORDERS,
    Comparison,
    Keep,
    OwnerContext,
    OwnerProfile,
    Question,
    keep_nothing,
    verdict_on,
)
from align.store.events import utc_time
from align.store.verdicts import Order, Verdict

PURPOSE = "judge"
# Two notes of 25 words and a verdict are some 150; a longer reply is requested again with more.
MAX_TOKENS = 400
# A question gets its id before it is sent and when its answer is kept, mostly that many apart.
_RECENT = 2_048


class ClaudeJudge:
    """Judges by the Claude API, message by message or in batches (None: by what that saves).

    Without a channel requests are made and none is sent. `usage` are the tokens of all replies.
    """

    name: ClassVar[str] = "claude"

    def __init__(
        self,
        model: str,
        prompt: JudgePrompt,
        profile: OwnerProfile,
        *,
        examples: int = EXAMPLES,
        channel: Channel | None = None,
        batch: bool | None = None,
    ) -> None:
        self.model, self._prompt, self._channel, self._batch = model, prompt, channel, batch
        self.prompt_hash = prompt.hash_for(profile, examples)
        self.usage: Usage | None = None
        # By the context's id, which holds as long as the context, kept beside, lives.
        self._shared: dict[int, tuple[OwnerContext, str]] = {}
        self._recent: dict[tuple[int, str, Order], tuple[Comparison, Request]] = {}

    def request(self, question: Question) -> Request:
        """Return what is sent for a question."""
        comparison, context = question.comparison, question.context
        key = (id(context), comparison.pair_id, question.order)
        known = self._recent.get(key)
        if known is not None and known[0] is comparison:
            return known[1]
        request = ask(
            self.model,
            self._shared_part(context),
            self._prompt.question(question),
            SCHEMA,
            max_tokens=MAX_TOKENS,
            about=(comparison.pair_id,),
            note=" ".join((comparison.pair_id, question.order, self.prompt_hash, context.briefing)),
        )
        self._recent[key] = (comparison, request)
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
        return request

    def briefing(self, context: OwnerContext) -> str:
        """Return a name for the examples that it is shown."""
        return context.briefing

    def request_id(self, question: Question) -> str:
        """Return the id of the request, which is made of all that decides the answer."""
        return self.request(question).id

    async def answers(
        self, questions: Iterable[Question], keep: Keep = keep_nothing
    ) -> AsyncGenerator[Verdict, None]:
        """Yield the answers as they come; UserError where key, account or model are refused."""
        from align.claude.batches import send_batches
        from align.claude.sending import send

        # Those without an answer yet, by request; of two pairs with the same words both.
        waiting: dict[str, list[Question]] = {}
        channel = self._open_channel()
        batch, requests = self._batch, self._requests(questions, waiting)
        if batch is None:
            batch, requests = _is_worth_a_batch(requests, channel.price)

        def late(reply: Reply) -> None:
            keep(list(self._answers_to(reply, waiting)))

        way = send_batches if batch else send
        sending = way(channel, requests, parse=_parsed, keep=keep, late=late)
        async with aclosing(sending) as replies:
            async for reply in replies:
                for answer in self._answers_to(reply, waiting):
                    yield answer

    async def take_up(self, keep: Keep, *, cancel: bool = False) -> None:
        """Keep what batches of an earlier run bring, once they end; or `cancel` them first."""
        from align.claude.batches import left_behind

        late: list[Verdict] = []

        def keep_late() -> None:
            keep(late)
            late.clear()

        left = left_behind(self._open_channel(), parse=_parsed, keep=keep_late, cancel=cancel)
        async with aclosing(left) as replies:
            async for reply in replies:
                late += self._late(reply)

    def _open_channel(self) -> Channel:
        if self._channel is None:
            raise ValueError("a judge without a channel to Claude answers nothing")
        return self._channel

    def _requests(
        self, questions: Iterable[Question], waiting: dict[str, list[Question]]
    ) -> Iterator[Request]:
        for question in questions:
            request = self.request(question)
            known = waiting.setdefault(request.id, [])
            known.append(question)
            if len(known) == 1:
                yield request

    def _answers_to(self, reply: Reply, waiting: dict[str, list[Question]]) -> Iterator[Verdict]:
        """Yield the answers to all questions of a request; the first one bears the cost."""
        self.usage = added(self.usage, reply.usage)
        # What was never sent cost nothing; else no word on the cost is no zero.
        cost, answered = 0.0 if reply.tries == 0 else reply.cost, reply.model or ""
        for question in waiting.pop(reply.request.id):
            judgement = _judgement(reply, question.order)
            yield verdict_on(self, question, judgement, cost=cost, answered=answered)
            cost = 0.0

    def _late(self, reply: Reply) -> list[Verdict]:
        """Return what an earlier run's batch brought to a question that this run does not have."""
        pair, order, prompt_hash, briefing = (*reply.request.note.split(" "), "", "", "")[:4]
        if order not in ORDERS or not prompt_hash:
            return []
        shown = ORDERS[ORDERS.index(order)]
        verdict = Verdict(
            pair_id=pair, judge=self.name, model=self.model, order=shown, prompt_hash=prompt_hash,
            request=reply.request.id, cost=reply.cost, time=utc_time(datetime.now(UTC)),
            briefing=briefing, answered=reply.model or "", **_judgement(reply, shown)._asdict(),
        )  # fmt: skip
        return [verdict]

    def _shared_part(self, context: OwnerContext) -> str:
        if id(context) not in self._shared:
            self._shared[id(context)] = (context, self._prompt.shared(context))
        return self._shared[id(context)][1]


def _is_worth_a_batch(requests: Iterator[Request], price: Price) -> tuple[bool, Iterator[Request]]:
    """Tell whether enough is saved in batches; takes no more requests than tell that."""
    first, cost = list[Request](), Estimate()
    for request in requests:
        first.append(request)
        cost += estimate([request], price=price)
        if cost.worth_a_batch(price):
            return True, chain(first, requests)
    return False, iter(first)


def _parsed(text: str) -> Any:
    """Return winner and certainty as if A were the pair's own first answer."""
    return parse(text, "ab")


def _judgement(reply: Reply, order: Order) -> Judgement:
    if reply.problem is not None:
        return Judgement(None, None, reply.problem)
    shown = Judgement(*reply.value)
    return shown if order == "ab" else shown.turned()
