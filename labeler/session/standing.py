"""What stands of the owner's acts, found at once by pair or by prompt."""

from collections import Counter
from typing import NamedTuple, TypeVar

from align.choices.selection import Candidate
from labeler.session.history import Done, Log, Mark, SwitchedOff

_Act = TypeVar("_Act", Done, Mark)


class Place(NamedTuple):
    """Where an act stands among all, among the labels, and among those of its pair."""

    done: int | None = None
    labels: int | None = None
    among: int | None = None


LAST = Place()


class Standing:
    """Counts what stands; `add` and `remove` are each other's opposite.

    Args:
        log: What was done so far.

    Attributes:
        done: Answers, skips and repeats, oldest first.
        labels: Of these, answers and rewrites.
        answers: Pair to its labels, oldest first; a pair without one is not in it.
        prompts: Prompt to how many of its pairs have an answer.
        came_back: Pair to how often it was asked again.
        marks: Pair to what else was said of it, oldest first.
        pairs: The pairs that any act was about.
        touched: Prompts of which the answers changed; who counts them takes them out.
    """

    def __init__(self, log: Log) -> None:
        self.prompts: Counter[str] = Counter()
        self.pairs: dict[str, Candidate] = {}
        self.touched: set[str] = set()
        self.read(log)

    def read(self, log: Log) -> None:
        """Begin anew with a log."""
        self.touched.update(self.prompts)
        self.pairs.update(log.pairs)
        self.done: list[Done] = []
        self.labels: list[Done] = []
        self.answers: dict[str, list[Done]] = {}
        self.prompts.clear()
        self.came_back: Counter[str] = Counter()
        self.marks: dict[str, list[Mark]] = {}
        for act in log.acts:
            if act.id not in log.off and not isinstance(act, SwitchedOff):
                self.add(act)

    @property
    def answered(self) -> list[Candidate]:
        """Return the pairs that have an answer."""
        return [self.pairs[pair_id] for pair_id in self.answers]

    def skipped(self) -> list[Done]:
        """Return the last skip of each pair without an answer, oldest first."""
        last: dict[str, Done] = {}
        for done in self.done:
            if done.kind == "skip" and done.repeat_of is None and done.pair_id not in self.answers:
                last.pop(done.pair_id, None)
                last[done.pair_id] = done
        return list(last.values())

    def is_private(self, pair_id: str) -> bool:
        """Tell whether the owner called a pair private."""
        return any(mark.kind == "private" for mark in self.marks.get(pair_id, ()))

    def add(self, act: Done | Mark, place: Place = LAST) -> None:
        """Let an act stand; the pair of it is known already."""
        if isinstance(act, Mark):
            _insert(self.marks.setdefault(act.pair_id, []), act, place.among)
            return
        _insert(self.done, act, place.done)
        if act.is_answer:
            answers = self.answers.setdefault(act.pair_id, [])
            _insert(answers, act, place.among)
            _insert(self.labels, act, place.labels)
            self._count(act.pair_id, len(answers) == 1)
        elif act.repeat_of is not None:
            self.came_back[act.pair_id] += 1

    def remove(self, act: Done | Mark) -> Place:
        """Let an act stand no more, and return where it was."""
        if isinstance(act, Mark):
            return Place(among=_remove(self.marks[act.pair_id], act))
        place = Place(_remove(self.done, act))
        if act.is_answer:
            answers = self.answers[act.pair_id]
            place = Place(place.done, _remove(self.labels, act), _remove(answers, act))
            if not answers:
                del self.answers[act.pair_id]
                self._count(act.pair_id, -1)
        elif act.repeat_of is not None:
            self.came_back[act.pair_id] -= 1
        return place

    def _count(self, pair_id: str, more: int) -> None:
        prompt_id = self.pairs[pair_id].prompt_id
        self.prompts[prompt_id] += more
        self.touched.add(prompt_id)


def _insert(acts: list[_Act], act: _Act, place: int | None) -> None:
    acts.insert(len(acts) if place is None else place, act)


def _remove(acts: list[_Act], act: _Act) -> int:
    """Remove from the end, where it nearly always is; return where it was."""
    place = next(place for place in range(len(acts) - 1, -1, -1) if acts[place] == act)
    del acts[place]
    return place
