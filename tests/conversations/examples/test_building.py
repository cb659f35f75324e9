"""The rows of a store: the sides, the mix, what is redacted, and the figures."""

import sqlite3
from collections import Counter

import pytest

from align.conversations.examples.example_rows import ExampleStatistics
from align.conversations.identity import identity_rows
from align.owner import Owner
from align.store.adding import add_records
from tests.conversations.examples.writing import OWNER, document, learned, rows, turn, words


def test_sealed_left_out_and_evaluation_records_are_never_in_a_row(
    conn: sqlite3.Connection,
) -> None:
    add_records(
        conn,
        [
            document("SEALED words here.", origin="s", thread="s", level="sealed"),
            document("TWICE said.", origin="t", thread="t", left_out="duplicate"),
            document("LATER measured.", origin="e", thread="e", split="evaluation"),
            document("Plain words.", origin="p", thread="p", level="train-only"),
        ],
    )
    assert learned(rows(conn)) == ["Plain words."]
    assert learned(rows(conn, split="evaluation")) == ["LATER measured."]


def test_identity_conversations_are_some_held_out_and_speak_the_owners_words() -> None:
    made = identity_rows(OWNER)
    assert 15 <= len(made) <= 40
    held = [row for row in made if row["split"] == "held_out"]
    assert 0 < len(held) < len(made) / 2
    answers = {row["messages"][1]["content"] for row in made}
    assert {"I'm Ann.", "By the sea."} <= answers


@pytest.mark.parametrize("wanted", [16, 30, 90, 240])
def test_as_many_identity_conversations_as_wanted_each_in_another_wording(wanted: int) -> None:
    made = identity_rows(OWNER, wanted)
    plain = identity_rows(OWNER)
    assert made[: len(plain)] == plain
    train = [row["messages"][0]["content"] for row in made if row["split"] == "train"]
    assert len(train) >= wanted
    assert len(set(train)) == len(train)
    # What a fact answers in the owner's words isn't answered in others.
    questions = [row["messages"][0]["content"] for row in made]
    assert all(questions.count(question) == 1 for question in OWNER.facts)


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_identity_takes_its_least_share_of_the_rows(conn: sqlite3.Connection, share: float) -> None:
    texts = [document(f"Words {n}.", origin=str(n), thread=str(n)) for n in range(150)]
    add_records(conn, texts)
    made = rows(conn, identity=True, identity_share=share)
    said = sum(row["source"] == "identity" for row in made)
    assert share <= said / len(made) < share + 0.02
    held = rows(conn, split="evaluation", identity=True, identity_share=share)
    assert held == rows(conn, split="evaluation", identity=True)


def test_identity_takes_its_sides(conn: sqlite3.Connection) -> None:
    train = rows(conn, identity=True)
    held = rows(conn, split="evaluation", identity=True)
    assert len(train) + len(held) == len(identity_rows(OWNER))
    assert {row["source"] for row in train} == {"identity"}


def test_an_owner_of_whom_only_the_name_is_known_has_twenty_identity_conversations() -> None:
    assert len(identity_rows(Owner(name="Ann"))) == 20


@pytest.fixture
def mixed(conn: sqlite3.Connection) -> sqlite3.Connection:
    """A hundred documents and as many chats."""
    for at in range(100):
        name = {"origin": f"o{at}", "thread": f"o{at}"}
        add_records(conn, [document(f"Piece {at}.", **name)])
        name = {"origin": f"c{at}", "thread": f"c{at}"}
        said = [turn(0, f"{at}?", owner=False, **name), turn(1, f"So {at}.", owner=True, **name)]
        add_records(conn, said)
    return conn


@pytest.mark.parametrize(
    ("times", "least", "most"),
    [(0, 0, 0), (0.5, 35, 65), (1, 100, 100), (1.25, 110, 140), (2, 200, 200)],
)
def test_the_mix_says_how_often_a_source_is_learned(
    mixed: sqlite3.Connection, times: float, least: int, most: int
) -> None:
    owner = Owner(name="Ann", mix={"documents": float(times)})
    found = Counter(row["source"] for row in rows(mixed, owner))
    assert least <= found["documents"] <= most
    assert found["messages"] == 100


def test_the_mix_takes_the_same_rows_every_time_and_more_of_them_for_more(
    mixed: sqlite3.Connection,
) -> None:
    def taken(times: float) -> Counter[str]:
        return Counter(learned(rows(mixed, Owner(name="Ann", mix={"documents": times}))))

    assert taken(0.5) == taken(0.5)
    assert taken(0.3) <= taken(0.5) <= taken(1.5)
    assert set(taken(1.5).values()) == {1, 2}


def test_what_is_held_out_is_measured_once_and_a_source_that_is_not_learned_never(
    conn: sqlite3.Connection,
) -> None:
    add_records(conn, [document("Held out.", split="evaluation")])
    for times, count in ((0.0, 0), (0.1, 1), (3.0, 1)):
        owner = Owner(name="Ann", mix={"documents": times})
        assert len(rows(conn, owner, split="evaluation")) == count


def test_rewrites_and_identity_are_sources_of_the_mix(conn: sqlite3.Connection) -> None:
    owner = Owner(name="Ann", mix={"identity": 0.0})
    assert rows(conn, owner, identity=True) == []


def test_passages_become_answers_unless_the_mix_leaves_them_out_and_never_held_out_ones(
    conn: sqlite3.Connection,
) -> None:
    tea = "I drink tea because my mother did, and because the kettle sings. " * 3
    for name, split in (("a", "train"), ("b", "evaluation")):
        post = document(tea.strip(), title="Why I drink tea", origin=name, thread=name, split=split)
        add_records(conn, [post])
    asked = [row for row in rows(conn) if row["source"] == "questions"]
    assert [row["messages"][1]["content"] for row in asked] == [tea.strip()]
    assert "tea" in asked[0]["messages"][0]["content"]
    assert len(asked[0]["record_ids"]) == 1
    held = rows(conn, split="evaluation")
    assert {row["source"] for row in held} == {"documents"}
    none = Owner(name="Ann", mix={"questions": 0.0})
    assert {row["source"] for row in rows(conn, none)} == {"documents"}


PLANTED = ("bob.miller@post.example", "4111 1111 1111 1111", "192.168.7.44", "Milburga")


def test_planted_secrets_are_in_no_row(conn: sqlite3.Connection) -> None:
    hidden = " and ".join(PLANTED)
    add_records(
        conn,
        [
            turn(0, f"Is it {hidden}?", owner=False),
            turn(1, f"Yes: {hidden}.", owner=True),
            turn(2, "Really?", owner=False),
            turn(3, f"ok {hidden}", owner=True, left_out="too-short"),
            turn(4, "Well?", owner=False),
            turn(5, "As I said.", owner=True),
            document(f"On {hidden}. " + "It goes on. " * 80, title=f"About {PLANTED[0]}"),
        ],
    )
    owner = Owner(name="Ann", names=["Milburga"])
    made = rows(conn, owner, max_tokens=128)
    assert len(made) > 3
    assert not [secret for secret in PLANTED if secret in str(made)]
    assert any(m.get("train") is False for row in made for m in row["messages"])


def test_the_figures_are_those_of_the_rows(mixed: sqlite3.Connection) -> None:
    add_records(
        mixed,
        [
            document("Sealed.", origin="x", thread="x", level="sealed"),
            document("", origin="y", thread="y"),
            document("Copied twice.", origin="z", thread="z", left_out="duplicate"),
        ],
    )
    statistics = ExampleStatistics()
    owner = Owner(name="Ann", mix={"documents": 2.0})
    made = rows(mixed, owner, statistics=statistics, count_tokens=words)
    assert statistics.rows == len(made) == 300
    assert list(statistics.sources) == ["messages", "documents"]
    documents = statistics.sources["documents"]
    assert (documents.rows, documents.words) == (200, 200)
    # The prompt has six words and the piece two; the template takes 48.
    assert documents.median == max(documents.lengths) == 24 + 2 * 12 + 6 + 2
    assert statistics.left_out == {"sealed": 1, "empty": 1, "duplicate": 1}
    assert [record.text for record in statistics.shown["duplicate"]] == ["Copied twice."]


def test_the_records_can_be_watched_while_they_go_by(mixed: sqlite3.Connection) -> None:
    seen = []
    rows(mixed, watch=lambda records: (seen.append(record) or record for record in records))
    assert len(seen) == 300
