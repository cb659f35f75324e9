"""A session on the screen, without a terminal: the app, its session, its store."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.events import Key
from textual.pilot import Pilot

from align.store.acts import owner_decisions
from align.store.choices import current_choices
from align.store.events import iter_events
from labeler.app import LabelerApp
from labeler.keys import Keys
from labeler.progress import Progress
from labeler.session import Question, Session
from scripts.labeler_screens import text_of


@dataclass
class OpenScreen:
    """What a test looks at."""

    app: LabelerApp
    pilot: "Pilot[None]"
    session: Session
    conn: sqlite3.Connection

    @property
    def question(self) -> Question:
        """The pair on the screen."""
        assert self.session.question is not None
        return self.session.question

    async def press(self, *keys: str) -> None:
        """Press keys one by one, each once the screen stands."""
        for key in keys:
            await self.pilot.press(key)
            await self.seen()

    async def seen(self) -> None:
        """Wait until what stands there has been drawn."""
        await self.pilot.pause()
        for _ in range(200):
            if self.app.choosing.guard.all_is_seen or self.app.screen is not self.app.choosing:
                return
            await self.pilot.pause(0.01)

    async def burst(self, *keys: str, apart: float = 0.0) -> None:
        """Press keys that arrive in one packet, or so many seconds apart by their own time."""
        for place, key in enumerate(keys):
            character = key if len(key) == 1 else {"space": " "}.get(key)
            event = Key(key, character)
            event.time += place * apart
            self.app.post_message(event)
        await self.pilot.pause(0.05)
        await self.seen()

    def screen(self) -> str:
        """Return the screen as lines of text."""
        return text_of(self.app)

    def kinds(self) -> list[str]:
        """Return the kinds of all events, oldest first."""
        return [event.kind for event in iter_events(self.conn)]

    def outcomes(self) -> dict[str, str]:
        """Return what stands of each pair."""
        return {choice.pair_id: choice.outcome for choice in current_choices(self.conn)}


@asynccontextmanager
async def open_screen(
    conn: sqlite3.Connection,
    *,
    size: tuple[int, int] = (120, 36),
    keys: Keys | None = None,
    goal: int | None = None,
    too_soon_ms: int = 0,
    **options: Any,
) -> AsyncIterator[OpenScreen]:
    """Open a screen on a store of pairs."""
    session = Session(conn, seed=1)
    app = LabelerApp(
        session,
        Progress(session, lambda: owner_decisions(conn), goal),
        keys or Keys(),
        title="ann",
        more="More pairs: make sft sample OWNER=ann",
        too_soon_ms=too_soon_ms,
        **options,
    )
    async with app.run_test(size=size) as pilot:
        now = OpenScreen(app, pilot, session, conn)
        await now.seen()
        yield now


def run(
    conn: sqlite3.Connection, do: Callable[[OpenScreen], Awaitable[None]], **options: Any
) -> None:
    """Open a screen and do something with it."""

    async def main() -> None:
        async with open_screen(conn, **options) as now:
            await do(now)

    asyncio.run(main())
