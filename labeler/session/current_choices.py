"""The current choices: what the owner's acts come to, found at once by pair or by prompt."""

from collections import Counter
from collections.abc import Iterable

from align.choices.selection import Candidate
from labeler.session.acts import Decision, Mark


class CurrentChoices:
    """Counts the acts that stand.

    Attributes:
        decisions: Answers, skips and repeats, oldest first.
        labels: Of these, answers and rewrites.
        answers: Pair to its labels, oldest first; a pair without one is not in it.
        prompts: Prompt to how many of its pairs have an answer.
        came_back: Pair to how often it was asked again.
        marks: Pair to its marks, oldest first.
        pairs: The pairs that any act was about.
        touched: Prompts of which the answers changed; who counts them takes them out.
    """

    def __init__(self) -> None:
        self.prompts: Counter[str] = Counter()
        self.pairs: dict[str, Candidate] = {}
        self.touched: set[str] = set()
        self.read(())

    def read(self, acts: Iterable[Decision | Mark]) -> None:
        """Begin anew with the acts that stand; the pairs of them are known already."""
        self.touched.update(self.prompts)
        self.decisions: list[Decision] = []
        self.labels: list[Decision] = []
        self.answers: dict[str, list[Decision]] = {}
        self.prompts.clear()
        self.came_back: Counter[str] = Counter()
        self.marks: dict[str, list[Mark]] = {}
        for act in acts:
            self.add(act)

    @property
    def answered(self) -> list[Candidate]:
        """The pairs that have an answer."""
        return [self.pairs[pair_id] for pair_id in self.answers]

    def skipped(self) -> list[Decision]:
        """Return the last skip of each pair without an answer, oldest first."""
        last: dict[str, Decision] = {}
        for skip in self.decisions:
            if skip.kind == "skip" and skip.repeat_of is None and skip.pair_id not in self.answers:
                last.pop(skip.pair_id, None)
                last[skip.pair_id] = skip
        return list(last.values())

    def is_private(self, pair_id: str) -> bool:
        """Tell whether the owner called a pair private."""
        return any(mark.kind == "private" for mark in self.marks.get(pair_id, ()))

    def add(self, act: Decision | Mark) -> None:
        """Let an act stand; the pair of it is known already."""
        if isinstance(act, Mark):
            self.marks.setdefault(act.pair_id, []).append(act)
            return
        self.decisions.append(act)
        if act.is_answer:
            answers = self.answers.setdefault(act.pair_id, [])
            answers.append(act)
            self.labels.append(act)
            self._count(act.pair_id, len(answers) == 1)
        elif act.repeat_of is not None:
            self.came_back[act.pair_id] += 1

    def remove(self, act: Decision | Mark) -> None:
        """Let an act stand no more: any mark, or the last decision."""
        if isinstance(act, Mark):
            self.marks[act.pair_id].remove(act)
            return
        self.decisions.pop()
        if act.is_answer:
            self.labels.pop()
            answers = self.answers[act.pair_id]
            answers.pop()
            if not answers:
                del self.answers[act.pair_id]
                self._count(act.pair_id, -1)
        elif act.repeat_of is not None:
            self.came_back[act.pair_id] -= 1

    def _count(self, pair_id: str, more: int) -> None:
        prompt_id = self.pairs[pair_id].prompt_id
        self.prompts[prompt_id] += more
        self.touched.add(prompt_id)
