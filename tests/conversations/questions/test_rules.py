import pytest

from align.conversations.questions.passages import Passage
from align.conversations.questions.rules import best_answered, candidates, notes, overlap

STORY = (
    "The old bakery hired me for the summer, and I carried trays of bread through the village "
    "until noon. The old bakery is a phone shop now."
)


def asked(
    title: str | None, text: str = STORY, heading: str | None = None, **how: str
) -> list[str]:
    return candidates(title, Passage(0, len(text), text, heading), text, **how)


@pytest.mark.parametrize(
    ("title", "question"),
    [
        ("Why I left Berlin", "Can you tell me why you left Berlin?"),
        ("How to cook rice", "Can you tell me how to cook rice?"),
        ("What we learned in the mountains", "Can you tell me what you learned in the mountains?"),
        ("Is bread worth it?", "Is bread worth it?"),
    ],
)
def test_a_title_that_tells_becomes_the_question_that_it_answers(title: str, question: str) -> None:
    assert asked(title)[0] == question


@pytest.mark.parametrize(
    ("title", "topic"),
    [
        ("Some thoughts on good cheese", "good cheese"),
        ("My First Job", "your first job"),
        ("On the Art of Walking Slowly", "the art of walking slowly"),
        ("NASA and me", "NASA and you"),
    ],
)
def test_a_title_that_names_becomes_a_question_about_it(title: str, topic: str) -> None:
    assert any(f" {topic}" in question for question in asked(title)[:3])


@pytest.mark.parametrize("title", ["2024-05-01", "Untitled 3", "IMG_2034", "", None, "!!!"])
def test_a_title_that_says_nothing_asks_nothing(title: str | None) -> None:
    assert all("old bakery" in question for question in asked(title))


def test_the_first_sentence_gives_what_the_text_comes_back_to() -> None:
    assert any("the old bakery" in question for question in asked(None))
    assert not any("summer" in question for question in asked(None))


def test_a_heading_goes_before_the_title() -> None:
    assert "village" in asked("My First Job", heading="The village")[0]


def test_other_languages_have_forms_of_their_own() -> None:
    assert {question.split()[-1] for question in asked("Über Brot", language="de")[:3]} <= {
        "Brot?", "Brot.", "geht?",
    }  # fmt: skip


def test_a_question_is_answered_by_a_passage_that_speaks_of_it() -> None:
    assert overlap("What do you think about the old bakery?", STORY) == 1.0
    assert overlap("What do you think about chess?", STORY) == 0.0
    assert overlap("How are you?", STORY) == 0.0
    assert best_answered(["Tell me about chess.", "Tell me about baking bread."], STORY) is not None
    assert best_answered(["Tell me about chess."], STORY) is None


@pytest.mark.parametrize(
    "title",
    ["To J. K. Hall, in New York", "To Ann", "To Ann and Bob, in York", "To Miss Ray (in Ely)",
     "To the Rev. J. Hall, in Ely"],
)  # fmt: skip
def test_whom_a_letter_is_to_is_no_topic(title: str) -> None:
    assert not any("Hall" in q or "York" in q or "ann" in q.lower() for q in asked(title))
    assert asked(title) == asked(None)


@pytest.mark.parametrize(
    ("passage", "noted"),
    [
        ("Well, I baked bread with Mr. Hall in York! Yes. And it was, oh, so very good bread.",
         "baked bread Mr Hall York; good bread"),
        ("One two three four five six seven.", "two three four five six"),
        ("So it is. You know.", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_notes_hold_what_is_said_and_not_how(passage: str, noted: str) -> None:
    assert notes(passage) == noted


def test_what_a_title_wants_to_do_is_one() -> None:
    assert any("build a fire" in question for question in asked("To Build a Fire"))
