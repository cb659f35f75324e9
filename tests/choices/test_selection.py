"""The order in which pairs are asked."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.choices.selection import (
    ORDERS,
    PAIRS_A_PROMPT,
    Candidate,
    checkpoint_number,
    flaw_of,
    left_side,
)


class ListPool:
    """A pool of listed pairs; those named `near` have texts that nobody could choose between."""

    def __init__(self, candidates: Iterable[Candidate], near: Collection[str] = ()) -> None:
        self.candidates, self.near, self.walked = list(candidates), near, 0

    def numbers(self) -> Sequence[int]:
        return sorted({c.number for c in self.candidates}, reverse=True)

    def count(self, number: int | None) -> int:
        return sum(not c.empty for c in self._of(number))

    def walk(self, number: int | None, start: str) -> Iterator[Candidate]:
        for c in sorted(self._of(number), key=lambda c: (c.pair_id < start, c.pair_id)):
            self.walked += 1
            yield c

    def of_prompts(self, prompt_ids: Collection[str]) -> Iterator[Candidate]:
        return (c for c in self.candidates if c.prompt_id in prompt_ids)

    def near_identical(self, candidate: Candidate) -> bool:
        assert candidate.is_suspect
        return candidate.pair_id in self.near

    def _of(self, number: int | None) -> list[Candidate]:
        return [c for c in self.candidates if number in (None, c.number)]


def pairs(likeness: Sequence[float | None] = (0.2, 0.95, None)) -> st.SearchStrategy:
    return st.lists(
        st.builds(
            Candidate,
            pair_id=st.uuids().map(lambda id: id.hex[:16]),
            prompt_id=st.sampled_from(["p1", "p2", "p3", "p4"]),
            number=st.sampled_from([0, 1, 2, 10]),
            empty=st.sampled_from([False, False, False, True]),
            likeness=st.sampled_from(likeness),
        ),
        max_size=40,
        unique_by=lambda c: c.pair_id,
    )


FRESH = ORDERS["fresh"]
SEEDS = st.integers(0, 2**31)
SHARES = st.floats(0, 1)


def near_of(candidates: Sequence[Candidate]) -> set[str]:
    return {c.pair_id for c in candidates if c.is_suspect and c.pair_id < "8"}


@given(pairs(), SEEDS)
def test_every_pair_between_whose_answers_one_can_choose_is_asked_once(candidates, seed):
    near = near_of(candidates)
    order = [pick.pair_id for pick in ORDERS["random"].picks(ListPool(candidates, near), seed, [])]
    assert len(set(order)) == len(order)
    assert set(order) == {c.pair_id for c in candidates if not c.empty} - near


@given(pairs(), SEEDS, SHARES)
def test_fresh_asks_newer_checkpoints_first_and_three_pairs_a_prompt(candidates, seed, share):
    near = near_of(candidates)
    answered = candidates[: int(len(candidates) * share)]
    known = {c.pair_id: c for c in candidates}
    asked = [known[p.pair_id] for p in FRESH.picks(ListPool(candidates, near), seed, answered)]
    assert not set(asked) & set(answered)
    assert not any(c.empty or c.pair_id in near for c in asked)
    ages = [c.number for c in asked]
    assert ages == sorted(ages, reverse=True)
    places = Counter(c.prompt_id for c in answered)
    waiting = Counter(
        c.prompt_id
        for c in candidates
        if c not in answered and not c.empty and c.pair_id not in near
    )
    for prompt, n in waiting.items():
        free = max(0, PAIRS_A_PROMPT - places[prompt])
        assert sum(c.prompt_id == prompt for c in asked) == min(n, free)


@given(pairs([0.2]), SEEDS, SHARES)
def test_a_probability_is_one_over_what_could_have_been_asked(candidates, seed, share):
    answered = candidates[: int(len(candidates) * share)]
    known = {c.pair_id: c for c in candidates}
    gone, places = set(answered), Counter(c.prompt_id for c in answered)
    for pick in FRESH.picks(ListPool(candidates), seed, answered):
        could = [
            c
            for c in candidates
            if c not in gone and not c.empty and places[c.prompt_id] < PAIRS_A_PROMPT
        ]
        newest = max(c.number for c in could)
        assert pick.probability == 1 / sum(c.number == newest for c in could)
        gone.add(known[pick.pair_id])
        places[known[pick.pair_id].prompt_id] += 1


@pytest.mark.parametrize("order", ORDERS)
@given(candidates=pairs(), seed=SEEDS)
def test_what_was_answered_does_not_change_the_order_of_the_rest(order, candidates, seed):
    pool, picks = ListPool(candidates, near_of(candidates)), ORDERS[order].picks
    known = {c.pair_id: c for c in candidates}
    order = list(picks(pool, seed, []))
    answered = [known[pick.pair_id] for pick in order[:2]]
    assert list(picks(pool, seed, answered)) == order[2:]


def test_the_stored_probability_is_how_often_a_pair_comes_first():
    ids = random.Random(1)
    firsts: Counter[str] = Counter()
    for seed in range(2000):
        candidates = [Candidate(f"{ids.getrandbits(64):016x}", f"p{i}", 2) for i in range(4)]
        older = Candidate(f"{ids.getrandbits(64):016x}", "p9", 1)
        pick = next(FRESH.picks(ListPool([*candidates, older]), seed, []))
        assert pick.probability == 1 / 4
        firsts[next(c.prompt_id for c in candidates if c.pair_id == pick.pair_id)] += 1
    assert max(firsts.values()) < 600


def test_a_full_prompt_leaves_what_could_be_asked():
    candidates = [Candidate(f"x{i}", "one prompt", 1) for i in range(5)]
    picks = FRESH.picks(ListPool(candidates), 3, [])
    assert [pick.probability for pick in picks] == [1 / 5, 1 / 4, 1 / 3]


def test_a_suspect_counts_until_its_texts_were_looked_at():
    candidates = [Candidate(f"x{i}", f"p{i}", 1, False, None) for i in range(4)]
    picks = list(FRESH.picks(ListPool(candidates, near={"x1", "x2"}), 0, []))
    assert len(picks) == 2
    assert all(1 / 4 <= pick.probability <= 1 for pick in picks)


@pytest.mark.parametrize("order", ORDERS)
def test_a_walk_reads_no_further_than_it_is_asked(order):
    pool = ListPool(Candidate(f"{i:04x}", f"p{i}", 1) for i in range(1000))
    assert len(list(islice(ORDERS[order].picks(pool, 5, []), 20))) == 20
    assert pool.walked == 20


@pytest.mark.parametrize(
    ("text", "other", "similarity", "flaw"),
    [
        ("Yes.", " \n", None, "empty"),
        ("I went home.", "I went  home.", None, "near-identical"),
        ("I went home.", "I stayed where I was.", None, None),
        ("Yes. No. Maybe. So. Oh.", "yes... no... maybe... so... oh...", 1.0, None),
    ],
)
def test_a_flaw_is_what_leaves_nothing_to_choose(text, other, similarity, flaw):
    assert flaw_of(text, other, similarity) == flaw


@pytest.mark.parametrize(("name", "number"), [("002-dpo", 2), ("base", 0), ("010-sft", 10)])
def test_a_checkpoint_has_the_number_of_its_name(name, number):
    assert checkpoint_number(name) == number


def test_sides_are_even_and_depend_on_the_seed_only():
    sides = Counter(left_side(7, f"pair{i}") for i in range(2000))
    assert 900 < sides["a"] < 1100
    assert left_side(7, "pair1") == left_side(7, "pair1")
