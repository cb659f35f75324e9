"""The help of the screen: every key, what the marks mean, and what is kept."""

from textual import events
from textual.app import ComposeResult
from textual.content import Content

from labeler.keys import GROUPS, Keys
from labeler.screens.layer import Layer
from labeler.widgets.pane import TextPane

LINES = {"down": 1, "j": 1, "up": -1, "k": -1}
PAGES = {"pagedown": 1, "space": 1, "pageup": -1}
ABOUT = """\
You see a question and two answers of your twin. Which one sounds like you? One key answers and \
shows the next pair. The answer is on the disk before the next pair stands there; undo takes it \
back, today or next week.

Voice counts, not truth: an answer may say wrong facts in your voice. Mark that, and choose by the \
voice. Skip what you can't decide; "both" and "neither" are answers of their own.

Some pairs come back later with the sides swapped. How often you answer alike says how much any \
judge can ever agree with you.

Keys can be changed in owner.yaml, under keys: (left: [h, left]). Escape closes this page."""


class HelpScreen(Layer[None]):
    """Lists the keys as they are now."""

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield TextPane("help", "Help")

    def on_mount(self) -> None:
        """Write the page."""
        lines: list[Content | str] = []
        for group, actions in GROUPS.items():
            lines.append(Content.styled(f"\n{group}\n" if lines else f"{group}\n", "bold"))
            for action in actions:
                keys = self._keys.all_shown(action.name).ljust(9)
                lines += [Content.styled(f"  {keys}", "bold $text-accent"), f" {action.meaning}\n"]
        self.query_one(TextPane).show(Content.assemble(*lines, f"\n{ABOUT}"))

    def on_key(self, event: events.Key) -> None:
        """Scroll, or close."""
        event.stop()
        pane = self.query_one(TextPane)
        name = self._keys.action(event.key, event.character)
        if event.key in LINES:
            pane.scroll_lines(LINES[event.key])
        elif event.key in PAGES:
            pane.scroll_pages(PAGES[event.key])
        elif event.key in ("escape", "enter") or name in ("help", "quit"):
            self.dismiss(None)
