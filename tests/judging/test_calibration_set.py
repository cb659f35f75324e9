"""Which choices a judge may see, which of them teach it, and which it is held to."""

import sqlite3
from collections import Counter
from dataclasses import replace

import pytest

from align.choices.verdicts import Side
from align.errors import UserError
from align.judging.calibration import FOLDS, fold_of
from align.judging.calibration_set import (
    CalibrationSet,
    check_enough,
    digest,
    load_calibration_set,
)
from align.judging.eligibility import CLOSED, Eligibility
from align.judging.gate import MINIMUM
from align.levels import SENDABLE, TRAINABLE
from align.preferences.preference import side_of
from align.privacy.redaction import Redactor
from align.recipe.recipe_keys import DEFAULTS
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.pairs import get_pair
from align.store.row_counts import pairs_by_level, sources_behind
from tests.judging.questions import OWNER, example
from tests.store.rows import add_pair, append_event, record


class Closed:
    """One word is private."""

    def match(self, text: str) -> object | None:
        return "found" if "xyzzy" in text else None

    def refresh(self) -> None:
        pass


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def choose(conn: sqlite3.Connection, pair: str, outcome: str, actor: str = "owner") -> None:
    append_event(
        conn, kind="choice", actor=actor, pair_id=pair,  # type: ignore[arg-type]
        payload={"outcome": outcome},
    )  # fmt: skip


def admitted(conn: sqlite3.Connection, eligibility: Eligibility, pair: str) -> bool:
    eligible = get_pair(conn, pair)
    assert eligible is not None
    return eligibility.comparison(eligible) is not None


def test_a_pair_is_seen_redacted_with_its_prompt(conn: sqlite3.Connection) -> None:
    pair = get_pair(conn, add_pair(conn, "Who is ann@mail.org?", ("Me: ann@mail.org.", "Nobody.")))
    assert pair is not None
    seen = Eligibility(Redactor(), SENDABLE).comparison(pair)
    assert seen is not None
    asked, said = seen.messages[0]["content"], seen.text_a
    assert "ann@mail.org" not in asked + said
    assert asked.split()[-1].rstrip("?") == said.split()[-1].rstrip("."), "one stands for both"
    assert seen.text_b == "Nobody."


def test_what_is_kept_back_is_counted_by_its_reason(conn: sqlite3.Connection) -> None:
    eligibility = Eligibility(None, SENDABLE, Closed())
    assert admitted(conn, eligibility, add_pair(conn, "Open?"))
    assert not admitted(conn, eligibility, add_pair(conn, "Not so open?", level="train-only"))
    sealed = add_pair(conn, "Private?")
    append_event(conn, kind="private", actor="owner", pair_id=sealed)
    assert not admitted(conn, eligibility, sealed)
    assert not admitted(
        conn, eligibility, add_pair(conn, "Closed?", ("Say xyzzy.", "Hello there."))
    )
    assert not admitted(conn, eligibility, add_pair(conn, "xyzzy?"))
    assert not admitted(conn, eligibility, add_pair(conn, "Empty?", (" ", "Hello there.")))
    twice = "We planted beans behind the shed, and the slugs had them by Friday"
    assert not admitted(conn, eligibility, add_pair(conn, "Same?", (f"{twice}.", f"{twice}!")))
    assert eligibility.left_out == Counter(
        {"train-only": 1, "sealed": 1, CLOSED: 2, "with an empty answer": 1,
         "of nearly identical answers": 1}
    )  # fmt: skip


def test_a_judge_on_this_machine_sees_what_is_trained_on(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn, "Not so open?", level="train-only")
    assert admitted(conn, Eligibility(None, TRAINABLE), pair)
    append_event(conn, kind="private", actor="owner", pair_id=pair)
    assert not admitted(conn, Eligibility(None, TRAINABLE), pair)


def test_levels_are_counted_and_the_sources_behind_them_named(conn: sqlite3.Connection) -> None:
    behind = record("Bring your coat.", source="whatsapp", origin="w", thread="w",
                    level="train-only")  # fmt: skip
    add_records(conn, [behind])
    add_pair(conn, "Open?")
    add_pair(conn, "Asked in a chat?", source="asked", records=(behind.id,))
    add_pair(conn, "Compared?", purpose="arena")
    assert pairs_by_level(conn) == {"open": 1, "train-only": 1, "sealed": 0}
    assert sources_behind(conn, "train-only") == {"whatsapp": 1}


def test_choices_between_the_two_answers_count_and_no_others(conn: sqlite3.Connection) -> None:
    pairs = {outcome: add_pair(conn, f"{outcome}?") for outcome in ("a", "b", "both", "neither")}
    for outcome, pair in pairs.items():
        choose(conn, pair, outcome)
    rewritten, held_out = add_pair(conn, "r?"), add_pair(conn, "e?", split="evaluation")
    append_event(
        conn, kind="rewrite", actor="owner", pair_id=rewritten, payload={"text": "My own."}
    )
    choose(conn, held_out, "a")
    choices = load_calibration_set(conn, Eligibility(None, SENDABLE))
    chosen = {each.comparison.pair_id: each.winner for each in choices.examples}
    named = {"a": "a", "b": "b", "both": None, "neither": None}
    assert chosen == {pairs[outcome]: winner for outcome, winner in named.items()}
    assert choices.repeats == ()


def test_choices_without_a_winner_measure_and_are_no_examples() -> None:
    torn = [replace(example(100 + n), winner=None) for n in range(30)]
    choices = CalibrationSet((*many(30).examples, *torn))
    assert len(choices.measured()[""]) == 60
    for context in choices.contexts(OWNER, 12).values():
        assert {each.winner for each in context.examples} <= {"a", "b"}
    assert CalibrationSet(tuple(torn)).measured() == {}


def test_checkpoints_are_measured_apart() -> None:
    drawn = [replace(each, drawn_by="ab"[n % 2]) for n, each in enumerate(many(61).examples)]
    measured = CalibrationSet(tuple(drawn)).measured()
    assert {by: len(examples) for by, examples in measured.items()} == {"a": 31, "b": 30}
    with pytest.raises(UserError, match=r"15 choices .* of pairs that one checkpoint drew"):
        check_enough(CalibrationSet(tuple(drawn[:30])), "ann", Counter())


def test_imported_choices_are_known_as_such(conn: sqlite3.Connection) -> None:
    choose(conn, add_pair(conn, "Mine?"), "a")
    choose(conn, add_pair(conn, "Theirs?"), "a", "imported")
    choices = load_calibration_set(conn, Eligibility(None, SENDABLE))
    assert sorted(each.is_imported for each in choices.examples) == [False, True]


def test_a_choice_that_is_taken_back_changes_what_was_chosen(conn: sqlite3.Connection) -> None:
    pair = add_pair(conn)
    choose(conn, pair, "a")
    before = load_calibration_set(conn, Eligibility(None, SENDABLE))
    choose(conn, pair, "b")
    after = load_calibration_set(conn, Eligibility(None, SENDABLE))
    assert digest(before.examples) != digest(after.examples)


def test_so_few_choices_that_no_judge_could_pass_cost_nothing() -> None:
    few = CalibrationSet(tuple(example(n) for n in range(MINIMUM - 1)))
    with pytest.raises(UserError, match=r"19 choices .*kept back: 3 train-only.* of 1 more"):
        check_enough(few, "ann", Counter({"train-only": 3}))
    check_enough(CalibrationSet(tuple(example(n) for n in range(MINIMUM))), "ann", Counter())


def many(count: int) -> CalibrationSet:
    sides: tuple[Side, Side] = ("a", "b")
    return CalibrationSet(tuple(example(n, sides[n % 2]) for n in range(count)))


def test_no_fold_is_judged_with_an_example_of_its_own() -> None:
    contexts = many(120).contexts(OWNER, 12)
    assert set(contexts) == {*range(FOLDS), None}
    for fold, context in contexts.items():
        assert len(context.examples) == 12
        assert fold not in {fold_of(each.comparison.prompt_id) for each in context.examples}


def test_what_measures_the_training_is_no_example() -> None:
    choices = many(60)
    held_out = DEFAULTS["dpo"]["held_out"]
    prompts = {each.comparison.prompt_id for each in choices.examples}
    assert any(side_of(prompt, held_out) == "held_out" for prompt in prompts)
    shown = [one for each in choices.contexts(OWNER, 16).values() for one in each.examples]
    assert {side_of(each.comparison.prompt_id, held_out) for each in shown} == {"train"}


def test_more_choices_leave_most_of_the_measured_ones() -> None:
    before, after = many(100).measured(50)[""], many(110).measured(50)[""]
    ids = [{each.comparison.pair_id for each in lot} for lot in (before, after)]
    assert len(before) == len(after) == 50
    assert len(ids[0] & ids[1]) > 40
