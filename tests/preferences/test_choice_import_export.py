"""Choices that come in: marked, once, at the same pair whichever way they were written."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from align.errors import UserError
from align.owner import Owner
from align.preferences.choice_export import full_rows, training_rows
from align.preferences.choice_filter import ChoiceFilter
from align.preferences.choice_import import add_choices, read_choices
from align.preferences.choice_rows import build_preferences
from align.store.acts import all_marks
from align.store.choices import current_choices
from align.store.connection import in_memory
from align.store.events import iter_events
from align.store.pairs import get_pair, iter_pairs
from tests.store.rows import add_pair, append_event

ONE = {"prompt": "One?", "a": "Left.", "b": "Right.", "outcome": "a"}


@pytest.fixture
def conn() -> sqlite3.Connection:
    return in_memory()


def written(folder: Path, rows: Iterable[Any]) -> Path:
    path = folder / "choices.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def bring(conn: sqlite3.Connection, folder: Path, *rows: Any) -> tuple[int, int]:
    return tuple(add_choices(conn, read_choices(written(folder, rows))))  # type: ignore[return-value]


def chosen(conn: sqlite3.Connection) -> list[tuple[str, str]]:
    return sorted((row.chosen, row.rejected) for row in build_preferences(conn, Owner(name="Ann")))


def test_both_kinds_of_lines_become_the_same_choice(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    said = [
        ONE,
        {"prompt": "One?", "a": "Right.", "b": "Left.", "outcome": "b"},
        {"prompt": [{"role": "user", "content": "One?"}], "chosen": "Left.", "rejected": "Right."},
        {"prompt": "One?", "chosen": [{"role": "assistant", "content": "Left."}],
         "rejected": [{"role": "assistant", "content": "Right."}]},
        {"chosen": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "Left."}],
         "rejected": [{"role": "user", "content": "One?"},
                      {"role": "assistant", "content": "Right."}]},
    ]  # fmt: skip
    assert bring(conn, tmp_path, *said) == (1, 4)
    (row,) = build_preferences(conn, Owner(name="Ann"))
    assert (row.chosen, row.rejected, row.source) == ("Left.", "Right.", "imported")
    assert len(list(iter_pairs(conn))) == 1


def test_which_one_was_chosen_does_not_show_in_the_pairs(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    rows = [{"prompt": f"{n}?", "chosen": f"yes {n}", "rejected": f"no {n}"} for n in range(40)]
    bring(conn, tmp_path, *rows)
    outcomes = [choice.outcome for choice in current_choices(conn)]
    assert 10 <= outcomes.count("a") <= 30


def test_all_outcomes_come_in_and_ties_never_train(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [
        ONE | {"prompt": outcome, "outcome": outcome}
        for outcome in ("a", "b", "both", "neither", "rewrite")
    ]
    rows[-1]["rewrite"] = "My way."
    assert bring(conn, tmp_path, *rows) == (5, 0)
    assert sorted(choice.outcome for choice in current_choices(conn))[-3:] == [
        "both", "neither", "rewrite",
    ]  # fmt: skip
    assert chosen(conn) == [
        ("Left.", "Right."), ("My way.", "Left."), ("My way.", "Right."), ("Right.", "Left."),
    ]  # fmt: skip
    assert bring(conn, tmp_path, *rows) == (0, 5)


def test_the_owner_goes_before_what_came_in(conn: sqlite3.Connection, tmp_path: Path) -> None:
    pair = add_pair(conn, "One?", ("Left.", "Right."))
    append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": "b"})
    assert bring(conn, tmp_path, ONE) == (1, 0)
    assert [(choice.actor, choice.outcome) for choice in current_choices(conn)] == [("owner", "b")]


def test_a_choice_between_answers_that_are_here_is_one_of_their_pair(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    pair = add_pair(conn, "One?", ("Right.", "Left."))
    bring(conn, tmp_path, ONE)
    (choice,) = current_choices(conn)
    assert (choice.pair_id, choice.outcome) == (pair, "b")
    assert len(list(iter_pairs(conn))) == 1


def test_a_changed_mind_supersedes_and_coming_back_to_the_first_does_too(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    for outcome in ("a", "b", "a"):
        assert bring(conn, tmp_path, ONE | {"outcome": outcome}) == (1, 0)
        assert bring(conn, tmp_path, ONE | {"outcome": outcome}) == (0, 1)
    assert chosen(conn) == [("Left.", "Right.")]


def test_prompts_are_private_unless_the_line_says_otherwise(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    rows = [
        ONE,
        ONE | {"prompt": "Two?", "level": "open"},
        ONE | {"prompt": "3?", "level": "sealed"},
    ]
    bring(conn, tmp_path, *rows)
    levels = {pair.messages[0]["content"]: pair.level for pair in iter_pairs(conn)}
    assert levels == {"One?": "train-only", "Two?": "open", "3?": "sealed"}
    assert len(build_preferences(conn, Owner(name="Ann"))) == 2
    bring(conn, tmp_path, ONE | {"level": "sealed"})
    bring(conn, tmp_path, ONE | {"level": "open"})
    assert {pair.level for pair in iter_pairs(conn)} == {"sealed", "open"}


def test_what_is_held_out_or_of_the_arena_never_trains(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    rows = [ONE | {"split": "evaluation"}, ONE | {"prompt": "Two?", "purpose": "arena"}]
    bring(conn, tmp_path, *rows)
    assert len(current_choices(conn)) == 2
    assert build_preferences(conn, Owner(name="Ann")) == []
    add_pair(conn, "Three?", ("x", "y"), split="evaluation")
    bring(conn, tmp_path, ONE | {"prompt": "Three?"})
    assert build_preferences(conn, Owner(name="Ann")) == []


def test_an_export_comes_in_elsewhere_as_what_it_was(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    outcomes = ("a", "b", "both", "neither")
    for n, outcome in enumerate(outcomes):
        pair = add_pair(conn, f"{n}?", (f"x{n}", f"y{n}"))
        append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": outcome})
    pair = add_pair(conn, "5?", ("x", "y"))
    append_event(conn, kind="rewrite", actor="owner", pair_id=pair, payload={"text": "Mine."})
    exported = full_rows(conn, ChoiceFilter())
    assert bring(conn, tmp_path, *exported) == (5, 0)
    assert {choice.actor for choice in current_choices(conn)} == {"owner"}
    other = in_memory()
    assert bring(other, tmp_path, *exported) == (5, 0)
    assert bring(other, tmp_path, *exported) == (0, 5)
    assert chosen(other) == chosen(conn)
    third = in_memory()
    bring(third, tmp_path, *training_rows(conn, Owner(name="Ann"), ChoiceFilter()))
    assert chosen(third) == chosen(conn)


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
LINE = st.fixed_dictionaries(
    {
        "prompt": st.sampled_from(["One?", "Two?", "Three?"]),
        "a": TEXT,
        "b": TEXT,
        "outcome": st.sampled_from(["a", "b", "both", "neither"]),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, min_size=1, max_size=8))
def test_what_is_read_comes_in_once_whatever_it_says(tmp_path: Path, rows: list[Any]) -> None:
    path = written(tmp_path, rows)
    try:
        lines = read_choices(path)
    except UserError:
        return
    conn = in_memory()
    first = add_choices(conn, lines)
    assert first.new + first.known == len(rows)
    assert add_choices(conn, read_choices(path)) == (0, len(rows))
    for choice in current_choices(conn):
        pair = get_pair(conn, choice.pair_id)
        assert pair is not None
        same = [
            row for row in rows
            if {row["a"], row["b"]} == {pair.text_a, pair.text_b}
            and row["prompt"] == pair.messages[0]["content"]
        ]  # fmt: skip
        winner = {"a": pair.text_a, "b": pair.text_b}.get(choice.outcome)
        assert same[-1].get(same[-1]["outcome"]) == winner


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"a": "x", "b": "y", "outcome": "a"}, "no prompt in this line"),
        (ONE | {"prompt": [{"role": "assistant", "content": "Hi"}]}, "does not end with the user"),
        (ONE | {"prompt": [{"role": "user"}]}, "no prompt in this line"),
        (ONE | {"prompt": " "}, "does not end with the user's turn"),
        (ONE | {"outcome": "left"}, "'outcome' is 'left'. Say one of: a, b, both"),
        ({"prompt": "One?", "a": "x", "b": "y"}, "no 'outcome'"),
        ({"prompt": "One?", "a": "x", "outcome": "a"}, "no text under 'b'"),
        ({"prompt": "One?", "chosen": "x"}, "no text under 'rejected'"),
        ({"prompt": "One?", "chosen": " ", "rejected": "x"}, "'chosen' is empty"),
        (ONE | {"b": " Left. "}, "both answers are the same"),
        (ONE | {"outcome": "rewrite"}, "no text under 'rewrite'"),
        (ONE | {"level": "secret"}, "'level' is 'secret'"),
        (ONE | {"purpose": "fun"}, "'purpose' is 'fun'"),
        (ONE | {"outcome": ["a"]}, "'outcome' is ['a']"),
        (ONE | {"flags": [{"flag": "rude", "side": "a"}]}, "note or flags can't be read"),
        (ONE | {"flags": "facts"}, "note or flags can't be read"),
        (ONE | {"flags": [{"flag": "facts", "side": "left"}]}, "note or flags can't be read"),
        (ONE | {"note": 7}, "note or flags can't be read"),
        ("text", "not a JSON object"),
        ({"chosen": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
          "rejected": "z"}, "reply to different turns"),
    ],
)  # fmt: skip
def test_a_broken_line_is_named(tmp_path: Path, row: Any, what: str) -> None:
    with pytest.raises(UserError) as raised:
        read_choices(written(tmp_path, [ONE, row]))
    assert "choices.jsonl:2: " in str(raised.value)
    assert what in str(raised.value)


def test_all_broken_lines_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, [ONE, {"a": 1}, ONE | {"outcome": "left"}])
    with path.open("ab") as file:
        file.write(b'{"prompt": \n\xff\n[1]\n')
    with pytest.raises(UserError) as raised:
        read_choices(path)
    for number in (2, 3, 4, 5, 6):
        assert f"choices.jsonl:{number}: " in str(raised.value)
    assert "5 lines can't be read" in str(raised.value) and ":1: " not in str(raised.value)


TURNED = {"a": ONE["b"], "b": ONE["a"]}


@pytest.mark.parametrize("times", [("2026-01-01", "2026-01-02"), (None, None), (None, "2026")])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("outcome", ["b", "both", "neither", "rewrite"])
def test_of_two_lines_of_a_pair_the_newer_counts(
    conn: sqlite3.Connection, tmp_path: Path, times: tuple[Any, Any], turned: bool, outcome: str
) -> None:
    letter = "a" if turned and outcome == "b" else outcome
    newer = ONE | (TURNED if turned else {}) | {"outcome": letter, "rewrite": "Mine."}
    older, newer = ONE | {"time": times[0]}, newer | {"time": times[1]}
    orders = [(older, newer), (newer, older)] if times[0] else [(older, newer)]
    for lines in orders:
        store = in_memory()
        assert bring(store, tmp_path, *lines) == (1, 1)
        assert bring(store, tmp_path, *lines) == (0, 2)
        (choice,) = current_choices(store)
        pair = get_pair(store, choice.pair_id)
        assert pair is not None
        winner = {"a": pair.text_a, "b": pair.text_b}.get(choice.outcome, choice.outcome)
        assert winner == {"b": "Right."}.get(outcome, outcome)


@pytest.mark.parametrize("turned", [False, True])
def test_marks_come_in_with_their_choice_and_once(
    conn: sqlite3.Connection, tmp_path: Path, turned: bool
) -> None:
    flags = [{"flag": "facts", "side": "a"}, {"flag": "voice", "side": "b"}]
    line = ONE | {"private": True, "note": "hm", "flags": flags}
    # The pair is here already, and may stand the other way round.
    texts = ("Right.", "Left.") if turned else ("Left.", "Right.")
    pair = add_pair(conn, "One?", texts)
    for _ in range(2):
        bring(conn, tmp_path, line)
    sides = "ba" if turned else "ab"
    marks = all_marks(conn)[pair]
    assert marks["private"] and marks["note"] == "hm"
    assert [(flag["flag"], flag["side"]) for flag in marks["flags"]] == [
        ("facts", sides[0]),
        ("voice", sides[1]),
    ]
    assert len(list(iter_events(conn))) == 5
    assert get_pair(conn, pair).level == "sealed"  # type: ignore[union-attr]
    assert build_preferences(conn, Owner(name="Ann")) == []
    assert full_rows(conn, ChoiceFilter()) == []


def test_a_clear_case_stays_one_and_can_weigh_more(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    clear, usual = ONE | {"clear": True}, ONE | {"prompt": "Two?", "outcome": "both", "clear": True}
    bring(conn, tmp_path, clear, usual, ONE | {"prompt": "Three?"})
    exported = full_rows(conn, ChoiceFilter())
    assert [row["clear"] for row in exported] == [True, False, False]
    other = in_memory()
    bring(other, tmp_path, *exported)
    for weight in (1.0, 2.0):
        rows = build_preferences(other, Owner(name="Ann"), clear_weight=weight)
        assert {row.messages[0]["content"]: row.weight for row in rows} == {
            "One?": weight,
            "Three?": 1.0,
        }


def test_a_pair_is_private_whichever_of_its_lines_says_so(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    bring(conn, tmp_path, ONE | {"private": True, "time": "1"}, ONE | {"time": "2"})
    bring(conn, tmp_path, ONE | {"prompt": "Two?", "private": False})
    assert chosen(conn) == [("Left.", "Right.")]


def test_of_contradictory_flags_of_one_answer_the_last_comes_in(
    conn: sqlite3.Connection, tmp_path: Path
) -> None:
    flags = [{"flag": flag, "side": "a"} for flag in ("facts", "voice")]
    for _ in range(2):
        bring(conn, tmp_path, ONE | {"flags": flags})
    (marks,) = all_marks(conn).values()
    assert [flag["flag"] for flag in marks["flags"]] == ["voice"]
    assert len(list(iter_events(conn))) == 2


def test_a_file_with_nothing_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no choices in it"):
        read_choices(written(tmp_path, []))
