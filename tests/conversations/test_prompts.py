"""What a twin is asked: the shipped list, files of prompts, and what people asked the owner."""

import json
import sqlite3
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from align.conversations.prompts import (
    CONTEXT_TURNS,
    add_asked_prompts,
    add_bundled_prompts,
    bundled_prompts,
    read_prompts,
    true_replies,
)
from align.errors import UserError
from align.owner import Conversations, Owner
from align.store.adding import add_records
from align.store.connection import connect
from align.store.neighbours import owner_messages
from align.store.prompts import Prompt, iter_prompts
from align.store.records import Record, set_level
from align.text.similarity import similarity

ANN = Owner(name="Ann")


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "twin.db", create=True)


def chat(
    conn: sqlite3.Connection, *said: tuple[Any, ...], thread: str = "t", **fields: Any
) -> list[Record]:
    """Add a conversation of ("ann" or another, text) or (who, text, fields) and return it."""
    records = []
    for at, (who, text, *more) in enumerate(said):
        kept: dict[str, Any] = {"kind": "turn", "source": "telegram", "level": "open",
                                "split": "train", "origin": thread}  # fmt: skip
        kept |= fields | (more[0] if more else {})
        records.append(
            Record.new(thread=thread, position=at, author=who, is_owner=who == "ann", text=text,
                       **kept)
        )  # fmt: skip
    add_records(conn, records)
    return records


def asked(conn: sqlite3.Connection) -> list[list[str]]:
    """Return what each prompt that people asked says, the shortest first."""
    found = [[m["content"] for m in p.messages] for p in iter_prompts(conn, source="asked")]
    return sorted(found, key=lambda texts: (len(texts), texts))


def replies(conn: sqlite3.Connection, owner: Owner = ANN) -> dict[str, str]:
    """Return the owner's reply by the prompt's last message."""
    prompts = list(iter_prompts(conn, source="asked"))
    found = true_replies(conn, owner, prompts)
    return {prompt.text: found[prompt.id] for prompt in prompts if prompt.id in found}


def test_the_bundled_prompts_are_many_in_each_category() -> None:
    prompts = bundled_prompts(0.1)
    assert len(prompts) >= 400
    categories = Counter(prompt.thread.split("/")[1] for prompt in prompts)
    assert min(categories.values()) >= 30
    assert set(categories) >= {
        "greeting", "small-talk", "opinion", "advice", "plans", "feelings", "identity", "work",
        "refusal", "follow-up",
    }  # fmt: skip
    assert len({prompt.thread for prompt in prompts}) == len(prompts)
    assert len({prompt.id for prompt in prompts}) == len(prompts)
    assert {prompt.split for prompt in prompts} == {"train", "evaluation"}


def test_no_two_bundled_prompts_are_nearly_the_same() -> None:
    texts = [" ".join(m["content"] for m in prompt.messages) for prompt in bundled_prompts(0.1)]
    near = [(a, b) for a, b in combinations(texts, 2) if similarity(a, b) > 0.8]
    assert near == []


def test_follow_ups_have_turns_before_and_an_assistant_who_could_be_anybody() -> None:
    follow_ups = [p for p in bundled_prompts(0.1) if p.thread.startswith("bundled/follow-up/")]
    assert all("\n\n" in p.text or len(p.messages) == 3 for p in follow_ups)
    said = [m["content"] for p in follow_ups for m in p.messages if m["role"] == "assistant"]
    assert said and all(len(text.split()) <= 3 for text in said)


def test_bundled_prompts_are_added_once(conn: sqlite3.Connection) -> None:
    count = len(bundled_prompts(0.1))
    assert add_bundled_prompts(conn, 0.1) == (count, 0)
    assert add_bundled_prompts(conn, 0.1) == (0, count)


def test_conversations_are_read_and_both_sides_take_turns(tmp_path: Path) -> None:
    said = [("user", "Hi! "), ("user", "You there?"), ("assistant", "Yes."), ("user", "Good.")]
    messages = [{"role": role, "content": text} for role, text in said]
    file = tmp_path / "p.jsonl"
    file.write_text(json.dumps({"messages": messages, "thread": "mine"}) + '\n{"prompt": "Why?"}\n')
    first, second = read_prompts(file, 0.1)
    assert [(m["role"], m["content"]) for m in first.messages] == [
        ("user", "Hi!\n\nYou there?"),
        ("assistant", "Yes."),
        ("user", "Good."),
    ]
    assert (first.thread, second.text) == ("mine", "Why?")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"messages": []}, "no prompt"),
        ({"messages": "Hi"}, "no prompt"),
        ({"messages": [None]}, "no prompt"),
        ({"messages": [{"role": "user", "content": " "}]}, "no prompt"),
        ({"messages": [{"role": "system", "content": "Be."}]}, "no prompt"),
        ({"messages": [{"role": "assistant", "content": "Hi."}]}, "begin and end"),
        ({"prompt": 3}, "no prompt"),
        ({"prompt": "Hi", "thread": 3}, "'thread'"),
    ],
)
def test_a_row_that_is_no_prompt_is_named_with_its_line(
    tmp_path: Path, row: dict[str, Any], what: str
) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"prompt": "x"}\n' + json.dumps(row) + "\n")
    with pytest.raises(UserError, match=f"p.jsonl:2: .*{what}"):
        read_prompts(file, 0.1)


def test_what_was_asked_becomes_prompts_with_the_turns_before(conn: sqlite3.Connection) -> None:
    records = chat(
        conn, ("ann", "Hello!"), ("ben", "Hi."), ("ben", "Coming?"), ("ann", "Yes, I am."),
        ("ann", "At six."), ("ben", "Good."), ("ann", "See you."), ("ben", "Bye."),
    )  # fmt: skip
    assert add_asked_prompts(conn, ANN) == (2, 0)
    first, second = asked(conn)
    assert first[0].endswith("Hi.\n\nComing?")
    assert second[1:] == ["Yes, I am.\n\nAt six.", "Good."]
    assert replies(conn) == {first[0]: "Yes, I am.\n\nAt six.", "Good.": "See you."}
    [prompt] = [p for p in iter_prompts(conn) if p.text == "Good."]
    assert (prompt.thread, prompt.split, prompt.source) == ("t", "train", "asked")
    assert set(prompt.records) == {record.id for record in records[:6]}
    assert add_asked_prompts(conn, ANN) == (0, 2)


def test_a_prompt_has_eight_turns_at_most_and_begins_with_somebody_else(
    conn: sqlite3.Connection,
) -> None:
    said = [("ann" if at % 2 else "ben", f"This is turn {at}.") for at in range(30)]
    chat(conn, *said)
    add_asked_prompts(conn, ANN)
    prompts = list(iter_prompts(conn, source="asked"))
    assert max(len(prompt.messages) for prompt in prompts) == CONTEXT_TURNS - 1
    assert {prompt.messages[0]["role"] for prompt in prompts} == {"user"}


def test_what_is_left_out_gives_no_prompt(conn: sqlite3.Connection) -> None:
    chat(
        conn, ("ben", "Dinner?"), ("ann", "No class today", {"left_out": "context-bound"}),
        ("ben", "What do you mean?"), ("ann", "There is none, it was moved."),
    )  # fmt: skip
    chat(
        conn, ("ben", "", {"left_out": "media-only"}), ("ann", "That is a lovely dog."),
        ("ann", "Whose is it?"), thread="pictures",
    )  # fmt: skip
    add_asked_prompts(conn, ANN)
    assert [texts[-1] for texts in asked(conn)] == ["What do you mean?"]


def test_a_short_word_before_it_does_not_lose_the_reply(conn: sqlite3.Connection) -> None:
    chat(
        conn, ("ben", "Are you coming tonight?"), ("ann", "ok", {"left_out": "too-short"}),
        ("ann", "I will be there at eight."),
    )  # fmt: skip
    add_asked_prompts(conn, ANN)
    assert replies(conn) == {"Are you coming tonight?": "ok\n\nI will be there at eight."}


def test_a_reply_to_what_lies_elsewhere_gives_no_prompt(conn: sqlite3.Connection) -> None:
    chat(
        conn, ("ben", "Look at this.", {"key": "1"}),
        ("ann", "I never said that.", {"key": "2", "reply_to": "gone"}),
    )  # fmt: skip
    assert add_asked_prompts(conn, ANN) == (0, 0)


def test_sealed_writing_gives_no_prompt_and_no_reply(conn: sqlite3.Connection) -> None:
    chat(conn, ("ben", "Secret?"), ("ann", "Very much so."), level="sealed")
    chat(conn, ("ben", "Open?"), ("ann", "Wide open."), thread="open")
    assert add_asked_prompts(conn, ANN) == (1, 0)
    assert replies(conn) == {"Open?": "Wide open."}
    [reply] = [p for p in owner_messages(conn)]
    set_level(conn, "sealed", id=reply.id)
    assert replies(conn) == {}
    assert [prompt.level for prompt in iter_prompts(conn)] == ["open"]


def test_a_prompt_is_as_private_as_its_records_and_on_their_side(conn: sqlite3.Connection) -> None:
    chat(conn, ("ben", "Alone?"), ("ann", "Yes, alone."), level="train-only", split="evaluation")
    add_asked_prompts(conn, ANN)
    [prompt] = iter_prompts(conn)
    assert (prompt.level, prompt.split) == ("train-only", "evaluation")


def test_names_and_addresses_are_taken_out_of_prompts_and_replies(conn: sqlite3.Connection) -> None:
    chat(conn, ("ben", "Mail Zora at zora@example.org?"), ("ann", "I wrote to Zora already."))
    owner = Owner(name="Ann", names=["Zora"])
    add_asked_prompts(conn, owner)
    said = json.dumps([asked(conn), list(replies(conn, owner).values())])
    assert replies(conn, owner)
    assert "Zora" not in said and "zora@" not in said


def test_the_limit_holds_on_each_side_and_what_stands_counts(conn: sqlite3.Connection) -> None:
    for at in range(60):
        side = "evaluation" if at % 3 == 0 else "train"
        chat(conn, ("ben", f"What about {at}?"), ("ann", f"Nothing about {at}."), thread=f"t{at}",
             split=side)  # fmt: skip
    assert add_asked_prompts(conn, ANN, limit=8) == (10, 0)
    sides = Counter(prompt.split for prompt in iter_prompts(conn))
    assert sides == {"train": 8, "evaluation": 2}
    before = list(iter_prompts(conn))
    assert add_asked_prompts(conn, ANN, limit=8) == (0, 10)
    assert list(iter_prompts(conn)) == before
    assert add_asked_prompts(conn, ANN, limit=1000) == (50, 10)


def test_the_owners_messages_are_found_without_sorting_the_store(conn: sqlite3.Connection) -> None:
    queries: list[str] = []
    conn.set_trace_callback(queries.append)
    next(owner_messages(conn), None)
    conn.set_trace_callback(None)
    plan = " ".join(row[3] for row in conn.execute(f"EXPLAIN QUERY PLAN {queries[0]}"))
    assert "sqlite_autoindex_records_1" in plan and "TEMP B-TREE" not in plan


def test_of_what_was_asked_twice_the_reply_is_the_prompts_own(conn: sqlite3.Connection) -> None:
    chat(conn, ("ben", "How are you?"), ("ann", "Fine, on the one side."), thread="a")
    chat(conn, ("eve", "How are you?"), ("ann", "Tired, on the other."), thread="b",
         split="evaluation")  # fmt: skip
    add_asked_prompts(conn, ANN)
    [prompt] = iter_prompts(conn)
    wanted = {"a": "Fine, on the one side.", "b": "Tired, on the other."}
    assert replies(conn) == {"How are you?": wanted[prompt.thread]}


def test_prompts_that_nobody_asked_have_no_reply(conn: sqlite3.Connection) -> None:
    message = {"role": "user", "content": "Hm?"}
    prompt = Prompt.new([message], source="added", thread="x", split="train")
    assert true_replies(conn, ANN, [prompt]) == {}


def test_a_prompt_that_was_made_with_other_settings_keeps_its_reply(
    conn: sqlite3.Connection,
) -> None:
    chat(conn, ("ben", "One thing."), ("ben", "And Zora."), ("ann", "Zora knows both."))
    add_asked_prompts(conn, ANN)
    plain = Owner(name="Ann", names=["Zora"], conversations=Conversations(join="newline"))
    [reply] = replies(conn, plain).values()
    assert reply.endswith("knows both.") and "Zora" not in reply
    add_asked_prompts(conn, plain)
    assert [("\n\n" in texts[0]) for texts in asked(conn)].count(True) == 1
    assert len(replies(conn, plain)) == 2


def test_in_a_channel_the_reply_is_the_one_to_the_person_who_asked(
    conn: sqlite3.Connection,
) -> None:
    chat(
        conn,
        ("ben", "How do I mount a disk?"),
        ("eve", "Which page is it?"),
        ("ann", "eve: the first one"),
        ("eve", "ben: did you read it?"),
        ("ann", "ben: with the mount command"),
    )
    add_asked_prompts(conn, ANN)
    assert asked(conn) == [["How do I mount a disk?"], ["Which page is it?"]]
    assert replies(conn) == {
        "How do I mount a disk?": "with the mount command",
        "Which page is it?": "the first one",
    }
