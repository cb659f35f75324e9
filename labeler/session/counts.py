"""How many pairs there are, and how many of them wait: counted once, then kept current."""

from align.choices.selection import Candidate, QueueOrder
from align.store.askable_pairs import AskablePairs
from labeler.session.current_choices import CurrentChoices


class Counts:
    """The figures of one purpose's pairs.

    Args:
        pool: The pairs.
        order: In which they are asked.
        choices: What the owner decided; it is read, and `touched` emptied.
    """

    def __init__(self, pool: AskablePairs, order: QueueOrder, choices: CurrentChoices) -> None:
        self._pool, self._a_prompt, self._choices = pool, order.a_prompt, choices
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
        """How many pairs there are."""
        if self._total is None:
            self._total = self._pool.total()
        return self._total

    def left(self) -> int:
        """Return how many pairs wait for an answer."""
        touched, looked_at = self._choices.touched, self._pool.looked_at
        if self._untouched is None:
            limit = self._a_prompt
            self._untouched = (
                self._pool.count(None) if limit is None else self._pool.open_places(limit)
            )
            touched.update(self._choices.prompts)
        if self._looked_at < len(looked_at):
            self._looked_at = len(looked_at)
            touched.update(pair.prompt_id for pair, is_near in looked_at.items() if is_near)
        while touched:
            self._count(touched.pop())
        return self._untouched - self._all_fewer

    def left_out(self) -> dict[str, int]:
        """Return how many pairs are not asked, by reason."""
        if self._empty is None:
            self._empty = self._pool.empty()
        answers = self._choices.answers
        empty = self._empty - sum(pair.empty for pair in self._choices.answered)
        near = sum(
            is_near and pair.pair_id not in answers
            for pair, is_near in self._pool.looked_at.items()
        )
        reasons = {
            "empty": empty,
            "near-identical": near,
            "more than three of a prompt": self.total - len(answers) - self.left() - empty - near,
        }
        return {reason: n for reason, n in reasons.items() if n > 0}

    def _count(self, prompt_id: str) -> None:
        if prompt_id not in self._pairs:
            candidates = self._pool.of_prompts([prompt_id])
            self._pairs[prompt_id] = [pair for pair in candidates if not pair.empty]
        pairs, looked_at = self._pairs[prompt_id], self._pool.looked_at
        waiting = sum(
            pair.pair_id not in self._choices.answers and not looked_at.get(pair, False)
            for pair in pairs
        )
        at_first, now = len(pairs), waiting
        if self._a_prompt is not None:
            at_first = min(self._a_prompt, at_first)
            now = min(max(0, self._a_prompt - self._choices.prompts[prompt_id]), now)
        fewer = at_first - now
        self._all_fewer += fewer - self._fewer.get(prompt_id, 0)
        self._fewer[prompt_id] = fewer
