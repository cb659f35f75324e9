"""The least app that asks like the labeler: `python -m benchmarks.two_panes STORE`.

A question, two answers, one commit a key, synced: what any Textual app on this machine needs. The
labeler's speed is held against it, since seconds differ from machine to machine.
"""

import sqlite3
import sys

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.events import Key
from textual.widgets import Static

PAIRS = (
    "SELECT p.id, r.messages, a.text, b.text FROM pairs p JOIN prompts r ON r.id = p.prompt_id "
    "JOIN answers a ON a.id = p.answer_a JOIN answers b ON b.id = p.answer_b"
)


class TwoPanes(App[None]):
    """Shows a pair, takes one key, shows the next."""

    CSS = "Static { border: round; } Horizontal Static { width: 1fr; height: 1fr; }"

    def __init__(self, store: str) -> None:
        super().__init__()
        self._conn = sqlite3.connect(store, isolation_level=None)
        self._conn.execute("PRAGMA journal_mode=WAL")
        self._conn.execute("PRAGMA synchronous=FULL")
        self._conn.execute("CREATE TABLE IF NOT EXISTS least (pair TEXT, key TEXT)")
        self._pairs = self._conn.execute(PAIRS)
        self._panes = [Static(markup=False) for _ in range(3)]

    def compose(self) -> ComposeResult:
        """Lay the question above the answers."""
        yield self._panes[0]
        yield Horizontal(*self._panes[1:])

    def on_mount(self) -> None:
        """Show the first pair."""
        self._next()

    def on_key(self, event: Key) -> None:
        """Commit a choice and show the next pair, or stop."""
        if event.character == "q":
            self.exit()
        elif event.character in ("a", "b", "=", "n"):
            self._conn.execute("INSERT INTO least VALUES (?, ?)", (self._pair, event.character))
            self._next()

    def _next(self) -> None:
        self._pair, *texts = self._pairs.fetchone()
        for pane, text in zip(self._panes, texts, strict=True):
            pane.update(text)


if __name__ == "__main__":
    TwoPanes(sys.argv[1]).run()
