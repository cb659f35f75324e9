"""Where sentences end: not at the stop of an abbreviation, an initial or a number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.conversations.examples.cutting import sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "Boat 0.1 goes to the U.S. guy who wants it, e.g. for Boston.",
        "Dr. Quill told Mr. Lee and Mrs. May that rope No. 1 is good.",
        "J. K. Rowling and St. Mary, vs. Prof. Lee et al. in Fig. 3 and pp. 4 of it.",
        "Er hat z. B. Nr. 3 gesehen, d.h. ca. 5 Stück, usw. und mehr.",
        "Mme. Lee et M. Quill, p.ex. à Rome, ont 3.5 mètres.",
        "El Sr. Quill y la Sra. Lee leen la pág. 12 de todo.",
        "Dhr. Quill en mevr. Lee, bijv. in Rome, o.a. met touw.",
        "We waited... and nobody came.",
    ],
)
def test_a_stop_inside_a_sentence_ends_none(sentence: str) -> None:
    assert sentences(f"{sentence} It was late. Yes!") == [f"{sentence} ", "It was late. ", "Yes!"]


def test_a_word_that_looks_like_an_abbreviation_ends_a_sentence() -> None:
    text = "I said no. That was all, etc. Then we left. Who is No. 1? No."
    parts = ["I said no. ", "That was all, etc. ", "Then we left. ", "Who is No. 1? ", "No."]
    assert sentences(text) == parts


@given(st.text(alphabet="aNo. e.gDr\n", max_size=200))
def test_no_letter_is_lost(text: str) -> None:
    assert "".join(sentences(text)) == text
