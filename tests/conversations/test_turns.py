"""Records become speaking turns: bursts, gaps, several people, reply links, what is missing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.conversations.turns import (
    MESSAGE_BREAK,
    SpeakingTurn,
    join_burst,
    speaking_turns,
    split_burst,
)
from align.owner import Conversations
from align.store.records import Record

SETTINGS = Conversations()


def said(author: str, text: str, minute: int | None = None, **more: Any) -> Record:
    """Make a message; the owner is Ann."""
    said.position += 1  # type: ignore[attr-defined]
    values = {"source": "whatsapp", "origin": "whatsapp/c", "thread": "t", "split": "train"} | more
    values.setdefault("level", "train-only")
    if minute is not None:
        values["time"] = f"2024-03-01T{10 + minute // 60:02d}:{minute % 60:02d}:00+00:00"
    return Record.new(
        kind="turn", text=text, author=author, is_owner=author == "Ann",
        position=said.position, **values,  # type: ignore[attr-defined]
    )  # fmt: skip


said.position = 0  # type: ignore[attr-defined]


def turns(*records: Record, **settings: Any) -> list[SpeakingTurn]:
    return speaking_turns(records, Conversations(**settings))


def shown(found: list[SpeakingTurn]) -> list[tuple[str, str]]:
    return [("owner" if turn.is_owner else "other", turn.text) for turn in found]


def test_a_burst_is_one_turn_of_separate_messages() -> None:
    found = turns(
        said("Bob", "hey", 0),
        said("Bob", "you around?", 1),
        said("Ann", "yes", 2),
        said("Ann", "just home", 30),
    )
    assert shown(found) == [("other", "hey\n\nyou around?"), ("owner", "yes\n\njust home")]
    assert [turn.is_learned for turn in found] == [False, True]
    assert [len(turn.records) for turn in found] == [2, 2]
    assert split_burst(found[1].text) == ["yes", "just home"]


def test_a_burst_may_be_joined_by_lines() -> None:
    found = turns(said("Bob", "hey"), said("Ann", "yes"), said("Ann", "home"), join="newline")
    assert shown(found) == [("other", "hey"), ("owner", "yes\nhome")]


def test_blank_lines_inside_a_burst_are_no_breaks_and_a_lone_message_keeps_them() -> None:
    found = turns(
        said("Bob", "One.\n\nTwo."), said("Ann", "First.\n \n\nStill first."), said("Ann", "Next.")
    )
    assert shown(found) == [("other", "One.\n\nTwo."), ("owner", "First.\nStill first.\n\nNext.")]


@given(st.lists(st.text(max_size=40), max_size=5))
def test_a_joined_burst_splits_into_its_messages(messages: list[str]) -> None:
    written = [" ".join(message.split()) for message in messages if message.strip()]
    found = split_burst(join_burst(messages))
    assert " ".join(" ".join(found).split()) == " ".join(written)
    if len(written) != 1:
        assert [" ".join(message.split()) for message in found] == written
    assert all(MESSAGE_BREAK not in message for message in found)


def test_what_the_owner_adds_much_later_is_quoted_before_its_answer() -> None:
    found = turns(
        said("Bob", "home?", 0),
        said("Ann", "yes", 1),
        said("Ann", "dinner at eight?", 90),
        said("Bob", "sure", 95),
        said("Ann", "good", 96),
    )
    assert shown(found) == [
        ("other", "home?"),
        ("owner", "yes"),
        ("other", "> dinner at eight?\nsure"),
        ("owner", "good"),
    ]
    assert [turn.starts_anew for turn in found] == [True, False, False, False]
    assert len(found[2].records) == 2


def test_times_that_are_missing_or_broken_tear_no_burst() -> None:
    times = (None, "no time at all", "2024-03-01T10:00:00", "2024-03-01T09:59:00+00:00")
    mine = [said("Ann", f"m{at}", time=time) for at, time in enumerate(times)]
    assert shown(turns(said("Bob", "well?"), *mine))[1] == ("owner", "m0\n\nm1\n\nm2\n\nm3")


def test_an_opening_is_nobodys_answer_but_is_quoted() -> None:
    found = turns(said("Ann", "lunch?"), said("Bob", "where"), said("Ann", "the thai place"))
    assert shown(found) == [("other", "> lunch?\nwhere"), ("owner", "the thai place")]
    assert turns(said("Ann", "note to self"), said("Ann", "buy milk")) == []


def test_only_the_end_of_a_long_monologue_is_quoted() -> None:
    mine = [said("Ann", f"thought {at} " + "very " * at * 20) for at in range(9)]
    (asked,) = turns(*mine, said("Bob", "hm"))
    quotes = asked.text.split("\n")[:-1]
    assert len(quotes) == 4
    assert quotes[0].startswith("> thought 5")
    assert all(len(line) <= 250 and line.endswith("…") for line in quotes)


@pytest.mark.parametrize("reason", ["superseded", "system"])
def test_what_leaves_no_gap_vanishes(reason: str) -> None:
    found = turns(
        said("Bob", "home?"),
        said("Bob", "GONE", left_out=reason),
        said("Bob", "", left_out=None),
        said("Ann", "yes"),
        said("Ann", "GONE", left_out=reason),
        said("Ann", "just now"),
    )
    assert shown(found) == [("other", "home?"), ("owner", "yes\n\njust now")]


@pytest.mark.parametrize(
    "missing",
    [
        {"level": "sealed"},
        {"left_out": "media-only", "text": ""},
        {"left_out": "forwarded"},
        {"left_out": "of a kind that nobody knows"},
    ],
)
def test_what_is_missing_cuts_and_what_answers_it_goes_too(missing: dict[str, Any]) -> None:
    text = missing.pop("text", "GONE")
    found = turns(
        said("Bob", "first?"),
        said("Ann", "one"),
        said("Bob", text, **missing),
        said("Ann", "an answer to what is gone"),
        said("Bob", "second?"),
        said("Ann", "two"),
    )
    assert shown(found) == [
        ("other", "first?"),
        ("owner", "one"),
        ("other", "second?"),
        ("owner", "two"),
    ]
    assert [turn.starts_anew for turn in found] == [True, False, True, False]


def test_context_stays_and_a_turn_made_of_it_alone_is_not_learned() -> None:
    found = turns(
        said("Bob", "coming?", left_out="too-short"),
        said("Ann", "ok", left_out="too-short"),
        said("Bob", "when then?"),
        said("Ann", "ok", left_out="too-short"),
        said("Ann", "when the bread is out of the oven"),
        said("Bob", "good"),
        said("Ann", "fine"),
        said("Ann", "see http://a.example and b", left_out="link-only"),
    )
    assert [turn.is_learned for turn in found if turn.is_owner] == [False, True, False]
    assert next(turn.text for turn in found if turn.is_owner) == "ok"


def test_several_people_of_a_turn_keep_apart_as_letters_and_no_name_leaves() -> None:
    found = turns(
        said("Bob", "who is in?"),
        said("Cleo", "me"),
        said("Bob", "nice"),
        said("Ann", "me too"),
        said("Dora", "and me"),
    )
    assert shown(found) == [
        ("other", "Person A: who is in?\n\nPerson B: me\n\nPerson A: nice"),
        ("owner", "me too"),
        ("other", "and me"),
    ]
    crowd = [said(f"p{at}", "hi") for at in range(28)]
    assert turns(*crowd)[0].text.split("\n\n")[-2:] == ["Person AA: hi", "Person AB: hi"]


def test_a_single_other_needs_no_letter_whoever_else_was_left_out() -> None:
    found = turns(
        said("Cleo", "joined the group", left_out="system"), said("Bob", "hi"), said("Ann", "hello")
    )
    assert shown(found) == [("other", "hi"), ("owner", "hello")]


def test_what_a_link_answers_is_quoted_where_it_is_not_right_before() -> None:
    found = turns(
        said("Bob", "what was the name\nof that book?", key="1"),
        said("Ann", "let me look", key="2"),
        said("Cleo", "anyone for tea?", key="3"),
        said("Ann", "The Waves", key="4", reply_to="1"),
        said("Ann", "and yes to tea", key="5", reply_to="3"),
        said("Bob", "thanks", key="6"),
        said("Ann", "you are welcome", key="7", reply_to="1"),
    )
    texts = [turn.text for turn in found]
    assert texts[2] == "> Person A: what was the name of that book?\nPerson B: anyone for tea?"
    assert texts[3] == "The Waves\n\nand yes to tea"
    # Quoted once, it stands there.
    assert texts[4] == "thanks"


def test_a_link_to_what_is_not_there_or_sealed_quotes_nothing() -> None:
    found = turns(
        said("Bob", "SECRET", key="1", level="sealed"),
        said("Bob", "an old text", key="2", left_out="superseded"),
        said("Bob", "the new text", key="2"),
        said("Ann", "sure", key="3", reply_to="1"),
        said("Bob", "well?"),
        said("Ann", "as I said", reply_to="2"),
        said("Bob", "and?"),
        said("Ann", "hm", reply_to="99"),
    )
    assert [turn.text for turn in found if not turn.is_owner] == [
        "the new text",
        "> the new text\nwell?",
        "and?",
    ]


def test_a_late_answer_by_a_link_is_asked_by_what_it_answers() -> None:
    found = turns(
        said("Bob", "did you find the key?", 0, key="1"),
        said("Bob", "and the lamp?", 0, key="2"),
        said("Ann", "the lamp, yes", 1),
        said("Ann", "under the pot, of course", 120, reply_to="1"),
    )
    assert shown(found)[2:] == [
        ("other", "did you find the key?"),
        ("owner", "under the pot, of course"),
    ]
    assert found[3].is_learned


AUTHORS = st.sampled_from(["Ann", "Bob", "Cleo"])
REASONS = st.sampled_from([None, None, None, "too-short", "media-only", "superseded", "forwarded"])


@given(
    st.lists(
        st.tuples(AUTHORS, REASONS, st.sampled_from(["train-only", "sealed"]), st.integers(0, 300)),
        max_size=20,
    )
)
def test_stretches_alternate_and_nothing_missing_is_in_them(
    rows: list[tuple[str, str | None, str, int]],
) -> None:
    records = [
        said(author, f"w{at}", minute, left_out=reason, level=level)
        for at, (author, reason, level, minute) in enumerate(rows)
    ]
    found = speaking_turns(records, SETTINGS)
    for before, turn in zip([None, *found], found, strict=False):
        assert turn.starts_anew == (before is None) or turn.starts_anew
        if turn.starts_anew:
            assert not turn.is_owner
        elif before is not None:
            assert before.is_owner != turn.is_owner
        assert all(r.level != "sealed" for r in turn.records)
        assert all(r.left_out in (None, "too-short") for r in turn.records)
        if turn.is_learned:
            assert turn.is_owner
            assert any(r.left_out is None for r in turn.records)
    learned = [r.id for turn in found if turn.is_owner for r in turn.records]
    assert len(learned) == len(set(learned))
