"""The labeler's screen as an application: themes, palette, signals."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import Literal

# How often a changed screen is drawn: at the default 60 a second, a key's frame waits for up to
# 17 ms. An unchanged screen is never drawn, so this costs nothing between keys.
os.environ.setdefault("TEXTUAL_FPS", "250")

from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.theme import Theme

from labeler.key_guard import TOO_SOON_MS
from labeler.keys import ACTIONS, Keys
from labeler.pair_sources import ASK
from labeler.progress import Progress
from labeler.screens.choosing import ChoosingScreen
from labeler.session import Session

ThemeName = Literal["dark", "light"]
# Paper and ink, without a colour that could lean to a side.
THEMES: dict[ThemeName, Theme] = {
    "dark": Theme(
        "ink", primary="#8fa3b8", secondary="#8fa3b8", accent="#b8b09a", warning="#d6a95f",
        error="#e08070", success="#8fb88f", foreground="#e6e3dc", background="#16171a",
        surface="#1d1f23", panel="#23262b", dark=True,
    ),
    "light": Theme(
        "paper", primary="#4a5f75", secondary="#4a5f75", accent="#6b5f3f", warning="#8a5a00",
        error="#a03020", success="#2f6b3a", foreground="#26231d", background="#fdfaf3",
        surface="#fdfaf3", panel="#f3eee0", dark=False,
    ),
}  # fmt: skip


class LabelerApp(App[None]):
    """Shows one session; whatever ends it, all that was answered is in the store already."""

    CSS_PATH = "labeler.tcss"
    TITLE = "Soundalike"
    # Ctrl+C stops like everywhere else, instead of asking for another key.
    BINDINGS = [("ctrl+c,ctrl+q", "stop", "Stop")]  # noqa: RUF012

    def __init__(
        self,
        session: Session,
        progress: Progress,
        keys: Keys,
        *,
        title: str,
        more: str,
        limit: int | None = None,
        theme: ThemeName = "dark",
        too_soon_ms: int = TOO_SOON_MS,
        ask: str = ASK,
    ) -> None:
        super().__init__()
        self.stopped = False
        for each in THEMES.values():
            self.register_theme(each)
        self.theme = THEMES[theme].name
        self._keys = keys
        self.choosing = ChoosingScreen(
            session,
            progress,
            keys,
            title=title,
            more=more,
            limit=limit,
            too_soon_ms=too_soon_ms,
            ask=ask,
        )

    def get_default_screen(self) -> Screen[None]:
        """Return the screen on which the owner chooses."""
        return self.choosing

    def on_mount(self) -> None:
        """End in good order when the terminal is closed or somebody stops the process."""
        # Keys come from one thread and frames leave by another: each would wait 5 ms for its turn.
        sys.setswitchinterval(0.0005)
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            # Not from a thread, as in tests, and not on every system.
            with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(getattr(signal, name), self.action_stop)

    def action_stop(self) -> None:
        """Stop, as by Ctrl+C."""
        self.stopped = True
        self.exit()

    def action_toggle_dark(self) -> None:
        """Change between dark and light."""
        dark, light = THEMES["dark"].name, THEMES["light"].name
        self.theme = dark if self.theme == light else light

    def action_command_palette(self) -> None:
        """Open the palette over the choosing screen; in an editor the key means "line up"."""
        if self.screen is self.choosing:
            from labeler.screens.layer import Palette

            self.push_screen(Palette(id="--command-palette"))
            return
        from textual.widgets import TextArea  # loaded by then, where there is one

        if isinstance(self.focused, TextArea):
            self.focused.action_cursor_up()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer everything a key does in the palette as well."""
        for action in ACTIONS:
            title = f"{action.short[:1].upper()}{action.short[1:]}"
            yield SystemCommand(
                f"{title}  {self._keys.shown(action.name)}".rstrip(),
                action.meaning,
                lambda name=action.name: self.choosing.act(name),
            )
