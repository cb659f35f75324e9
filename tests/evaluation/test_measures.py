"""Win rates, coherence, repetition and perplexity, against values worked out by hand."""

import math
from dataclasses import dataclass

import pytest

from align.evaluation.perplexity import TextLikelihoods, ratio
from align.evaluation.text_measures import on_topic, repetition, share
from align.evaluation.win_rates import (
    ScoredAnswer,
    agreement,
    prefer_longer,
    verdict,
    win_rate,
)
from align.statistics import wilson
from align.text.function_words import stem


def test_the_higher_score_wins_and_equal_scores_tie() -> None:
    assert verdict(ScoredAnswer(2, True), ScoredAnswer(1, True)) == 1
    assert verdict(ScoredAnswer(1, True), ScoredAnswer(2, True)) == 0
    assert verdict(ScoredAnswer(2, True), ScoredAnswer(2, True)) == 0.5


def test_an_answer_that_breaks_a_bound_never_wins_over_one_that_keeps_it() -> None:
    assert verdict(ScoredAnswer(9, False), ScoredAnswer(-9, True)) == 0
    assert verdict(ScoredAnswer(-9, True), ScoredAnswer(9, False)) == 1
    assert verdict(ScoredAnswer(9, False), ScoredAnswer(-9, False)) == 0.5


def test_ties_count_half_and_are_told_apart() -> None:
    won = win_rate([1, 1, 0.5, 0])
    assert (won.wins, won.ties, won.losses) == (2, 1, 1)
    assert won.rate == 2.5 / 4
    assert (won.low, won.high) == wilson(2.5, 4)


def test_more_seeds_are_no_more_prompts() -> None:
    once = win_rate([1] * 60 + [0] * 40)
    thrice = win_rate(([1] * 60 + [0] * 40) * 3, repeats=3)
    assert thrice == once


def test_no_prompts_give_no_rate() -> None:
    assert win_rate([]).rate is None
    assert win_rate([]).low is None


def test_prefer_the_longer_and_how_often_it_agrees() -> None:
    assert [prefer_longer(2, 1), prefer_longer(1, 2), prefer_longer(1, 1)] == [1, 0, 0.5]
    assert agreement([1, 0, 0.5, 1], [1, 1, 1, 0.5]) == (1, 2)


@pytest.mark.parametrize(
    ("prompt", "answer", "said"),
    [
        ("Do you like baking bread?", "I baked two loaves and burnt both.", True),
        ("What do you think of running?", "I ran out of breath. I run anyway.", True),
        ("Do you like baking bread?", "The sea was calm.", False),
        ("How are you?", "Fine.", None),
        ("What do you think?", "I think so.", None),
        ("Tell me about gardens", "", False),
    ],
)
def test_an_answer_is_on_topic_when_it_shares_a_content_word(
    prompt: str, answer: str, said: bool | None
) -> None:
    assert on_topic(prompt, answer) is said


def test_forms_of_a_word_meet() -> None:
    stems = {stem(word) for word in ("run", "runs", "running", "runner")}
    assert stems == {"run"}


def test_the_share_leaves_out_what_nothing_can_be_said_of() -> None:
    assert share([True, None, False]) == 0.5
    assert share([None]) is None


def test_repetition_by_hand() -> None:
    # a b c | b c a | c a b | a b c: one of four stood before.
    assert repetition("a b c a b c") == 0.25
    assert repetition("a b c d") == 0
    assert repetition("short") == 0
    assert repetition("") == 0


@dataclass(frozen=True)
class Scored:
    log_prob: float
    tokens: int


def test_perplexity_weighs_tokens_and_not_texts() -> None:
    # 3 tokens at 1/2 and 1 token at 1/4: exp((3 ln 2 + ln 4) / 4) = 2^(5/4).
    found = TextLikelihoods.of([Scored(-3 * math.log(2), 3), Scored(-math.log(4), 1)])
    assert found.perplexity == pytest.approx(2**1.25)
    assert TextLikelihoods.of([]).perplexity is None


def test_a_ratio_of_perplexities_comes_with_its_interval() -> None:
    before = TextLikelihoods((-2.0, -4.0, -6.0), (2, 4, 6))
    after = TextLikelihoods((-2.2, -4.4, -6.6), (2, 4, 6))
    found = ratio(before, after, seed=0)
    assert found is not None
    assert found[0] == pytest.approx(math.exp(0.1))
    assert found[1].low == pytest.approx(math.exp(0.1))
    with pytest.raises(ValueError, match="not the same texts"):
        ratio(before, TextLikelihoods((-1.0,), (1,)), seed=0)
