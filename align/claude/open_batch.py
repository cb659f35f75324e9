"""A batch under way: its requests, what is set aside for them, and what comes of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from align.claude.budget import Budget
from align.claude.estimates import worst_case
from align.claude.prices import Price, Usage, added
from align.claude.replies import Parse, Reply, read_reply
from align.claude.requests import Request
from align.store.batches import Batch

if TYPE_CHECKING:
    from align.claude.client import Passage

# What is wrong with a request stays wrong.
_FOR_GOOD = frozenset({"invalid_request_error", "not_found_error", "request_too_large"})


@dataclass
class OpenBatch:
    """A batch under way."""

    price: Price  # of its model
    budget: Budget  # holds what each of its requests may cost
    plan: Batch | None = None  # what is written down of it; None until it is
    id: str = ""  # the provider's
    # those without an entry so far, by id; of an earlier run's, the id and the note alone
    requests: dict[str, Request] = field(default_factory=dict)
    reserved: dict[str, float] = field(default_factory=dict)  # what each of this run's may cost
    usage: Usage | None = None  # of its entries
    cost: float = 0.0  # of its entries
    # answers of no use, by problem; what the provider failed at is none
    unused: Counter[str] = field(default_factory=Counter)

    def takes(self, request: Request, times: int) -> bool:
        """Take a request in if the budget holds it, and tell whether it does."""
        worst = worst_case(request, self.price, batch=True, times=times)
        if not self.budget.reserve(worst):
            return False
        self.requests[request.id], self.reserved[request.id] = request, worst
        return True

    def drop(self, requests: Sequence[Request]) -> Sequence[Request]:
        """Take requests out before they are sent, and return them."""
        for request in requests:
            self.budget.settle(self.reserved.pop(request.id), 0.0)
            del self.requests[request.id]
        return requests

    def read(self, entry: dict[str, Any], parse: Parse) -> tuple[Reply, bool] | None:
        """Return what an entry came to, and whether sending it again may help; None: none of ours.

        What it cost takes the place of what was set aside.
        """
        request = self.requests.pop(str(entry.get("custom_id")), None)
        if request is None:
            return None
        result = entry.get("result")
        result = result if isinstance(result, dict) else {}
        kind, error = result.get("type"), result.get("error")
        if kind == "succeeded":
            reply = read_reply(request, result.get("message"), parse, price=self.price, batch=True)
            if reply.problem is not None:
                self.unused[reply.problem] += 1
            self._settle(reply, reply.cost)
            return reply, True
        problem = kind if kind in ("canceled", "expired") else "errored"
        reply = Reply(request, None, problem)
        self._settle(reply, 0.0)
        inner = error.get("error") if isinstance(error, dict) else None
        error_type = inner.get("type") if isinstance(inner, dict) else None
        return reply, error_type not in _FOR_GOOD

    def rest(self, problem: str) -> Iterator[Reply]:
        """Yield a reply with a problem to each that has no entry; nobody says what it cost."""
        while self.requests:
            _, request = self.requests.popitem()
            reply = Reply(request, None, problem)
            self._settle(reply, None)
            yield reply

    def log(self, passage: "Passage") -> Batch:
        """Write down what it came to, and return its plan."""
        assert self.plan is not None
        passage.egress_log.settled(
            purpose=self.plan.purpose,
            host=self.plan.host,
            batch=self.id,
            model=self.plan.model,
            requests=len(self.plan.requests),
            **({**asdict(self.usage), "cost": self.cost} if self.usage is not None else {}),
        )
        return self.plan

    def _settle(self, reply: Reply, cost: float | None) -> None:
        self.budget.settle(self.reserved.pop(reply.request.id, 0.0), cost)
        self.usage, self.cost = added(self.usage, reply.usage), self.cost + (reply.cost or 0.0)
