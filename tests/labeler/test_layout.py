"""What is seen at which size, and how all of it is reached by keys."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from labeler.widgets.pane import MEASURE, TextPane
from tests.labeler.screens import OpenScreen, run
from tests.labeler.stores import store_of_pairs

LONG = "\n".join(f"line {n}" for n in range(60))


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(store_of_pairs(tmp_path / "twin.db", 12)) as conn:
        yield conn


def ask(conn: sqlite3.Connection, *turns: str) -> None:
    """Let every prompt have these turns, from the user and the model in turns."""
    messages = [
        {"role": ("user", "assistant")[place % 2], "content": turn}
        for place, turn in enumerate(turns)
    ]
    conn.execute("UPDATE prompts SET messages = ?", (json.dumps(messages),))


def pane(now: OpenScreen, name: str) -> TextPane:
    return now.app.choosing.query_one(f"#{name}", TextPane)


@pytest.mark.parametrize("size", [(80, 24), (72, 20), (100, 30), (160, 40), (99, 12)])
def test_answers_stand_side_by_side_since_arrows_choose(
    conn: sqlite3.Connection, size: tuple[int, int]
):
    async def do(now: OpenScreen) -> None:
        left, right = pane(now, "left").region, pane(now, "right").region
        assert left.y == right.y and left.size == right.size and left.right <= right.x
        assert left.width - 4 <= MEASURE

    run(conn, do, size=size)


@pytest.mark.parametrize(
    ("width", "height"),
    [(40, 12), (60, 12), (99, 12), (99, 11), (72, 12), (71, 12), (71, 17), (71, 16), (30, 17),
     (24, 20), (20, 20), (130, 11), (130, 10), (150, 40), (20, 5), (10, 50)],
)  # fmt: skip
@pytest.mark.parametrize("turns", [("Short?",), (LONG, "Hm.", "And?")])
def test_keys_choose_only_where_three_lines_of_each_answer_are_seen(
    conn: sqlite3.Connection, width: int, height: int, turns: tuple[str, ...]
):
    ask(conn, *turns)
    conn.execute("UPDATE answers SET text = ? || text", ("\n".join(map(str, range(30))),))

    async def do(now: OpenScreen) -> None:
        await now.press("o")
        small = "Too small" in now.screen().replace("\n", " ") or width < 12
        if not small:
            assert min(pane(now, side).room for side in ("left", "right")) >= 3
            for side in ("left", "right"):
                region = pane(now, side).region
                assert region.bottom <= height and region.right <= width
        await now.press("left")
        assert now.kinds() == ([] if small else ["choice"])
        if not small:
            assert "line" in now.screen() or "Short" in now.screen() or "And" in now.screen()

    run(conn, do, size=(width, height))


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (120, 36)])
def test_a_long_conversation_opens_at_its_last_turn_and_scrolls_by_keys(
    conn: sqlite3.Connection, size: tuple[int, int]
):
    ask(conn, f"first words {LONG[:200]}", LONG[:80], "The last question?")

    async def do(now: OpenScreen) -> None:
        assert "The last question?" in now.screen() and "first words" not in now.screen()
        assert "o question" in now.screen()
        await now.press("tab", "tab", "tab")
        assert "question ◉" in now.screen()
        for _ in range(40):
            await now.press("pageup")
        assert "first words" in now.screen()
        await now.press("j", "j", "k")
        assert "↑ 1" in now.screen()
        for _ in range(40):
            await now.press("pagedown")
        assert "The last question?" in now.screen()
        await now.press("tab", "left")
        assert "The last question?" in now.screen() and now.kinds() == ["choice"]

    run(conn, do, size=size)


def test_a_long_last_turn_opens_at_its_first_line(conn: sqlite3.Connection):
    ask(conn, "Before.", "Hm.", f"The question begins {LONG}")

    async def do(now: OpenScreen) -> None:
        assert "The question begins" in now.screen()
        await now.press("tab", "tab", "tab", "pagedown")
        assert "The question begins" not in now.screen()

    run(conn, do, size=(80, 24))


def test_the_key_for_more_of_the_question_is_shown_where_there_is_more(conn: sqlite3.Connection):
    async def do(now: OpenScreen) -> None:
        assert "o question" not in now.screen()
        await now.press("tab", "tab", "tab")
        assert "question ◉" not in now.screen()

    run(conn, do)


def test_frames_are_alike_and_end_at_the_longer_text(conn: sqlite3.Connection):
    conn.execute("UPDATE answers SET text = ? || text WHERE n = 1", ("word " * 60,))

    async def do(now: OpenScreen) -> None:
        left, right = pane(now, "left"), pane(now, "right")
        assert left._height == right._height < left.size.height
        for name in ("text-pane--frame", "text-pane--title"):
            assert left.get_visual_style(name) == right.get_visual_style(name)
        lines = now.screen().splitlines()
        edges = [line for line in lines if line.count("╰") == 2]
        assert len(edges) == 1

    run(conn, do)


def test_what_is_dragged_over_is_copied_without_its_wrapping(conn: sqlite3.Connection):
    conn.execute("UPDATE answers SET text = ?", ("one two three " * 12 + "end\nnext",))

    async def do(now: OpenScreen) -> None:
        await now.pilot.mouse_down("#left", offset=(2, 1))
        await now.pilot.hover("#left", offset=(20, 12))
        await now.pilot.mouse_up("#left", offset=(20, 12))
        await now.pilot.pause()
        assert now.app.clipboard.startswith("one two three one two")
        assert now.app.clipboard.replace("\n", "").count("one two three") == 12
        assert now.kinds() == [] and "Copied" in now.screen()

    run(conn, do)
