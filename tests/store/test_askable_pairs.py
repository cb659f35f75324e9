"""What can be asked: kept by the store itself, as rows arrive in any order."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.choices.selection import ORDERS, Candidate
from align.store import schema
from align.store.askable_pairs import AskablePairs
from align.store.connection import connect, in_memory
from align.store.merge import TABLES, export_rows, merge
from align.store.pairs import Pair, add_pairs
from tests.choices.test_selection import ListPool
from tests.labeler.stores import add_many_pairs
from tests.store.rows import add_pair


def askable(conn: sqlite3.Connection) -> list[tuple[object, ...]]:
    rows = conn.execute("SELECT * FROM askable ORDER BY purpose, pair_id").fetchall()
    counts = conn.execute(
        "SELECT purpose, checkpoint_number, pairs, empty FROM askable_counts WHERE pairs"
    )
    recount = conn.execute("SELECT purpose, checkpoint_number, count(*), sum(empty) FROM askable "
                           "GROUP BY 1, 2")  # fmt: skip
    assert [tuple(row) for row in counts] == [tuple(row) for row in recount]
    fresh = conn.execute("SELECT * FROM askable_pairs ORDER BY purpose, pair_id").fetchall()
    assert [tuple(row) for row in rows] == [tuple(row) for row in fresh]
    return [tuple(row) for row in rows]


def test_a_pair_is_askable_with_its_newer_checkpoint_and_what_is_wrong_with_it() -> None:
    conn = in_memory()
    first = add_pair(conn, "one", checkpoint=("002-dpo", "010-sft"))
    second = add_pair(conn, "two", answers=("Fine.", " \n\t\u00a0\u2003"), checkpoint="base")
    third = add_pair(conn, "three", purpose="arena")
    found = {row[2]: (row[0], row[1], row[5]) for row in askable(conn)}
    assert found == {first: ("train", 10, 0), second: ("train", 0, 1), third: ("arena", 1, 0)}


def test_the_triggers_call_empty_what_python_calls_empty() -> None:
    conn = in_memory()
    blanks = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
    pair = add_pair(conn, answers=("Fine.", blanks))
    assert [(row[2], row[5]) for row in askable(conn)] == [(pair, 1)]


arrivals = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["001-sft", "002-dpo", "base"]),
        st.sampled_from([None, 0.3, 0.95]),
        st.sampled_from(["train", "arena"]),
    ),
    max_size=6,
)


@settings(max_examples=40)
@given(arrivals, arrivals, st.randoms(use_true_random=False))
def test_rows_that_merge_in_any_order_are_askable_alike(
    here: list[tuple], there: list[tuple], rng: random.Random
) -> None:
    stores = []
    for arriving in (here, there):
        conn = in_memory()
        for i, checkpoint, likeness, purpose in arriving:
            add_pair(conn, f"prompt {i}", checkpoint=(checkpoint, "001-sft"), purpose=purpose)
            conn.execute("UPDATE pairs SET similarity = coalesce(similarity, ?)", (likeness,))
        # Other machines may know a checkpoint by another name.
        conn.execute("UPDATE answers SET checkpoint = '005-sft' WHERE random() % 2")
        stores.append(conn)
    union = in_memory()
    for conn in stores:
        merge(union, conn)
    scattered = in_memory()
    # Table by table in any order, so that pairs come before their answers and prompts.
    parts = [(table, conn) for table in TABLES for conn in (*stores, *stores)]
    rng.shuffle(parts)
    for table, conn in parts:
        merge(scattered, {table: export_rows(conn, table)})
        askable(scattered)
    assert askable(scattered) == askable(union)


def test_a_pair_without_its_answers_is_not_askable() -> None:
    conn = in_memory()
    add_pairs(conn, [Pair(prompt_id="p", answer_a="a", answer_b="b")])
    assert askable(conn) == []


def test_a_store_of_the_first_schema_gets_its_askable_pairs(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "new.db", create=True)) as new:
        add_many_pairs(new, 7, each_prompt=2, checkpoint="003-dpo")
        expected = askable(new)
        old = sqlite3.connect(tmp_path / "old.db", isolation_level=None)
        schema.migrate(old, tmp_path / "old.db", schema.shipped_migrations()[:1])
        for table in ("threads", "prompts", "answers", "pairs"):
            for row in new.execute(f"SELECT * FROM {table}").fetchall():
                old.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", tuple(row))
        old.close()
    with closing(connect(tmp_path / "old.db")) as migrated:
        assert len(expected) == 7 and askable(migrated) == expected
        assert (tmp_path / "backups" / "before-002.db").exists()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("answered", [0, 3, 200])
def test_the_stores_pool_is_walked_like_a_list_of_its_pairs(order: str, answered: int) -> None:
    conn = in_memory()
    add_many_pairs(conn, 400, each_prompt=5, checkpoint="001-sft")
    add_many_pairs(conn, 300, each_prompt=2, checkpoint="004-dpo", similarity=None)
    add_many_pairs(conn, 30, checkpoint="009-dpo", purpose="arena")
    add_many_pairs(conn, 20, checkpoint="005-dpo", texts=lambda topic, i: (f"{topic}?", " "))
    add_many_pairs(
        conn, 40, checkpoint="006-dpo", similarity=None, texts=lambda topic, i: ("Yes.", "Yes. ")
    )
    rows = conn.execute(
        "SELECT pair_id, prompt_id, checkpoint_number, empty, likeness FROM askable "
        "WHERE purpose = 'train'"
    )
    listed = [Candidate(*row) for row in rows]
    near = {c.pair_id for c in listed if c.number == 6}
    pool = AskablePairs(conn)
    assert pool.total() == 760 and pool.empty() == 20
    picks = ORDERS[order].picks
    done = listed[:answered]
    assert list(picks(pool, 11, done)) == list(picks(ListPool(listed, near), 11, done))


def test_places_left_open_count_three_pairs_a_prompt() -> None:
    conn = in_memory()
    add_many_pairs(conn, 12, each_prompt=5)
    assert AskablePairs(conn).open_places(3) == 3 + 3 + 2
