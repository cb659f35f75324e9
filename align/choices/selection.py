"""Which pair to ask next: pure orders that walk a pool of pairs, one pair at a time.

A pair's id is a hash of its content, so the ids in rising order, begun at a point that is drawn
from the seed and gone round once, are the pairs in random order. Such a walk reads only as far as
it is asked to, and stays the same whatever was answered meanwhile, on any machine, after any
restart.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from align.text.similarity import near_identical

NEAR = 0.9  # likeness from which two answers leave nothing to choose
PAIRS_A_PROMPT = 3  # a fourth pair of one prompt adds little to three

Flaw = Literal["empty", "near-identical"]


class Candidate(NamedTuple):
    """A pair that could be asked."""

    pair_id: str
    prompt_id: str  # the prompt that both answers reply to
    number: int = 0  # of the newer of the two checkpoints that answered: 2 for `002-dpo`
    empty: bool = False  # whether an answer has nothing but blanks
    likeness: float | None = None  # of the answers' words, 0 to 1; None where it is unknown

    @property
    def is_suspect(self) -> bool:
        """Whether only a look at the texts can tell if they are near-identical."""
        return not self.empty and (self.likeness is None or self.likeness >= NEAR)


class Pool(Protocol):
    """Where the pairs of one purpose are: a store, or a list."""

    def numbers(self) -> Sequence[int]:
        """Return the numbers of the checkpoints that have pairs, newest first."""
        ...

    def count(self, number: int | None) -> int:
        """Return how many pairs a checkpoint has, or all have, without those that are empty."""
        ...

    def walk(self, number: int | None, start: str) -> Iterator[Candidate]:
        """Yield the pairs of a checkpoint, or all, by rising id from `start` and round once."""
        ...

    def of_prompts(self, prompt_ids: Collection[str]) -> Iterable[Candidate]:
        """Yield all pairs of some prompts."""
        ...

    def near_identical(self, candidate: Candidate) -> bool:
        """Look at a suspect's texts and tell whether a reader would call them the same."""
        ...


@dataclass(frozen=True)
class Pick:
    """A pair in its place of the order."""

    pair_id: str
    # Of this pair being next, after those before it: one over the number of pairs that could have
    # had this place. Suspects count until their texts are compared.
    probability: float


def flaw_of(text: str, other: str, similarity: float | None) -> Flaw | None:
    """Return why a choice between two answers would teach nothing, or None where it would.

    A low `similarity` of their words, 0 to 1, where it was measured, saves comparing.
    """
    if not text.strip() or not other.strip():
        return "empty"
    if similarity is not None and similarity < NEAR:
        return None
    return "near-identical" if near_identical(text, other, NEAR) else None


def draw(seed: int, pair_id: str, what: str) -> float:
    """Return a number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.sha256(f"{seed}\0{pair_id}\0{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def left_side(seed: int, pair_id: str) -> str:
    """Return which answer of the pair stands left, `a` or `b`."""
    return "a" if draw(seed, pair_id, "left") < 0.5 else "b"


def checkpoint_number(name: str) -> int:
    """Return 2 for `002-dpo`, and 0 for what has no number, like `base`."""
    number = name.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def start_of(seed: int) -> str:
    """Return the id, or the place between ids, at which the seed's walk begins."""
    return f"{int(draw(seed, '', 'start') * 2**64):016x}"


@dataclass(frozen=True)
class QueueOrder:
    """An order in which pairs are asked."""

    newest_first: bool  # whether the newest checkpoint's pairs come before all others
    a_prompt: int | None  # how many pairs of one prompt are asked at most; None for all

    def picks(self, pool: Pool, seed: int, answered: Sequence[Candidate]) -> Iterator[Pick]:
        """Yield the pairs between whose answers one can choose.

        The seed decides the order; those that have an answer count among their prompt's pairs.
        """
        numbers = pool.numbers() if self.newest_first else [None]
        return _Walk(pool, seed, answered, self.a_prompt).picks(numbers)


class _Walk:
    """Goes through a pool's pairs and counts what could be asked at each place."""

    def __init__(
        self, pool: Pool, seed: int, answered: Sequence[Candidate], a_prompt: int | None
    ) -> None:
        self._pool, self._start, self._a_prompt = pool, start_of(seed), a_prompt
        self._asked = Counter(candidate.prompt_id for candidate in answered)
        # What no place can have any more, for any reason, and how many by checkpoint.
        self._out: set[str] = set()
        self._out_of: Counter[int] = Counter()
        for candidate in answered:
            self._leave_out(candidate)
        if a_prompt is not None:
            self._fill([prompt for prompt, n in self._asked.items() if n >= a_prompt])

    def picks(self, numbers: Iterable[int | None]) -> Iterator[Pick]:
        for number in numbers:
            everything = self._pool.count(number)
            for candidate in self._pool.walk(number, self._start):
                if candidate.empty or candidate.pair_id in self._out:
                    continue
                if candidate.is_suspect and self._pool.near_identical(candidate):
                    self._leave_out(candidate)
                    continue
                out = self._out_of.total() if number is None else self._out_of[number]
                # A pair that came after the counting makes no probability above 1.
                yield Pick(candidate.pair_id, 1 / max(1, everything - out))
                self._leave_out(candidate)
                self._asked[candidate.prompt_id] += 1
                if self._asked[candidate.prompt_id] == self._a_prompt:
                    self._fill([candidate.prompt_id])

    def _fill(self, prompts: list[str]) -> None:
        """Leave out the other pairs of prompts of which enough is asked."""
        if prompts:
            for candidate in self._pool.of_prompts(prompts):
                self._leave_out(candidate)

    def _leave_out(self, candidate: Candidate) -> None:
        if not candidate.empty and candidate.pair_id not in self._out:
            self._out.add(candidate.pair_id)
            self._out_of[candidate.number] += 1


ORDERS = {
    "fresh": QueueOrder(newest_first=True, a_prompt=PAIRS_A_PROMPT),
    "random": QueueOrder(newest_first=False, a_prompt=None),
}
