import sqlite3

import pytest

from align.store.adding import add_records
from align.store.answers import Answer, add_answers
from align.store.connection import connect, in_memory
from align.store.merge import merge
from align.store.prompts import Prompt, add_prompts, iter_prompts
from align.store.records import iter_records
from align.store.search import drop, search
from tests.store.rows import record


@pytest.fixture
def conn() -> sqlite3.Connection:
    conn = in_memory()
    texts = ("We climbed the hill in the rain.", "A café by the sea", "nothing of that")
    add_records(conn, [record(t, key=str(i), position=i) for i, t in enumerate(texts)])
    return conn


def found(conn: sqlite3.Connection, query: str) -> list[str]:
    return [each.text for each in search(conn, query)]


def test_records_are_found_by_words_beginnings_and_rows_of_words(conn: sqlite3.Connection) -> None:
    assert found(conn, "hill rain") == ["We climbed the hill in the rain."]
    assert found(conn, "climb*") == ["We climbed the hill in the rain."]
    assert found(conn, "cafe") == ["A café by the sea"]
    assert found(conn, '"the sea"') == ["A café by the sea"]
    assert found(conn, '"sea the"') == []
    assert found(conn, "hill sea") == []


@pytest.mark.parametrize(
    "query", ["", "  ", '"', '""', "*", "AND", "a OR", "text:", "(", "-x", "^"]
)
def test_no_query_is_an_error(conn: sqlite3.Connection, query: str) -> None:
    assert isinstance(found(conn, query), list)


def test_what_came_after_a_search_is_found_by_the_next(conn: sqlite3.Connection) -> None:
    assert found(conn, "lighthouse") == []
    add_records(conn, [record("The lighthouse.", key="9", position=9)])
    assert found(conn, "lighthouse") == ["The lighthouse."]


def test_what_is_dropped_is_gone_and_does_not_come_back(conn: sqlite3.Connection) -> None:
    assert found(conn, "hill")
    [hill] = [each for each in iter_records(conn) if "hill" in each.text]
    drop(conn, [hill])
    assert found(conn, "hill") == []
    dump = "\n".join(conn.iterdump())
    assert "climbed" not in dump
    add_records(conn, [record("We climbed the hill in the rain.", key="0")])
    assert found(conn, "hill") == []
    assert [e.left_out for e in iter_records(conn, include_left_out=True)] == [
        "dropped",
        None,
        None,
    ]


def test_the_words_of_what_is_dropped_leave_the_file(tmp_path) -> None:
    path = tmp_path / "twin.db"
    conn = connect(path, create=True)
    secret = record("zanzibarwort " * 3)
    add_records(conn, [secret])
    assert found(conn, "zanzibarwort")
    drop(conn, [secret])
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    assert b"zanzibarwort" not in path.read_bytes()


def test_prompts_of_what_is_dropped_go_or_are_sealed(conn: sqlite3.Connection) -> None:
    hill, sea, _ = iter_records(conn)
    prompts = [
        Prompt.new(
            [{"role": "user", "content": each.text}],
            source="asked", thread="t", split="train", records=[each.id],
        )
        for each in (hill, sea)
    ]  # fmt: skip
    add_prompts(conn, prompts)
    settings = {"temperature": 1.0}
    answer = Answer(
        prompt_id=prompts[1].id, text="Yes.", checkpoint="001-sft", checkpoint_hash="h",
        settings=settings, seed=0, n=0,
    )  # fmt: skip
    add_answers(conn, [answer])
    assert drop(conn, [hill, sea]) == 1
    assert [(each.id, each.level) for each in iter_prompts(conn)] == [(prompts[1].id, "sealed")]


def test_what_one_machine_dropped_is_gone_after_a_merge(conn: sqlite3.Connection) -> None:
    other = in_memory()
    merge(other, conn)
    drop(conn, [next(iter_records(conn))])
    merge(other, conn)
    assert [each.text for each in iter_records(other)] == ["A café by the sea", "nothing of that"]
    merge(conn, other)
    assert "climbed" not in "\n".join(conn.iterdump())
