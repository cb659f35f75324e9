"""Model text on the screen: never markup, never terminal control, of a known width."""

import unicodedata

from hypothesis import given
from hypothesis.strategies import text

from labeler.showing import answer, conversation, differing, shown


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
    turns = [
        {"role": "system", "content": "On a train."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Hm."},
        {"role": "user", "content": "[i]Still there?[/i]"},
    ]
    assert conversation(turns).plain == (
        "Setting: On a train.\nThey: Hello?\nYou: Hm.\nThey: [i]Still there?[/i]"
    )


@given(text())
def test_any_text_is_safe(raw: str):
    for character in shown(raw):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
