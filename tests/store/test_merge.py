import random
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.store.adding import add_records
from align.store.answers import (
    EvaluationAnswer,
    add_evaluation_answers,
    iter_evaluation_answers,
)
from align.store.batches import open_batches, plan_batch
from align.store.choices import current_choices
from align.store.connection import in_memory
from align.store.gates import add_gate, open_gates
from align.store.merge import TABLES, export_rows, merge
from align.store.pairs import iter_pairs
from align.store.prompts import iter_prompts
from align.store.records import iter_records, set_level
from align.store.verdicts import Instrument, Verdict, add_verdicts, both_ways
from tests.store.rows import add_pair, append_event, gate, iter_verdicts, record, verdict

action = st.tuples(
    st.sampled_from(["record", "pair", "choice", "undo", "level", "verdict", "gate"]),
    st.integers(0, 3),
    st.integers(0, 3),
)


def act(conn: sqlite3.Connection, what: str, i: int, j: int) -> None:
    split = "evaluation" if j == 0 else "train"
    if what == "record":
        add_records(conn, [record(f"text {i}", thread=f"t{i}", position=j % 2, split=split)])
    elif what == "pair":
        add_pair(conn, f"prompt {i}", thread=f"t{j}", split=split)
    elif what == "level":
        set_level(conn, ("open", "train-only", "sealed")[j % 3], thread=f"t{i}")
    elif what == "choice":
        payload = {"outcome": ("a", "b", "both", "neither")[j]}
        append_event(conn, kind="choice", actor="owner", pair_id=f"p{i}", payload=payload)
    elif what == "verdict":
        add_verdicts(conn, [verdict(f"p{i}", "ab" if j % 2 else "ba", time=f"2026-0{j + 1}")])
    elif what == "gate":
        add_gate(conn, gate(is_open=j % 2 == 0, model=f"m{i}", time=f"2026-0{j + 1}"))
    elif what == "undo":
        events = conn.execute("SELECT device, counter FROM events").fetchall()
        if events:
            target = list(events[i % len(events)])
            append_event(conn, kind="undo", actor="owner", payload={"target": target})


def everything(conn: sqlite3.Connection) -> object:
    return (
        {table: export_rows(conn, table) for table in TABLES},
        current_choices(conn),
        list(iter_prompts(conn)),
        list(iter_records(conn)),
        list(iter_pairs(conn)),
        list(both_ways(conn, Instrument("claude", "m", "h", "", ""))),
        open_gates(conn),
    )


@settings(max_examples=20)
@given(
    st.lists(st.lists(action, max_size=10), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
def test_merging_is_a_set_union(
    stores: list[list[tuple[str, int, int]]], rng: random.Random
) -> None:
    made = []
    for actions in stores:
        conn = in_memory()
        for each in actions:
            act(conn, *each)
        made.append(conn)
    straight = in_memory()
    for conn in made:
        merge(straight, conn)
    # Any order, some of them twice, and some of them merged with one another before.
    order = made + rng.sample(made, 1)
    rng.shuffle(order)
    merge(order[0], order[-1])
    crooked = in_memory()
    for conn in order:
        merge(crooked, conn)
    assert everything(crooked) == everything(straight)
    merge(crooked, straight)
    assert everything(crooked) == everything(straight)


def test_choices_of_two_machines_are_all_there_after_a_merge() -> None:
    laptop, box = in_memory(), in_memory()
    for conn in (laptop, box):
        add_pair(conn, "One?")
    pair = add_pair(laptop, "Two?")
    for conn, outcome in ((laptop, "a"), (box, "b")):
        append_event(conn, kind="choice", actor="owner", pair_id=pair, payload={"outcome": outcome})
    merge(laptop, box)
    merge(box, laptop)
    assert current_choices(laptop) == current_choices(box)
    assert [each.outcome for each in current_choices(laptop)] == ["b"]
    assert [each.id for each in iter_pairs(laptop)] == [each.id for each in iter_pairs(box)]


def test_of_two_levels_a_merge_keeps_the_more_private_and_of_two_splits_the_held_out() -> None:
    one, other = in_memory(), in_memory()
    add_records(one, [record(split="train", level="sealed")])
    add_records(other, [record(split="evaluation", level="open")])
    merge(one, other)
    merge(other, one)
    for conn in (one, other):
        assert [(each.level, each.split) for each in iter_records(conn)] == [
            ("sealed", "evaluation")
        ]


def test_a_merge_that_fails_takes_nothing_in() -> None:
    conn = in_memory()
    rows = [{"thread": "t", "split": "train"}]
    with pytest.raises(KeyError):
        merge(conn, {"threads": rows, "secrets": []})
    with pytest.raises(sqlite3.IntegrityError):
        merge(conn, {"threads": [*rows, {"thread": "u", "split": "elsewhere"}]})
    assert export_rows(conn, "threads") == []


def test_verdicts_and_evaluation_answers_are_kept_once() -> None:
    conn = in_memory()
    verdict = Verdict(
        pair_id="p", judge="local", model="m", order="ab", prompt_hash="h", winner=None, time="t"
    )
    answer = EvaluationAnswer(
        prompt_id="q", checkpoint="base", checkpoint_hash="h", seed=1, settings={"t": 1}, text="x"
    )
    for _ in range(2):
        add_verdicts(conn, [verdict])
        add_evaluation_answers(conn, [answer])
    assert list(iter_verdicts(conn, judge="local")) == [verdict]
    assert list(iter_evaluation_answers(conn, checkpoint_hash="h", seed=1)) == [answer]
    assert list(iter_evaluation_answers(conn, seed=2)) == []


def test_verdicts_that_an_older_version_packed_are_taken_in() -> None:
    conn, older = in_memory(), verdict("p")
    columns = (
        "id", "pair_id", "judge", "model", "order", "prompt_hash", "repeat", "winner", "certainty",
        "cost", "time",
    )  # fmt: skip
    merge(conn, {"verdicts": [{column: getattr(older, column) for column in columns}]})
    assert list(iter_verdicts(conn)) == [older]
    with pytest.raises(KeyError):
        merge(conn, {"verdicts": [{"id": "x", "request": "", "problem": None}]})


def test_batches_under_way_stay_on_their_machine() -> None:
    conn, other = in_memory(), in_memory()
    plan_batch(other, host="h", model="m", purpose="judge", requests=["r"])
    merge(conn, other)
    assert open_batches(conn) == []
    with pytest.raises(KeyError):
        merge(conn, {"batches": []})
