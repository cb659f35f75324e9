"""The order in which pairs are asked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.selection import (
    PAIRS_A_PROMPT,
    POLICIES,
    Candidate,
    checkpoint_number,
    flaw_of,
    fresh,
    left_side,
    random_order,
)

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        pair_id=st.uuids().map(str),
        prompt_id=st.sampled_from(["p1", "p2", "p3"]),
        checkpoint=st.sampled_from(["001-sft", "002-dpo", "010-dpo", "base"]),
        flaw=st.sampled_from([None, None, "empty", "near-identical"]),
    ),
    max_size=40,
    unique_by=lambda c: c.pair_id,
)


@given(CANDIDATES, st.integers(0, 2**31))
def test_every_candidate_is_asked_once_or_left_out_with_a_count(candidates, seed):
    for order in (policy(candidates, seed, None) for policy in POLICIES.values()):
        assert len({pick.pair_id for pick in order.picks}) == len(order.picks)
        assert len(order.picks) + sum(order.left_out.values()) == len(candidates)
        assert all(0 < pick.probability <= 1 for pick in order.picks)


@given(
    CANDIDATES,
    st.integers(0, 2**31),
    st.dictionaries(st.sampled_from(["p1", "p2"]), st.integers(0, 5)),
)
def test_fresh_asks_newer_checkpoints_first_and_three_pairs_a_prompt(candidates, seed, answered):
    known = {c.pair_id: c for c in candidates}
    asked = [known[pick.pair_id] for pick in fresh(candidates, seed, answered).picks]
    ages = [checkpoint_number(c.checkpoint) for c in asked]
    assert ages == sorted(ages, reverse=True)
    for prompt, n in Counter(c.prompt_id for c in asked).items():
        assert n + answered.get(prompt, 0) <= PAIRS_A_PROMPT


@given(CANDIDATES, st.integers(0, 2**31))
def test_what_was_answered_does_not_change_the_order_of_the_rest(candidates, seed):
    order = [pick.pair_id for pick in random_order(candidates, seed).picks]
    rest = [c for c in candidates if c.pair_id not in order[:2]]
    assert [pick.pair_id for pick in random_order(rest, seed).picks] == order[2:]


def test_the_stored_probability_is_how_often_a_pair_comes_first():
    candidates = [Candidate(f"new{i}", f"p{i}", "002-dpo") for i in range(4)]
    candidates += [Candidate("old", "p9", "001-sft")]
    firsts = Counter(fresh(candidates, seed).picks[0].pair_id for seed in range(2000))
    assert set(firsts) == {"new0", "new1", "new2", "new3"}
    assert max(firsts.values()) < 600
    assert fresh(candidates, 0).picks[0].probability == pytest.approx(1 / 4)


def test_a_full_prompt_leaves_the_eligible():
    candidates = [Candidate(f"x{i}", "one prompt", "001-sft") for i in range(5)]
    assert [pick.probability for pick in fresh(candidates, 3).picks] == [1 / 5, 1 / 4, 1 / 3]
    assert fresh(candidates, 3).left_out == {"more than three of a prompt": 2}


def test_empty_and_near_identical_answers_are_left_out_with_a_count():
    flaws = ["empty", "empty", "near-identical"]
    candidates = [Candidate(f"x{i}", "p", "001-sft", flaw) for i, flaw in enumerate(flaws)]
    order = fresh(candidates, 0)
    assert order.picks == () and order.left_out == {"empty": 2, "near-identical": 1}


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


def test_sides_are_even_and_depend_on_the_seed_only():
    sides = Counter(left_side(7, f"pair{i}") for i in range(2000))
    assert 900 < sides["a"] < 1100
    assert left_side(7, "pair1") == left_side(7, "pair1")
