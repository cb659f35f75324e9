import pytest

from align.levels import LEVELS
from align.store.adding import add_records
from align.store.connection import in_memory
from align.store.ids import content_id, split_of
from align.store.prompts import Prompt, add_prompts, iter_prompts
from align.store.records import iter_records, set_level
from tests.store.rows import prompt, record


def test_a_record_read_twice_is_there_once() -> None:
    conn = in_memory()
    assert add_records(conn, [record()]) == (1, 0)
    assert add_records(conn, [record()]) == (0, 1)
    assert list(iter_records(conn)) == [record()]


def test_ids_come_from_content_and_keep_the_parts_apart() -> None:
    assert record().id == record().id
    post = {"kind": "document", "key": None}
    assert record(title="A", **post).id != record(title="B", **post).id
    assert record(author="Ann", thread="t").id == record(author="Ann K.", thread="u").id
    twice = [record(time="2024-05-01T10:00:00", nth=nth, position=nth).id for nth in (0, 1)]
    assert len(set(twice)) == 2
    assert content_id("ab", "c") != content_id("a", "bc")
    assert len(content_id("x")) == 16


def test_an_edited_record_supersedes_the_one_in_its_place() -> None:
    conn = in_memory()
    add_records(conn, [record("first", key="0"), record("other", key="1", position=1)])
    add_records(conn, [record("second", key="0")])
    assert [each.text for each in iter_records(conn)] == ["second", "other"]
    kept = {each.text: each.left_out for each in iter_records(conn, include_left_out=True)}
    assert kept == {"first": "superseded", "second": None, "other": None}


def test_an_edit_that_is_taken_back_counts_again() -> None:
    conn = in_memory()
    for text in ("first", "second", "first"):
        add_records(conn, [record(text, key="0")])
    assert [each.text for each in iter_records(conn)] == ["first"]


def test_an_edited_document_supersedes_the_one_in_its_place() -> None:
    conn = in_memory()
    for text in ("first", "second"):
        add_records(conn, [record(text, kind="document"), record("b", kind="document", origin="b")])
    assert [each.text for each in iter_records(conn)] == ["b", "second"]


def test_messages_without_a_key_never_supersede() -> None:
    conn = in_memory()
    moment = {"time": "2024-05-01T10:00:00", "nth": 0}
    for text in ("first", "second"):
        add_records(conn, [record(text, **moment)])
    assert sorted(each.text for each in iter_records(conn)) == ["first", "second"]


def test_a_newer_export_adds_only_what_is_new_and_to_the_same_thread() -> None:
    conn = in_memory()
    old = [record(f"m{i}", key=str(i), position=i, thread="c/2") for i in range(2, 5)]
    add_records(conn, old)
    # It begins earlier, so its first thread has another name.
    newer = [record(f"m{i}", key=str(i), position=i, thread="c/0") for i in range(7)]
    assert add_records(conn, newer) == (4, 3)
    found = list(iter_records(conn))
    assert [each.text for each in found] == [f"m{i}" for i in range(7)]
    assert {each.thread for each in found} == {"c/2"}


def test_who_is_the_owner_and_why_something_is_left_out_is_what_the_newest_reading_says() -> None:
    conn = in_memory()
    add_records(conn, [record(is_owner=False, left_out="too-short")])
    add_records(conn, [record(is_owner=True)])
    assert [(each.is_owner, each.left_out) for each in iter_records(conn)] == [(True, None)]


def test_the_split_is_decided_once_and_never_moves() -> None:
    conn = in_memory()
    add_records(conn, [record(split="evaluation")])
    add_records(conn, [record("more", position=1, split="train")])
    add_prompts(conn, [prompt(thread=record().thread, split="train")])
    assert {each.split for each in iter_records(conn)} == {"evaluation"}
    assert [each.split for each in iter_prompts(conn)] == ["evaluation"]


def test_the_split_is_a_share_of_the_threads() -> None:
    sides = [split_of(f"thread {i}", 0.2) for i in range(2000)]
    assert 0.17 < sides.count("evaluation") / 2000 < 0.23
    assert split_of("x", 0.0) == "train"


def test_records_come_by_thread_and_position_and_can_be_narrowed() -> None:
    conn = in_memory()
    records = [
        record("b1", thread="b", position=1, is_owner=False),
        record("b0", thread="b", position=0),
        record("a0", thread="a", level="sealed", split="evaluation"),
        record("c0", thread="c", kind="document"),
    ]
    add_records(conn, records)
    assert [each.text for each in iter_records(conn)] == ["a0", "b0", "b1", "c0"]
    assert [each.text for each in iter_records(conn, levels=["open"], kind="turn")] == ["b0", "b1"]
    assert [each.text for each in iter_records(conn, split="evaluation")] == ["a0"]
    assert [each.text for each in iter_records(conn, is_owner=False)] == ["b1"]
    assert list(iter_records(conn, levels=[])) == []


def test_prompts_follow_the_privacy_of_the_records_behind_them() -> None:
    conn = in_memory()
    question, answer = record("Why?", is_owner=False), record("Because.", position=1)
    add_records(conn, [question, answer])
    asked = Prompt.new(
        [{"role": "user", "content": "Why?"}],
        source="asked",
        thread=question.thread,
        split="train",
        level="open",
        records=[question.id],
    )
    add_prompts(conn, [asked])
    for level in ("sealed", "train-only", "open"):
        set_level(conn, level, id=question.id)
        assert [each.level for each in iter_prompts(conn)] == [level]
    set_level(conn, "sealed", source="question-answers")
    assert list(iter_prompts(conn, levels=["open", "train-only"])) == []
    assert {each.level for each in iter_records(conn)} == {"sealed"}


def test_what_was_sealed_stays_sealed_when_it_is_edited_or_goes_on() -> None:
    conn = in_memory()
    add_records(conn, [record("one", key="0"), record("two", key="1", position=1)])
    set_level(conn, "sealed", id=record("one", key="0").id)
    add_records(conn, [record("one, edited", key="0")])
    levels = {each.text: each.level for each in iter_records(conn)}
    assert levels == {"one, edited": "sealed", "two": "open"}
    set_level(conn, "train-only", thread=record().thread)
    add_records(conn, [record("three", key="2", position=2)])
    assert [each.level for each in iter_records(conn)] == ["train-only"] * 3


def test_a_level_is_set_of_one_thing_at_a_time() -> None:
    with pytest.raises(ValueError, match="one of"):
        set_level(in_memory(), "open", source="a", thread="b")


def test_text_that_no_file_can_hold_is_stored_with_a_mark() -> None:
    conn = in_memory()
    add_records(conn, [record("half a \ud83d pair", thread="t\udc00")])
    assert [each.text for each in iter_records(conn)] == ["half a � pair"]


def test_a_prompt_ends_with_the_users_message() -> None:
    with pytest.raises(ValueError, match="last message"):
        Prompt.new(
            [{"role": "assistant", "content": "x"}], source="added", thread="t", split="train"
        )


def test_the_levels_are_ordered_from_open_to_sealed() -> None:
    assert LEVELS == ("open", "train-only", "sealed")
