"""The history: what was decided, to be found, looked at and changed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from labeler import rendering
from labeler.screens.layer import Layer
from labeler.session import Decision
from labeler.session.past import FILTERS, Past, sifted

_MOVES = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}


class HistoryScreen(Layer[Decision | None]):
    """Lists decisions, the newest first; returns the one that is to be shown in full.

    Args:
        pasts: All decisions, the newest first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "sift(1)", show=False, priority=True),
        Binding("shift+tab", "sift(-1)", show=False, priority=True),
    ]

    def __init__(self, pasts: Sequence[Past]) -> None:
        super().__init__()
        self._pasts, self._shown = pasts, list(pasts)
        self._filter, self._at, self._top = "all", 0, 0
        self._search = Input(placeholder="Search question, answers, notes", id="search")
        self._list = Static(id="list", markup=False)
        self._hint = Static(id="history-keys", markup=False)

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with Vertical(id="history"):
            yield self._search
            yield self._list
            yield self._hint

    def on_mount(self) -> None:
        """Start with all of them, ready to search."""
        self._search.focus()
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Fit the list to the new size."""
        self._draw()

    def on_input_changed(self) -> None:
        """Keep what has the words."""
        self._sift()

    def on_input_submitted(self) -> None:
        """Show the decision in full."""
        if self._shown:
            self.dismiss(self._shown[self._at].decision)

    def action_sift(self, by: int) -> None:
        """Take the next filter, or the one before."""
        names = list(FILTERS)
        self._filter = names[(names.index(self._filter) + by) % len(names)]
        self._sift()

    def on_key(self, event: events.Key) -> None:
        """Move, or leave."""
        if event.key in _MOVES:
            event.stop()
            self._at = max(0, min(len(self._shown) - 1, self._at + _MOVES[event.key]))
            self._draw()
        elif event.key == "escape":
            event.stop()
            self.dismiss(None)

    def _sift(self) -> None:
        self._shown = sifted(self._pasts, self._filter, self._search.value)
        self._at = self._top = 0
        self._draw()

    def _draw(self) -> None:
        rows, width = max(1, self._list.size.height), max(20, self._list.size.width)
        self._top = max(min(self._top, self._at), self._at - rows + 1)
        lines = []
        for place, past in enumerate(self._shown[self._top : self._top + rows], self._top):
            sign = "▸ " if place == self._at else "  "
            line = Content(sign + _line(past)).truncate(width, ellipsis=True)
            lines.append(line.stylize("bold") if place == self._at else line.stylize("dim"))
        self._list.update(Content("\n").join(lines or [Content("Nothing of that kind")]))
        count = f"{len(self._shown):,} of {len(self._pasts):,}: {self._filter}"
        keys = "Tab other kinds · Enter look and change · Esc back"
        self._hint.update(Content(f"{count} · {keys}"))


def _line(past: Past) -> str:
    flat = " ".join(rendering.shown(past.pair.messages[-1]["content"]).split())
    chosen = " ".join(rendering.shown(past.chosen).split())
    marks = "● " if past.marks else ""
    again = {True: "again, alike: ", False: "again, otherwise: ", None: ""}[past.agrees]
    return f"{again}{past.words:<14} {marks}{flat}" + (f"  →  {chosen}" if chosen else "")
