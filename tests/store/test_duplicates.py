"""Of copies, one counts: the held-out one, else the oldest; and it is as private as any of them."""

import random
import sqlite3
from collections import Counter
from functools import partial

import pytest

from align.owner import Cleaning, Owner
from align.store.connection import in_memory, transaction
from align.store.duplicates import mark_duplicates
from align.text.near_duplicates import near_duplicate_groups

OWNER = Owner(name="Ann")
WALK = (
    "We walked along the harbour until the last ferry had gone and nobody was left on the quay "
    "but a man who was mending a net by the light of his phone"
)
NEAR_WALK = WALK.replace("ferry", "boat")
BREAD = "Bread wants time more than it wants work so I mix it in the evening and forget it"


def put(
    conn: sqlite3.Connection,
    thread: str,
    *texts: str,
    kind: str = "turn",
    level: int = 0,
    split: str = "train",
    origin: str | None = None,
    left_out: str | None = None,
    is_owner: tuple[int, ...] = (0, 1),
) -> None:
    """Write a conversation, whose turns others and the owner take, or the owner's documents."""
    conn.execute("INSERT OR IGNORE INTO threads VALUES (?, ?)", (thread, split))
    for position, text in enumerate(texts):
        owner = 1 if kind == "document" else is_owner[position % len(is_owner)]
        name = f"{thread}/{origin}/{position}"
        conn.execute(
            "INSERT INTO records (id, kind, source, origin, thread, position, author, is_owner,"
            " text, level, left_out) VALUES (?, ?, 'telegram', ?, ?, ?, '', ?, ?, ?, ?)",
            (name, kind, origin or thread, thread, position, owner, text, level, left_out),
        )


def document(conn: sqlite3.Connection, name: str, text: str, **more: object) -> None:
    put(conn, name, text, kind="document", **more)  # type: ignore[arg-type]


def marked(conn: sqlite3.Connection, settings: Owner = OWNER) -> Counter[str]:
    with transaction(conn):
        likeness = settings.cleaning.near_duplicate
        near_groups = partial(near_duplicate_groups, threshold=likeness) if likeness < 1 else None
        return mark_duplicates(conn, near_groups)


def reasons(conn: sqlite3.Connection) -> dict[str, str | None]:
    rows = conn.execute("SELECT thread, position, left_out FROM records ORDER BY number")
    return {f"{thread}:{position}": left_out for thread, position, left_out in rows}


def levels(conn: sqlite3.Connection) -> list[int]:
    return [row[0] for row in conn.execute("SELECT level FROM records ORDER BY number")]


def state(conn: sqlite3.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in conn.execute("SELECT * FROM records ORDER BY number")]


def test_a_conversation_that_stands_in_two_places_counts_once() -> None:
    conn = in_memory()
    put(conn, "phone", "Do you sing?", "Only in the car.")
    put(conn, "backup", "Do you sing?", "Only in the car.")
    put(conn, "other", "Do you sing?", "Only under the shower.")
    assert marked(conn) == {"duplicate": 2}
    left_out = reasons(conn)
    assert left_out.pop("backup:0") == left_out.pop("backup:1") == "duplicate"
    assert set(left_out.values()) == {None}


def test_who_said_it_and_where_one_message_ends_tell_conversations_apart() -> None:
    conn = in_memory()
    put(conn, "a", "Do you sing?", "Only in the car.")
    put(conn, "b", "Do you sing?", "Only in the car.", is_owner=(1, 0))
    put(conn, "c", "Do you sing?Only", " in the car.")
    assert marked(conn) == {}


def test_one_message_alone_is_no_conversation() -> None:
    conn = in_memory()
    put(conn, "a", "Happy birthday!", is_owner=(1,))
    put(conn, "b", "Happy birthday!", is_owner=(1,))
    assert marked(conn) == {}


def test_equal_documents_and_long_messages_count_once_whatever_their_blanks_and_quotes() -> None:
    conn = in_memory()
    document(conn, "post", "“Bread”  wants\ntime.")
    document(conn, "copy", '"bread" wants time.')
    put(conn, "chat", "Tell me.", WALK, "Really?", "No way!")
    put(conn, "late", "And then?", WALK, "Oh?", "No way!")
    assert marked(conn) == {"duplicate": 2}
    assert reasons(conn)["copy:0"] == reasons(conn)["late:1"] == "duplicate"


def test_what_others_wrote_is_not_compared() -> None:
    conn = in_memory()
    put(conn, "a", WALK, "Nice.")
    put(conn, "b", WALK, "Lovely.")
    put(conn, "c", NEAR_WALK, "Fine.")
    assert marked(conn) == {}


def test_a_near_copy_across_sources_is_left_out() -> None:
    conn = in_memory()
    document(conn, "post", WALK)
    put(conn, "chat", "What did you do?", NEAR_WALK)
    assert marked(conn) == {"near-duplicate": 1}
    assert reasons(conn)["chat:1"] == "near-duplicate"


def test_the_threshold_is_the_owners_and_one_switches_near_copies_off() -> None:
    conn = in_memory()
    document(conn, "post", WALK)
    document(conn, "copy", WALK + "!")
    document(conn, "near", NEAR_WALK)
    strict = Owner(name="Ann", cleaning=Cleaning(near_duplicate=0.95))
    exact = Owner(name="Ann", cleaning=Cleaning(near_duplicate=1.0))
    assert marked(conn) == {"near-duplicate": 2}
    assert marked(conn, strict) == {"near-duplicate": 1}
    assert marked(conn, exact) == {}


def test_the_held_out_copy_is_kept_whichever_is_older() -> None:
    conn = in_memory()
    document(conn, "old", WALK)
    document(conn, "held", WALK, split="evaluation")
    document(conn, "near", NEAR_WALK)
    document(conn, "held too", NEAR_WALK.replace("phone", "lamp"), split="evaluation")
    assert marked(conn) == {"duplicate": 1, "near-held-out": 1, "near-duplicate": 1}
    assert reasons(conn) == {
        "old:0": "duplicate",
        "held:0": None,
        "near:0": "near-held-out",
        "held too:0": "near-duplicate",
    }


def test_a_held_out_conversation_is_kept_before_an_older_one() -> None:
    conn = in_memory()
    put(conn, "old", "Do you sing?", "Only in the car.")
    put(conn, "held", "Do you sing?", "Only in the car.", split="evaluation")
    assert marked(conn) == {"duplicate": 2}
    assert reasons(conn)["held:1"] is None


def test_the_copy_that_is_kept_becomes_as_private_as_the_most_private() -> None:
    conn = in_memory()
    put(conn, "a", "Do you sing?", "Only in the car.")
    put(conn, "b", "Do you sing?", "Only in the car.", level=1)
    conn.execute("UPDATE records SET level = 2 WHERE thread = 'b' AND position = 1")
    document(conn, "post", WALK)
    document(conn, "copy", WALK, level=1)
    document(conn, "near", NEAR_WALK, level=2)
    marked(conn)
    assert levels(conn) == [1, 2, 1, 2, 2, 1, 2]


def test_privacy_travels_through_copies_of_copies_in_one_pass() -> None:
    conn = in_memory()
    document(conn, "post", NEAR_WALK)
    put(conn, "a", "And?", WALK)
    put(conn, "b", "And?", WALK, level=2)
    marked(conn)
    assert levels(conn)[0] == 2
    before = state(conn)
    marked(conn)
    assert state(conn) == before


def test_what_is_left_out_for_another_reason_takes_no_part() -> None:
    conn = in_memory()
    document(conn, "quoted", WALK, left_out="quoted")
    document(conn, "post", WALK)
    assert marked(conn) == {}
    assert reasons(conn) == {"quoted:0": "quoted", "post:0": None}


def test_a_copy_counts_again_once_the_other_is_gone() -> None:
    conn = in_memory()
    document(conn, "post", WALK)
    document(conn, "copy", WALK)
    assert marked(conn) == {"duplicate": 1}
    conn.execute("UPDATE records SET left_out = 'dropped' WHERE thread = 'post'")
    assert marked(conn) == {}
    assert reasons(conn)["copy:0"] is None


@pytest.mark.parametrize("seed", range(8))
def test_marks_settle_at_once_and_no_text_of_the_hold_out_is_learned(seed: int) -> None:
    conn, chance = in_memory(), random.Random(seed)
    texts = [WALK, NEAR_WALK, WALK.replace("mending", "selling"), BREAD, BREAD.upper(), "ok"]
    for n in range(30):
        split = chance.choice(["train", "train", "evaluation"])
        said = chance.choices(texts, k=chance.randint(1, 3))
        kind = chance.choice(["turn", "document"])
        put(conn, f"{n}", *said, kind=kind, split=split, level=chance.randint(0, 2))
    first = marked(conn)
    settled = state(conn)
    assert marked(conn) == first and state(conn) == settled
    # The walks are all near one another, and so is bread: one of each counts, the held-out one.
    rows = conn.execute(
        "SELECT substr(lower(text), 1, 5), split FROM records JOIN threads USING (thread) "
        "WHERE left_out IS NULL AND is_owner AND length(text) > 20"
    ).fetchall()
    assert sorted(row[0] for row in rows) == ["bread", "we wa"]
    held = {
        text
        for text, *_ in conn.execute(
            "SELECT substr(lower(text), 1, 5) FROM records JOIN threads USING (thread) "
            "WHERE split = 'evaluation' AND is_owner"
        )
    }
    assert all((split == "evaluation") is (text in held) for text, split in rows)


def test_only_the_stores_own_tables_are_left() -> None:
    conn = in_memory()
    document(conn, "post", WALK)
    marked(conn)
    assert conn.execute("SELECT count(*) FROM temp.sqlite_master").fetchone()[0] == 0
