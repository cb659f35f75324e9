from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.conversations.questions.passages import (
    FEWEST_OF_ANSWER,
    FEWEST_WORDS,
    MOST_OF_ANSWER,
    MOST_WORDS,
    answer_passages,
    passages,
)


def prose(words: int, word: str = "word") -> str:
    return " ".join([word] * words)


def test_short_paragraphs_are_joined_until_there_is_a_thought_in_them() -> None:
    text = f"{prose(10, 'a')}\n\n{prose(20, 'b')}\n\n{prose(40, 'c')}"
    found = passages(text)
    assert [each.text for each in found] == [
        f"{prose(10, 'a')}\n\n{prose(20, 'b')}",
        prose(40, "c"),
    ]


def test_a_heading_parts_passages_and_belongs_to_those_under_it() -> None:
    text = (
        f"{prose(30, 'a')}\n\n## On bread\n\n{prose(30, 'b')}\n\nSetext\n------\n\n{prose(30, 'c')}"
    )
    assert [(each.heading, each.text[0]) for each in passages(text)] == [
        (None, "a"), ("On bread", "b"), ("Setext", "c"),
    ]  # fmt: skip


def test_code_tables_and_what_is_too_long_are_no_passages() -> None:
    code = "```\n" + prose(40) + "\n```"
    table = "| " + prose(40) + " |"
    assert passages(f"{code}\n\n{table}\n\n{prose(MOST_WORDS + 1)}") == []


@given(
    st.lists(st.sampled_from(["a b. ", "\n\n", "# H\n", "word ", "\n", "é ", "```"]), max_size=400)
)
def test_passages_are_stretches_of_the_text_that_never_overlap(parts: list[str]) -> None:
    text = "".join(parts)
    found = passages(text)
    for each in found:
        assert each.text == text[each.start : each.stop]
        assert FEWEST_WORDS <= each.words <= MOST_WORDS
    assert all(a.stop <= b.start for a, b in pairwise(found))


def test_a_long_paragraph_is_cut_into_answers_at_sentence_ends() -> None:
    sentences = [f"{prose(9)} end{at}." for at in range(40)]
    text = f"# On words\n\n{' '.join(sentences)}\n\n# More\n\n{prose(20)}"
    found = answer_passages(text)
    assert " ".join(each.text for each in found) == " ".join(sentences)
    assert all(each.heading == "On words" and each.text.endswith(".") for each in found)
    assert all(100 <= each.words <= 150 for each in found)


@given(
    st.lists(
        st.sampled_from(["a b. ", "\n\n", "# H\n", "a longer one, of words. ", "é ", "```"]),
        max_size=200,
    )
)
def test_answers_are_stretches_of_the_text_of_an_answers_length(parts: list[str]) -> None:
    text = "".join(part * 3 for part in parts)
    found = answer_passages(text)
    assert all(text[each.start : each.stop] == each.text == each.text.strip() for each in found)
    assert all(FEWEST_OF_ANSWER <= each.words <= MOST_OF_ANSWER for each in found)
    assert all(before.stop <= after.start for before, after in pairwise(found))


def test_the_frame_of_a_letter_is_in_no_answer() -> None:
    body = f"{prose(60, 'a')}.\n\n{prose(60, 'b')}."
    letter = f"York, May 3, 1887.\n\n{body}\n\nYours ever,\nAnn\n\nP. S. Come soon."
    assert "\n\n".join(each.text for each in answer_passages(letter)) == body
    assert answer_passages("York, May 3.\n\nAnn") == []


@pytest.mark.parametrize("marks", ["“{}”", '"{}"', "«{}»", "> {}"])
def test_a_passage_that_is_mostly_a_quotation_is_none(marks: str) -> None:
    others = (
        "The harbour is a room with one door, and the door is never shut, and through it go all"
    )
    own = "I do not agree with the old sailor, since I am still here, and the door is shut at nine."
    quoted = marks.format(f"{others} the young men of the town, one by one.")
    long = f"{own} And I have been here for longer than he was, as all of you know."
    assert [passage.text for passage in passages(f"{quoted}\n\n{long}")] == [long]
