"""Every key of the screen, and what it leaves in the store."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from textual.events import MouseScrollDown

from align.store.choices import current_choices
from align.store.events import iter_events
from labeler.keys import Keys
from labeler.session import repeats
from tests.labeler.screens import OpenScreen, run
from tests.labeler.stores import store_of_pairs


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 60)) as conn:
        yield conn


@pytest.mark.parametrize(
    ("key", "means"),
    [
        ("left", "left"), ("a", "left"), ("right", "right"), ("b", "right"),
        ("up", "both"), ("equals_sign", "both"), ("down", "neither"), ("n", "neither"),
    ],
)  # fmt: skip
def test_one_key_answers_and_moves_on(conn: sqlite3.Connection, key: str, means: str):
    async def do(now: OpenScreen) -> None:
        first = now.question
        other = "b" if first.left_is == "a" else "a"
        expected = {"left": first.left_is, "right": other}.get(means, means)
        await now.press(key)
        assert now.outcomes() == {first.pair.id: expected}
        assert now.question.pair.id != first.pair.id
        assert "✓ Saved" in now.screen() and "1 answered" in now.screen()

    run(conn, do)


@pytest.mark.parametrize(
    ("key", "side", "clear"),
    [("shift+left", "left", True), ("1", "left", True), ("2", "left", False),
     ("3", "right", False), ("4", "right", True), ("shift+right", "right", True)],
)  # fmt: skip
def test_a_clear_case_is_kept_as_one(conn: sqlite3.Connection, key: str, side: str, clear: bool):
    async def do(now: OpenScreen) -> None:
        question = now.question
        await now.press(key)
        (choice,) = current_choices(conn)
        assert choice.outcome == question.answer_on(side) and choice.clear == clear  # type: ignore[arg-type]
        assert ("✓ Saved: clearly" in now.screen()) == clear

    run(conn, do)


@pytest.mark.parametrize(
    ("key", "reason"), [("1", "bad prompt"), ("2", "both broken"), ("3", "too private")]
)
@pytest.mark.parametrize("opens", ["shift+space", "S"])
def test_a_skip_can_carry_a_reason(conn: sqlite3.Connection, opens: str, key: str, reason: str):
    async def do(now: OpenScreen) -> None:
        first = now.question.pair.id
        await now.press(opens, "left", "escape")
        assert now.kinds() == [] and now.question.pair.id == first
        await now.press(opens, key)
        (event,) = iter_events(conn)
        assert (event.kind, event.payload["reason"], event.pair_id) == ("skip", reason, first)
        assert f"Skipped ({reason})" in now.screen()

    run(conn, do)


def test_the_answers_stand_on_the_sides_that_are_stored(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        for _ in range(6):
            question = now.question
            lines = [line for line in now.screen().splitlines() if question.left in line]
            assert lines and lines[0].index(question.left) < lines[0].index(question.right)
            await now.press("left")

    run(conn, do)


def test_skip_is_no_answer(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        first = now.question.pair.id
        await now.press("space")
        assert now.outcomes() == {} and now.kinds() == ["skip"]
        assert now.question.pair.id != first and "0 answered" in now.screen()

    run(conn, do)


def test_undo_and_redo_walk_through_the_open_screen(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        first = now.question.pair.id
        await now.press("left")
        second = now.question.pair.id
        await now.press("down", "backspace")
        assert now.question.pair.id == second and len(now.outcomes()) == 1
        await now.press("u")
        assert now.question.pair.id == first and now.outcomes() == {}
        assert "Taken back" in now.screen()
        await now.press("u")
        assert "Nothing to take back" in now.screen()
        await now.press("r", "r")
        assert list(now.outcomes().values())[-1] == "neither" and len(now.outcomes()) == 2
        await now.press("r")
        assert "Nothing to do again" in now.screen()

    run(conn, do)


def test_private_seals_the_pair_and_shows_it(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        first = now.question.pair.id
        await now.press("p")
        assert now.question.pair.id == first and "● private" in now.screen()
        level = conn.execute("SELECT level FROM known_pairs WHERE id = ?", (first,)).fetchone()[0]
        assert level == 2
        await now.press("p")
        assert "● private" not in now.screen()

    run(conn, do)


def test_marks_belong_to_the_focused_answer(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("f", "tab", "v")
        flags = [event.payload for event in iter_events(conn) if event.kind == "flag"]
        left_is = now.question.left_is
        assert [(flag["flag"], flag["side"]) for flag in flags] == [
            ("facts", None),
            ("voice", left_is),
        ]
        assert "● facts wrong, voice right" in now.screen()
        assert "● voice wrong, facts right" in now.screen()
        await now.press("v")
        assert "voice wrong" not in now.screen().replace("Mark removed: voice wrong", "")

    run(conn, do)


def test_a_note_is_kept_with_its_pair(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("m", *"Too chatty", "ctrl+s")
        assert now.session.marks.note == "Too chatty" and "● note" in now.screen()
        await now.press("m", "x", "escape")
        assert now.session.marks.note == "Too chatty"

    run(conn, do)


def test_a_rewrite_beats_both_answers(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        first = now.question
        await now.press("tab", "e", *" Ha.", "ctrl+s")
        (event,) = [event for event in iter_events(conn) if event.kind == "rewrite"]
        assert event.payload["text"] == f"{first.left} Ha."
        assert event.payload["of"] == first.left_is
        assert now.outcomes() == {first.pair.id: "rewrite"}
        assert now.question.pair.id != first.pair.id

    run(conn, do)


def test_a_rewrite_from_nothing_has_to_be_written(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("e", "ctrl+s")
        assert "Nothing written yet" in now.screen()
        await now.press("escape")
        assert now.kinds() == []
        await now.press("e", *"Mine", "ctrl+s")
        assert list(now.outcomes().values()) == ["rewrite"]

    run(conn, do)


def test_letters_in_a_rewrite_choose_nothing(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("e", *"abnspq")
        assert now.kinds() == []

    run(conn, do)


def test_differences_are_shown_by_signs(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        assert "‹" not in now.screen()
        await now.press("d")
        assert "‹" in now.screen().split("Differences")[0]
        await now.press("d")
        assert "‹" not in now.screen()

    run(conn, do)


def test_long_answers_scroll_together_and_apart(conn: sqlite3.Connection):
    conn.execute("UPDATE answers SET text = replace(text, ' ', char(10)) || ? ", ("\nmore" * 90,))

    async def do(now: OpenScreen) -> None:
        assert now.screen().count("↓") >= 3  # the key of `neither`, and both panes
        await now.press("j", "j")
        assert now.screen().count("↑ 2") == 2
        await now.press("tab", "pagedown")
        assert now.screen().count("↑ 2 ") == 1
        await now.press("k", "left")
        assert "↑ 2" not in now.screen()  # the next pair starts at its top

    run(conn, do)


def test_the_wheel_scrolls_the_answer_under_it(conn: sqlite3.Connection):
    conn.execute("UPDATE answers SET text = text || ?", ("\nmore" * 90,))

    async def do(now: OpenScreen) -> None:
        await now.pilot._post_mouse_events([MouseScrollDown], "#right", button=0)
        await now.pilot.pause()
        assert now.screen().count("↑ 3") == 1

    run(conn, do)


def test_a_long_question_can_be_given_more_room(conn: sqlite3.Connection):
    long = '[{"content": "' + "why? " * 900 + '", "role": "user"}]'
    conn.execute("UPDATE prompts SET messages = ?", (long,))

    async def do(now: OpenScreen) -> None:
        before = sum("why?" in line for line in now.screen().splitlines())
        await now.press("o")
        await now.pilot.pause()
        assert sum("why?" in line for line in now.screen().splitlines()) > before

    run(conn, do)


def test_dark_becomes_light_and_dark_again(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("t")
        assert now.app.theme == "paper"
        await now.press("t")
        assert now.app.theme == "ink"

    run(conn, do)


def test_help_lists_the_keys_as_they_are(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("question_mark")
        assert "the left answer sounds like me" in now.screen() and "  h " in now.screen()
        await now.press("a", "escape")
        assert now.kinds() == []
        await now.press("h")
        assert now.kinds() == ["choice"]

    run(conn, do, keys=Keys({"left": ("h",)}))


def test_the_palette_does_what_a_key_does(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("ctrl+p", *"neither")
        await now.pilot.pause(0.5)
        await now.press("down", "enter")
        await now.pilot.pause(0.3)
        assert list(now.outcomes().values()) == ["neither"]

    run(conn, do)


def test_a_click_on_a_key_does_what_the_key_does(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.pilot.click("#keys", offset=(2, 0))
        await now.pilot.pause()
        assert len(now.outcomes()) == 1

    run(conn, do)


def test_biases_are_shown_between_blocks_only(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        for answer in range(25):
            assert "the longer" not in now.screen()
            await now.press("left" if answer % 5 else "up")
        assert "the last 25: left 100%" in now.screen()
        await now.press("right")
        assert "the last 25" not in now.screen()

    run(conn, do, size=(140, 36))


def test_the_goal_counts_today_s_answers_of_all_sessions(conn: sqlite3.Connection):
    async def first(now: OpenScreen) -> None:
        await now.press("left", "right", "space")

    async def then(now: OpenScreen) -> None:
        assert "today 2/3" in now.screen()
        await now.press("left")
        assert "today 3/3 ✓" in now.screen()

    async def back(now: OpenScreen) -> None:
        assert "today 3/3 ✓" in now.screen()
        await now.press("u", "u", "u")  # an answer, the skip, an answer: of earlier sessions
        assert "today 1/3" in now.screen()
        await now.press("r")
        assert "today 2/3" in now.screen()

    run(conn, first)
    run(conn, then, goal=3)
    run(conn, back, goal=3)


def test_when_nothing_is_left_it_says_what_brings_more(tmp_path: Path):
    async def do(now: OpenScreen) -> None:
        await now.press("left", "right")
        assert "make sft sample OWNER=ann" in now.screen()
        await now.press("left", "p", "e", "d")
        assert len(now.outcomes()) == 2
        await now.press("u")
        assert len(now.outcomes()) == 1 and "make sft sample" not in now.screen()

    with closing(store_of_pairs(tmp_path / "twin.db", 2)) as conn:
        run(conn, do)


def test_what_cannot_be_saved_stays_on_the_screen(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        first = now.question
        conn.execute("PRAGMA query_only=ON")
        await now.press("left")
        assert "✗ Not saved; the pair stays." in now.screen() and "writable" in now.screen()
        assert now.question == first
        conn.execute("PRAGMA query_only=OFF")
        await now.press("left")
        assert list(now.outcomes()) == [first.pair.id]

    run(conn, do)


def test_the_first_pair_asks_and_the_top_line_says_how_long_it_takes(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        assert "Whose voice is this?" in now.screen() and "min" not in now.screen()
        await now.press("left", "right")
        assert re.search(r"58 left, (about \d+ min|under a minute)", now.screen())
        assert "Whose voice" not in now.screen()

    run(conn, do, ask="Whose voice is this?")


def test_agreement_stands_beside_what_chance_would_give(
    conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(repeats, "SHARE", 1.0)
    monkeypatch.setattr(repeats, "APART", 1)

    async def do(now: OpenScreen) -> None:
        for _ in range(6):
            await now.press("up")
        # Who says "both" to everything agrees by habit alone.
        assert "agrees with yourself 100% (chance 100%)" in now.screen()

    run(conn, do, size=(140, 36))


def test_the_limit_ends_the_open_screen(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("left", "space", "right")
        assert now.app._exit

    run(conn, do, limit=2)


def test_sources_are_hidden(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("left", "d", "f", "question_mark")
        assert "sft" not in now.screen()
        await now.press("escape")
        assert "sft" not in now.screen()

    run(conn, do)


HOSTILE = (
    "[@click=app.quit]press[/] \x1b]0;owned\x07\x1b[2J \u202eevil\u202c 👨‍👩‍👧‍👦 ❤️ e\u0301"
    + "\u0301" * 40
    + " 你好"
)


@pytest.mark.parametrize("size", [(120, 36), (60, 20), (20, 5)])
def test_hostile_text_breaks_nothing_and_is_stored_as_it_came(
    conn: sqlite3.Connection, size: tuple[int, int]
):
    conn.execute("UPDATE answers SET text = ? || text || ?", (HOSTILE, "x" * 50_000))

    async def do(now: OpenScreen) -> None:
        screen = now.screen()
        assert not set(screen) & set("\x1b\x07\u202e\u200d\ufe0f")
        assert HOSTILE in now.question.left
        await now.press("d", "j", "pagedown")

    run(conn, do, size=size)


def test_a_window_too_small_to_read_takes_no_answer(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("left", "right", "space")
        assert now.kinds() == [] and "Too small" in now.screen()
        await now.pilot.resize_terminal(80, 24)
        await now.pilot.pause()
        await now.press("left")
        assert now.kinds() == ["choice"] and "Too small" not in now.screen()

    run(conn, do, size=(20, 5))
