"""How many pairs there are, and how many of them wait: counted once, then kept current."""

from align.choices.selection import Candidate, Policy
from align.store.asking import AskablePairs
from labeler.session.standing import Standing


class Counts:
    """The figures of one purpose's pairs.

    Args:
        pool: The pairs.
        policy: By which they are asked.
        standing: What the owner did; it is read, and `touched` emptied.
    """

    def __init__(self, pool: AskablePairs, policy: Policy, standing: Standing) -> None:
        self._pool, self._policy, self._standing = pool, policy, standing
        self.forget()

    def forget(self) -> None:
        """Count anew when next asked, as after pairs have come."""
        self._total: int | None = None
        self._empty: int | None = None
        self._untouched: int | None = None
        # Prompts that the owner or a look at texts has touched: their pairs, and how many fewer of
        # them wait.
        self._pairs: dict[str, list[Candidate]] = {}
        self._fewer: dict[str, int] = {}
        self._all_fewer = self._looked_at = 0

    @property
    def total(self) -> int:
        """Return how many pairs there are."""
        if self._total is None:
            self._total = self._pool.total()
        return self._total

    def left(self) -> int:
        """Return how many pairs wait for an answer."""
        touched = self._standing.touched
        if self._untouched is None:
            limit = self._policy.a_prompt
            self._untouched = (
                self._pool.count(None) if limit is None else self._pool.open_places(limit)
            )
            touched.update(self._standing.prompts)
        if self._looked_at < len(self._pool.looked_at):
            self._looked_at = len(self._pool.looked_at)
            touched.update(c.prompt_id for c, is_near in self._pool.looked_at.items() if is_near)
        while touched:
            self._count(touched.pop())
        return self._untouched - self._all_fewer

    def left_out(self) -> dict[str, int]:
        """Return how many pairs are not asked, by reason."""
        if self._empty is None:
            self._empty = self._pool.empty()
        empty = self._empty - sum(candidate.empty for candidate in self._standing.answered)
        near = sum(
            is_near and candidate.pair_id not in self._standing.answers
            for candidate, is_near in self._pool.looked_at.items()
        )
        asked = len(self._standing.answers) + self.left()
        reasons = {
            "empty": empty,
            "near-identical": near,
            "more than three of a prompt": self.total - asked - empty - near,
        }
        return {reason: n for reason, n in reasons.items() if n > 0}

    def _count(self, prompt_id: str) -> None:
        if prompt_id not in self._pairs:
            found = self._pool.of_prompts([prompt_id])
            self._pairs[prompt_id] = [pair for pair in found if not pair.empty]
        pairs, looked_at = self._pairs[prompt_id], self._pool.looked_at
        waiting = sum(
            pair.pair_id not in self._standing.answers and not looked_at.get(pair, False)
            for pair in pairs
        )
        limit = self._policy.a_prompt
        at_first, now = len(pairs), waiting
        if limit is not None:
            at_first = min(limit, at_first)
            now = min(max(0, limit - self._standing.prompts[prompt_id]), now)
        fewer = at_first - now
        self._all_fewer += fewer - self._fewer.get(prompt_id, 0)
        self._fewer[prompt_id] = fewer
