"""Draw the labeler's screens as pictures: `python -m scripts.labeler_screens [docs/labeler]`.

The pairs are made up here, the screens are the real ones: each is opened, keys are pressed, and
what then stands there is saved. The tests press the same keys and hold the screens as text.
"""

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from align.store.acts import owner_decisions
from align.store.answers import Answer, add_answers
from align.store.connection import connect
from align.store.pairs import Pair, add_pairs
from align.store.prompts import Message, Prompt, add_prompts
from labeler.app import LabelerApp, ThemeName
from labeler.keys import Keys
from labeler.progress import Progress
from labeler.session import Session

SIZE = (112, 26)


@dataclass(frozen=True)
class Screen:
    """A screen worth looking at.

    Attributes:
        name: Of its file.
        description: What it shows, for those who can't see the picture.
        press: The keys that lead there.
        size: Columns and rows.
        theme: Dark or light.
        pairs: How many pairs there are.
    """

    name: str
    description: str
    press: tuple[str, ...] = ()
    size: tuple[int, int] = SIZE
    theme: ThemeName = "dark"
    pairs: int = 40


SCREENS = (
    Screen("choosing", "A question, two answers, the keys: one key answers"),
    Screen("differences", "The words in which two answers differ", ("d",), theme="light"),
    Screen("marks", "A pair with marks of its owner's", ("f", "p", "tab", "v"), size=(80, 24)),
    Screen("rewriting", "The answer as the owner would have given it", ("e", *"To the sea.")),
    Screen("help", "All keys, as they are now", ("question_mark",)),
    Screen(
        "history",
        "What was decided, to be found and changed",
        ("left", "right", "up", "space", "1", "h", *"the"),
    ),
    Screen("nothing-left", "No pair waits: what brings more", ("left", "right"), pairs=2),
)

_TALKS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("What do you do when it rains all week?",),
        "Rain all week? I read by the window, mostly, and let the kettle decide when the next "
        "page comes. The garden doesn't mind, so why should I.",
        "When it rains all week I usually stay inside and do various indoor activities. There are "
        "many options, for example reading, films, or cleaning the house!",
    ),
    (
        ("I finally bought a bicycle.", "About time. What colour?", "Green. Where should I go?"),
        "Along the canal, and stop at the second bridge. There's a bench there that has heard "
        "worse news than mine.",
        "Along the canal is a great choice. Remember to wear a helmet and to bring enough water.",
    ),
    (
        ("Is it too late to learn the piano at fifty?",),
        "It's too late to be a child prodigy. For everything else the piano has time.",
        "It is never too late to learn a new skill. Many people start at fifty and enjoy it.",
    ),
    (
        ("How do you take your coffee?",),
        "Black, and before anybody speaks to me.",
        "I take my coffee black, before anybody speaks to me.",
    ),
)


def store_of_talks(path: Path, pairs: int) -> sqlite3.Connection:
    """Write a store with so many pairs; beyond the first few they repeat with a number."""
    conn = connect(path, create=True)
    prompts, answers, made = [], [], []
    for n in range(pairs):
        turns, *texts = _TALKS[n % len(_TALKS)]
        roles = ("user", "assistant")
        messages: list[Message] = [
            {"role": roles[place % 2], "content": turn} for place, turn in enumerate(turns)
        ]
        if n >= len(_TALKS):
            messages[-1]["content"] += f" (No. {n + 1})"
        prompt = Prompt.new(messages, source="added", thread=f"talk {n}", split="train")
        drawn = [
            Answer(
                prompt_id=prompt.id,
                text=text,
                checkpoint="001-sft",
                checkpoint_hash="0" * 64,
                settings={"temperature": 0.85},
                seed=n,
                n=k,
            )
            for k, text in enumerate(texts)
        ]
        prompts.append(prompt)
        answers += drawn
        made.append(
            Pair(prompt_id=prompt.id, answer_a=drawn[0].id, answer_b=drawn[1].id, similarity=0.3)
        )
    add_prompts(conn, prompts)
    add_answers(conn, answers)
    add_pairs(conn, made)
    return conn


async def opened(screen: Screen, size: tuple[int, int] | None = None) -> tuple[str, str]:
    """Return a screen as SVG and as lines of text."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(store_of_talks(Path(folder) / "twin.db", screen.pairs)) as conn,
    ):
        session = Session(conn, seed=2, clock=lambda: 0.0)
        app = LabelerApp(
            session,
            Progress(session, lambda: owner_decisions(conn), goal=30),
            Keys(),
            title="ann",
            more="More pairs: make sft sample OWNER=ann",
            theme=screen.theme,
            too_soon_ms=0,
        )
        async with app.run_test(size=size or screen.size) as pilot:
            await pilot.pause()
            for key in screen.press:
                await pilot.press(key)
                await pilot.pause(0.02)
            await pilot.pause(0.1)
            return app.export_screenshot(title=f"labeler: {screen.name}"), text_of(app)


def text_of(app: LabelerApp) -> str:
    """Return what an app shows, as lines of text without their colours."""
    strips = app.screen._compositor.render_strips()
    lines = ("".join(segment.text for segment in strip if not segment.control) for strip in strips)
    return "\n".join(line.rstrip() for line in lines)


def main() -> None:
    """Write all pictures."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/labeler")
    folder.mkdir(parents=True, exist_ok=True)
    for screen in SCREENS:
        svg, _ = asyncio.run(opened(screen))
        (folder / f"{screen.name}.svg").write_text(svg, "utf-8")
        print(folder / f"{screen.name}.svg")


if __name__ == "__main__":
    main()
