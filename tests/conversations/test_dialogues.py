"""A channel with nicks becomes dialogues; any other conversation stays as it is."""

from typing import Any

from align.conversations.dialogues import dialogues
from align.store.records import Record
from tests.conversations.test_turns import said, shown, turns


def channel(*messages: tuple[str, str], **more: Any) -> list[Record]:
    return [said(author, text, **more) for author, text in messages]


def test_an_answer_follows_what_the_person_said_to_whom_it_is_said() -> None:
    records = channel(
        ("bob", "my disk is full"),
        ("cleo", "how do I mount one?"),
        ("dora", "cleo: read the page"),
        ("Ann", "bob: empty the bin"),
        ("Ann", "cleo, with mount"),
        ("cleo", "dora: which page?"),
        ("cleo", "Ann: as root?"),
        ("bob", "ok"),
        ("Ann", "cleo: yes"),
    )
    assert shown(turns(*records)) == [
        ("other", "my disk is full"),
        ("owner", "empty the bin"),
        ("other", "how do I mount one?"),
        ("owner", "with mount"),
        ("other", "as root?"),
        ("owner", "yes"),
    ]
    assert [turn.starts_anew for turn in turns(*records)] == [True, False] * 2 + [False] * 2
    # The records are those that were read in.
    assert {r.id for turn in turns(*records) for r in turn.records} <= {r.id for r in records}


def test_what_is_said_to_nobody_by_name_goes_on_answers_or_stands_alone() -> None:
    records = channel(
        ("bob", "my disk is full"),
        ("Ann", "bob: empty the bin"),
        ("Ann", "and the cache"),
        ("cleo", "hello all"),
        ("dora", "bob: hm"),
        ("Ann", "hello, this is a quiet day"),
        ("bob", "Ann: it worked"),
        ("dora", "good"),
        ("Ann", "glad to hear it"),
    )
    assert shown(turns(*records)) == [
        ("other", "my disk is full"),
        ("owner", "empty the bin\n\nand the cache"),
        ("other", "it worked"),
        ("owner", "glad to hear it"),
        ("other", "Person A: hello all\n\nPerson B: hm"),
        ("owner", "hello, this is a quiet day"),
    ]


def test_only_the_last_messages_are_what_is_answered() -> None:
    records = channel(
        *(("bob", f"line {at}") for at in range(9)),
        ("cleo", "dora: hi"),
        ("dora", "cleo: hi"),
        ("Ann", "bob: I see"),
    )
    assert turns(*records)[0].text.split("\n\n") == [f"line {at}" for at in range(5, 9)]


def test_what_is_missing_of_a_person_cuts_their_dialogue_alone() -> None:
    records = [
        *channel(("bob", "look"), ("cleo", "is it on?")),
        said("bob", "", left_out="media-only"),
        *channel(("Ann", "bob: nice picture"), ("Ann", "cleo: it is")),
    ]
    answers = [turn.text for turn in turns(*records) if turn.is_owner]
    assert answers == ["it is"]


def test_a_conversation_without_the_habit_is_as_it_was() -> None:
    records = channel(("Bob", "hi Ann"), ("Cleo", "hi"), ("Ann", "hello, Bob and Cleo"))
    assert dialogues(records) == [records]
