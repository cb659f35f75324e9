"""Who is spoken to by a nick, and what is said without it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.text.nicks import Said, person, without_nicks

CHANNEL = [("bob", "it broke"), ("Cleo_", "mine too"), ("Ann", "which one?"), ("kite", "hm")]


def said(
    text: str, *, author: str = "Ann", before: Sequence[tuple[str, str]] = CHANNEL
) -> Said | None:
    """Return what is said in a channel where nicks are a habit."""
    found = without_nicks([*before, ("dora", "bob: hi"), (author, text)])
    return found[-1] if found else None


@pytest.mark.parametrize(
    "text",
    [
        "bob: try again", "bob, try again", "bob; try again", "bob : try again", "Bob: try again",
        "BOB:  try again", "bob_: try again", "bob:try again", "bob,, try again",
        "@bob try again", "@bob: try again", "bob: cleo, try again", "bob: @kite: try again",
        "bob|away: try again", "bob  try again", "_bob_: try again", "try again, bob",
        "try again @bob",
    ],
)  # fmt: skip
def test_a_nick_says_who_is_spoken_to_and_is_no_part_of_the_text(text: str) -> None:
    assert said(text) == Said("bob", "try again")


@pytest.mark.parametrize(
    "text",
    [
        "Bob,\n\nI write to you because of the boat.",  # a letter begins so
        "bob :) is here", "bob :P", "http://bob.example", "bobsled: a sport", "ann: it's me",
        "nobody: else", "what bob said", "ask bob", "bob is right", "zoe: never spoke", "", ": hm",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert said(text) == Said("", text)


def test_a_word_that_happens_to_be_a_nick_is_a_word() -> None:
    before = [("linux", "hello"), ("bob", "I like linux a lot"), ("cleo", "is linux free?")]
    assert said("Linux: it is free", before=before) == Said("", "Linux: it is free")
    assert said("linux: welcome", before=before[:1] + CHANNEL) == Said("linux", "welcome")


def test_without_a_mark_only_what_can_be_no_word_is_a_nick() -> None:
    before = [("map", "hi"), ("hal9000", "hi"), ("TimToady", "hi"), ("bob", "hi")]
    assert said("hal9000 open it", before=before) == Said("hal9000", "open it")
    assert said("TimToady open it", before=before) == Said("timtoady", "open it")
    assert said("map open it", before=before) == Said("", "map open it")


def test_a_nick_alone_leaves_nothing() -> None:
    assert said("bob:") == Said("bob", "")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [("Ann", "hi"), ("Bob", "Ann: hi"), ("Ann", "Bob, come")],  # two people
        [(f"p{at % 5}", "hello") for at in range(50)] + [("p1", "p2: hi")],  # no habit
        [("Ann Lee", "Bob: hi"), ("Bob Ray", "x"), ("Cleo Fox", "Bob: y")],  # names, no nicks
    ],
)
def test_where_nicks_are_no_habit_nothing_changes(messages: list[tuple[str, str]]) -> None:
    assert without_nicks(messages) is None


NAMES = st.sampled_from(["bob", "Bob_", "cleo", "ann", "x|y", "_", "~", ""])


@given(st.lists(st.tuples(NAMES, st.builds("{}{}{}".format, NAMES, st.text(":, @", max_size=3),
       st.text(max_size=9))), max_size=12))  # fmt: skip
def test_a_text_loses_nicks_alone(messages: list[tuple[str, str]]) -> None:
    people = {person(author) for author, _ in messages}
    for (author, text), found in zip(messages, without_nicks(messages) or [], strict=False):
        assert found.text == text if not found.to else found.text in text or "," in text
        assert not found.to or (found.to in people and found.to != person(author))
