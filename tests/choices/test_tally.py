"""Tallies of acts, against counts made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.choices.tally import PAUSE_MS, DecisionRow, tally
from align.statistics import wilson
from labeler.progress import pace


def act(outcome: str = "a", ms: int | None = 2000, **changes: object) -> DecisionRow:
    values = {"left_is": "a", "longer": "b", "agrees": None, "time": "2026-01-01T00:00:00Z"}
    return DecisionRow(outcome, ms=ms, **{**values, **changes})  # type: ignore[arg-type]


def test_outcomes_are_counted_apart_and_a_skip_is_no_answer() -> None:
    counted = tally([act(o) for o in ("a", "b", "b", "both", "neither", "rewrite", "skip")])
    assert (counted.answered, counted.decisive, counted.skipped.n) == (6, 4, 1)
    assert counted.both == counted.neither == (1, 6)
    assert counted.both.value == pytest.approx(1 / 6)
    assert counted.skipped.value == pytest.approx(1 / 7)


def test_a_rate_is_of_all_the_time_that_was_spent() -> None:
    # Three winners in 2 + 2 + 2 + 6 seconds, the skip and the tie included: 15 a minute.
    counted = tally([act(), act(), act("skip"), act("both", 6000), act("b", None)])
    assert counted.decisive_per_minute == pytest.approx(2 / 12 * 60)
    assert counted.median_ms == 2000


def test_pauses_are_left_out_of_times_and_rates_but_not_of_counts() -> None:
    counted = tally([act(ms=3000), act(ms=PAUSE_MS + 1)])
    assert counted.decisive == 2
    assert counted.median_ms == 3000
    assert counted.decisive_per_minute == pytest.approx(20)
    assert pace([act(ms=3000), act(ms=PAUSE_MS + 1)]) == pytest.approx(20)


def test_pairs_that_came_back_count_as_agreement_only() -> None:
    counted = tally([act(), act("b", agrees=True), act("a", agrees=False), act("b", agrees=True)])
    assert counted.answered == counted.decisive == counted.lefts.of == counted.longers.of == 1
    assert counted.agreed == (2, 3)
    assert counted.agreed.interval == wilson(2, 3)
    assert counted.agreed.value == pytest.approx(2 / 3)
    # Eight seconds went into them all the same.
    assert counted.decisive_per_minute == pytest.approx(60 / 8)


def test_habits_are_shares_of_what_could_show_them() -> None:
    counted = tally(
        [act("a"), act("b"), act("b", left_is=None), act("a", longer=None), act("both"),
         act("rewrite")]
    )  # fmt: skip
    assert counted.lefts == counted.longers == (2, 3)
    assert counted.lefts.interval == counted.longers.interval == wilson(2, 3)


def test_unknown_is_none_and_never_zero() -> None:
    nothing = tally([])
    assert nothing.median_ms is nothing.decisive_per_minute is pace([]) is None
    assert nothing.agreed.interval is nothing.lefts.interval is nothing.longers.interval is None
    assert nothing.agreed.value is nothing.lefts.value is nothing.both.value is None
    assert nothing.skipped.value is None and nothing.words() == []
    assert tally([act(ms=None)]).decisive_per_minute is pace([act(ms=None)]) is None
    assert tally([act("both")]).decisive_per_minute == 0


def test_the_pace_is_of_the_newest_acts() -> None:
    acts = [*[act(ms=60_000)] * 50, *[act(ms=1000)] * 11, *[act(ms=50_000)] * 9]
    assert pace(acts) == pytest.approx(60)
    assert pace(acts, last=9) == pytest.approx(1.2)
    assert pace([act(ms=0)]) is None


OUTCOMES = st.sampled_from(["a", "b", "both", "neither", "rewrite", "skip"])


@given(st.lists(st.builds(act, OUTCOMES, st.none() | st.integers(0, 200_000),
                          agrees=st.none() | st.booleans(),
                          left_is=st.sampled_from(["a", "b", None]))))  # fmt: skip
def test_counts_add_up(acts: list[DecisionRow]) -> None:
    counted = tally(acts)
    assert counted.answered == counted.decisive + counted.both.n + counted.neither.n
    assert counted.answered + counted.skipped.n + counted.agreed.of == len(acts)
    rewritten = sum(act.outcome == "rewrite" and act.agrees is None for act in acts)
    assert counted.lefts.n <= counted.lefts.of <= counted.decisive - rewritten
    assert counted.agreed.n <= counted.agreed.of
