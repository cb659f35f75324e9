"""Where the owner writes: an answer of their own, or a note."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from textual import events
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from align.errors import UserError
from labeler import rendering
from labeler.session import Question
from labeler.widgets.pane import TextPane


class WritingScreen(ModalScreen[str | None]):
    """A text to be written; None where the owner thought better of it."""

    AREA_TITLE = ""

    def __init__(self, start: str, *, in_editor: bool = False) -> None:
        super().__init__()
        self._start, self._in_editor = start, in_editor

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with Vertical(id="writing"):
            yield from self.above()
            area = TextArea(self._start, soft_wrap=True, id="area")
            area.border_title = Content(self.AREA_TITLE)
            yield area
            yield Static(
                Content("Ctrl+S save · Ctrl+O in $EDITOR · Esc leave as it was"), id="writing-keys"
            )

    def above(self) -> ComposeResult:
        """Show what the text is an answer to."""
        yield from ()

    def on_mount(self) -> None:
        """Put the cursor to the text's end."""
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()
        if self._in_editor:
            self.call_after_refresh(self._open_editor, save=True)

    def on_key(self, event: events.Key) -> None:
        """Save, leave, or open the editor."""
        if event.key == "ctrl+s":
            event.stop()
            self._save()
        elif event.key == "escape":
            event.stop()
            self.dismiss(None)
        elif event.key == "ctrl+o":
            event.stop()
            self._open_editor()

    def _save(self) -> None:
        self.dismiss(self.query_one(TextArea).text)

    def _open_editor(self, *, save: bool = False) -> None:
        area = self.query_one(TextArea)
        try:
            text = edited(self.app, area.text)
        except UserError as error:
            self.query_one("#writing-keys", Static).update(
                Content.styled(rendering.shown(str(error)), "bold $error")
            )
            return
        area.text = text
        area.move_cursor(area.document.end)
        if save and text.strip() and text != self._start:
            self._save()


class RewriteScreen(WritingScreen):
    """The answer as the owner would have given it."""

    AREA_TITLE = "As you would say it"

    def __init__(self, question: Question, start: str, *, in_editor: bool = False) -> None:
        super().__init__(start, in_editor=in_editor)
        self._question = question

    def above(self) -> ComposeResult:
        """Show the question."""
        yield TextPane("question")

    def on_mount(self) -> None:
        """Show the question and start writing."""
        self.query_one("#question", TextPane).show(
            rendering.conversation(self._question.pair.messages[-1:])
        )

    def _save(self) -> None:
        if self.query_one(TextArea).text.strip():
            super()._save()
        else:
            self.query_one("#writing-keys", Static).update(
                Content.styled("Nothing written yet · Esc leaves the pair as it was", "bold")
            )


class NoteScreen(WritingScreen):
    """A note to a pair; an empty one removes it."""

    AREA_TITLE = "A note to this pair (nothing is trained on it)"


def edited(app: App[object], text: str) -> str:
    """Return the text as it comes back from $VISUAL or $EDITOR, the screen put aside meanwhile.

    The file lies in a folder that only its user can read, and is gone afterwards.

    Raises:
        UserError: There is no such editor, it failed, or the terminal can't be handed over.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.txt"
        path.write_text(text, "utf-8")
        try:
            with app.suspend():
                editor = subprocess.run([*shlex.split(command), str(path)], check=False)
        except (OSError, ValueError, SuspendNotSupported) as error:
            raise UserError(
                f"$EDITOR {command!r}",
                f"cannot be started ({error})",
                "Set EDITOR=nano or the like",
            ) from error
        if editor.returncode != 0:
            what = f"ended with {editor.returncode}"
            raise UserError(f"$EDITOR {command!r}", what, "The text is as it was")
        return path.read_text("utf-8", errors="replace").rstrip("\n")
