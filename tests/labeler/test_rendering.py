"""Model text on the screen: no markup, no terminal control, a known width, marked differences."""

import time
import unicodedata

from hypothesis import given
from hypothesis.strategies import text

from labeler.rendering import MOST_WORDS, answer, difference, differing, shown, turns


def test_markup_stays_text():
    assert answer("[b]bold[/b] [@click=app.quit]x[/]").plain == "[b]bold[/b] [@click=app.quit]x[/]"


def test_terminal_controls_and_overrides_become_marks():
    plain = shown("\x1b]0;owned\x07 \u202eevil\u202c \x9b31m")
    assert not set(plain) & set("\x1b\x07\u202e\u202c\x9b")
    assert "owned" in plain and "evil" in plain


def test_what_joins_characters_is_left_out_so_that_widths_are_known():
    assert shown("👨‍👩‍👧 ❤️ 👍🏽") == "👨👩👧 ❤ 👍"


def test_marks_do_not_pile_up_into_other_lines():
    assert shown("z" + "\u0301" * 50) == "z" + "\u0301" * 3


def test_an_empty_answer_says_so():
    assert answer("  \n").plain == "(an empty answer)"


def test_differences_are_signed_not_only_coloured():
    content = differing([("the same ", False), ("but this\n", True), ("end", False)])
    assert content.plain == "the same ‹but this›\nend"


def test_a_conversation_names_who_speaks():
    messages = [
        {"role": "system", "content": "On a train."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Hm."},
        {"role": "user", "content": "[i]Still there?[/i]"},
    ]
    assert "\n".join(turn.plain for turn in turns(messages)) == (
        "Setting: On a train.\nThey: Hello?\nYou: Hm.\nThey: [i]Still there?[/i]"
    )


@given(text())
def test_any_text_is_safe(raw: str):
    for character in shown(raw):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")


def marked(runs: list[tuple[str, bool]]) -> list[str]:
    return [words.strip() for words, differs in runs if differs]


def test_words_that_the_other_lacks_are_marked():
    runs = difference("I like tea, mostly.", "I like coffee, mostly!")
    assert runs is not None
    assert marked(runs[0]) == ["tea, mostly."] and marked(runs[1]) == ["coffee, mostly!"]


def test_equal_texts_differ_nowhere_and_line_ends_do_not_count():
    runs = difference("one two\nthree", "one two three")
    assert runs is not None and not marked(runs[0]) and not marked(runs[1])


@given(text(), text())
def test_the_runs_of_a_side_are_its_text(left: str, right: str):
    runs = difference(left, right)
    assert runs is not None
    assert "".join(words for words, _ in runs[0]) == left
    assert "".join(words for words, _ in runs[1]) == right


def test_what_is_too_long_is_not_compared():
    assert difference("a " * (MOST_WORDS + 1), "b") is None
    started = time.perf_counter()
    assert difference("a b " * (MOST_WORDS // 2), "c d " * (MOST_WORDS // 2)) is not None
    assert time.perf_counter() - started < 5
