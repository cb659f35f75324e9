"""Why a pair is skipped: asked for by one key, answered by one."""

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from labeler import plain
from labeler.screens.layer import Layer
from labeler.session import SkipReason

REASONS = {key[1:]: reason for key, reason in plain.REASONS.items()}


class ReasonScreen(Layer[SkipReason | None]):
    """Asks why; Esc leaves the pair where it is."""

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        reasons = "   ".join(f"{key} {reason}" for key, reason in REASONS.items())
        yield Static(Content(f"Skip, because:   {reasons}   Esc stay"), id="reasons")

    def on_key(self, event: events.Key) -> None:
        """Take the reason."""
        event.stop()
        if event.key in REASONS or event.key == "escape":
            self.dismiss(REASONS.get(event.key))
