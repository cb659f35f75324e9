"""Screens over the choosing one: they own its question, end once, and nothing behind them acts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from align.store.choices import current_choices
from align.store.events import iter_events
from labeler.session import Session
from labeler.widgets.area import StoredTextArea
from tests.labeler.screens import OpenScreen, run
from tests.labeler.stores import store_of_pairs

HELD = [
    "Love it 👍🏽 👩‍👩‍👧‍👦 ❤️ می‌خواهم",
    "a\u00adb\u200bc\ufeff \u202eevil\u202c \x1b]0;owned\x07\x1b[2J",
    "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    "win\r\nmac\runix\n",
    "नमस्ते क्या हाल है e\u0301\u0301\u0301\u0301 你好 🇩🇪",
    "\n\n  leading and trailing  \n\n",
]


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 30)) as conn:
        yield conn


@pytest.mark.parametrize("opens", ["e", "m", "question_mark"])
def test_no_palette_opens_over_another_screen(conn: sqlite3.Connection, opens: str):
    async def do(now: OpenScreen) -> None:
        question = now.question
        await now.press(opens)
        before = now.app.screen
        await now.press("ctrl+p")
        assert now.app.screen is before
        await now.press("left", "escape")
        assert now.kinds() == [] and now.question is question

    run(conn, do)


@pytest.mark.parametrize(("opens", "kind"), [("e", "rewrite"), ("m", "note")])
def test_what_is_written_belongs_to_the_pair_that_was_open(
    conn: sqlite3.Connection, opens: str, kind: str
):
    async def do(now: OpenScreen) -> None:
        pair = now.question.pair.id
        await now.press(opens, *"Mine", "ctrl+p", "left", "enter", "ctrl+s")
        (event,) = iter_events(conn)
        assert (event.kind, event.pair_id) == (kind, pair)

    run(conn, do)


@pytest.mark.parametrize("opens", ["question_mark", "m", "e", "ctrl+p"])
@pytest.mark.parametrize(
    "ends", [("escape", "escape"), ("ctrl+s", "ctrl+s"), ("q", "q"), ("enter", "enter"),
             ("q", "q", "escape", "enter", "escape")],
)  # fmt: skip
def test_a_screen_ends_once_and_what_lies_behind_does_not_act(
    conn: sqlite3.Connection, opens: str, ends: tuple[str, ...]
):
    async def do(now: OpenScreen) -> None:
        await now.press(opens, "x")
        await now.burst(*ends)
        await now.press("escape")
        if now.app.screen is not now.app.choosing:
            await now.press("escape")
        assert now.app.screen is now.app.choosing and not now.app._exit
        assert not any(kind == "choice" for kind in now.kinds())

    run(conn, do)


def test_a_screen_that_is_opened_twice_in_one_packet_is_one(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.burst("?", "?", "e")
        assert len(now.app.screen_stack) <= 2
        await now.press("escape")
        assert now.app.screen is now.app.choosing

    run(conn, do)


@pytest.mark.parametrize("text", HELD)
def test_a_rewrite_starts_from_the_text_as_it_is_stored(conn: sqlite3.Connection, text: str):
    conn.execute("UPDATE answers SET text = ? || n", (text,))

    async def do(now: OpenScreen) -> None:
        start = now.question.left
        await now.press("tab", "e", "!")
        assert not set(now.screen()) & set("\x1b\x07\u202e\u200d\ufe0f\u2028\r\x85")
        await now.press("ctrl+s")
        (event,) = iter_events(conn)
        assert event.payload["text"] == f"{start}!"

    run(conn, do)


@pytest.mark.parametrize("text", HELD)
def test_lines_of_an_editor_are_as_wide_as_they_were(conn: sqlite3.Connection, text: str):
    conn.execute("UPDATE answers SET text = ?", (text * 5,))

    async def do(now: OpenScreen) -> None:
        await now.press("tab", "e")
        area = now.app.screen.query_one(StoredTextArea)
        for y in range(area.size.height):
            strip = area.render_line(y)
            assert strip.cell_length == sum(segment.cell_length for segment in strip)

    run(conn, do, size=(80, 24))


def test_esc_keeps_the_draft_and_the_key_brings_it_back(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        for key in "em":
            await now.press(key, *"Half a", "escape")
            assert "draft is kept" in now.screen()
            await now.press(key)
            assert "Your draft is back" in now.screen()
            assert now.app.screen.query_one(StoredTextArea).text == "Half a"
            await now.press(*" word", "escape")
        assert now.kinds() == []

    async def then(now: OpenScreen) -> None:
        await now.press("e", "ctrl+s")

    run(conn, do)
    run(conn, then)  # another session, after the terminal was closed
    assert [choice.rewrite for choice in current_choices(conn)] == ["Half a word"]


def test_an_untouched_text_is_no_draft_and_one_can_begin_anew(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("tab", "e", "escape")
        assert "draft" not in now.screen()
        await now.press("e", "!", "escape", "e")
        area = now.app.screen.query_one(StoredTextArea)
        assert area.text == f"{now.question.left}!"
        await now.press("ctrl+r")
        assert area.text == now.question.left

    run(conn, do)


def test_a_failed_save_keeps_what_was_written(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        conn.execute("PRAGMA query_only=ON")
        await now.press("e", *"Mine", "ctrl+s")
        assert "Not saved" in now.screen()
        await now.press("e")
        assert now.app.screen.query_one(StoredTextArea).text == "Mine"
        conn.execute("PRAGMA query_only=OFF")
        await now.press("ctrl+s")
        assert list(now.outcomes().values()) == ["rewrite"]

    run(conn, do)


def test_an_undone_rewrite_comes_back_as_a_draft(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("e", *"Mine", "ctrl+s", "u", "e")
        assert now.app.screen.query_one(StoredTextArea).text == "Mine"

    run(conn, do)


def test_a_stop_while_writing_keeps_the_draft(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        await now.press("e", *"Half", "ctrl+q")

    run(conn, do)
    session = Session(conn, seed=1)
    assert session.drafts.of("rewrite", session.question.pair.id).text == "Half"
