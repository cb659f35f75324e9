"""Where the owner writes: an answer of their own, or a note."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual import events
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from align.errors import UserError
from align.store.drafts import Draft
from labeler import rendering
from labeler.screens.layer import Layer
from labeler.session import Question
from labeler.widgets.area import StoredTextArea

# A draft is kept so many seconds after a letter was typed.
KEEP_AFTER = 1.0
CUT = "# ------------------------ >8 ------------------------"


class WritingScreen(Layer[str | None]):
    """A text to be written; None where the owner thought better of it.

    Args:
        start: What there is to begin with, as it is stored.
        draft: What was typed here before, which comes back.
        question: What the text is an answer to, where it is one.
        in_editor: Whether to open $EDITOR at once.
    """

    TITLE_OF_AREA = ""
    NEEDS_TEXT = False

    def __init__(
        self,
        start: str,
        draft: Draft | None = None,
        *,
        question: Question | None = None,
        in_editor: bool = False,
    ) -> None:
        super().__init__()
        self._start, self._in_editor, self._question = start, in_editor, question
        self._came_back = draft is not None and draft.text != start
        self._text = draft.text if draft is not None else start
        self._keep: Callable[[str | None], None] = lambda text: None
        self._area = StoredTextArea(soft_wrap=True, id="area")
        self._hint = Static(id="writing-keys", markup=False)
        self._timer: Timer | None = None

    def draft_to(self, keep: Callable[[str | None], None]) -> None:
        """Hand what is typed to somebody, now and then; None where it is what was there before."""
        self._keep = keep

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        with Vertical(id="writing"):
            self._area.border_title = Content(self.TITLE_OF_AREA)
            yield self._area
            yield self._hint

    def on_mount(self) -> None:
        """Put the cursor to the text's end."""
        self._area.write(self._text)
        self._area.focus()
        keys = "Ctrl+S save · Ctrl+O in $EDITOR · Esc leave as it was"
        anew = "Your draft is back · Ctrl+R begin anew · "
        self._hint.update(Content((anew if self._came_back else "") + keys))
        if self._in_editor:
            self.call_after_refresh(self._open_editor, save=True)

    def on_text_area_changed(self) -> None:
        """Keep the draft a moment later: nobody waits for the disk between two letters."""
        self._text = self._area.stored_text
        if self._timer is None:
            self._timer = self.set_timer(KEEP_AFTER, self._keep_draft)

    def on_unmount(self) -> None:
        """Keep the draft when the terminal is closed, too."""
        self._keep_draft()

    def _keep_draft(self) -> None:
        self._timer = None
        self._keep(None if self._text == self._start else self._text)

    def on_key(self, event: events.Key) -> None:
        """Save, leave, begin anew, or open the editor."""
        acts: dict[str, Callable[[], object]] = {
            "ctrl+s": self._save,
            "escape": self._leave,
            "ctrl+o": self._open_editor,
            "ctrl+r": lambda: self._area.write(self._start),
        }
        if event.key in acts:
            event.stop()
            event.prevent_default()
            acts[event.key]()

    def _leave(self) -> None:
        self._text = self._area.stored_text
        self._keep_draft()
        self.dismiss(None)

    def _save(self) -> None:
        self._text = self._area.stored_text
        if self.NEEDS_TEXT and not self._text.strip():
            words = "Nothing written yet · Esc leaves the pair as it was"
            self._hint.update(Content.styled(words, "bold"))
            return
        self._keep_draft()
        self.dismiss(self._text)

    def _open_editor(self, *, save: bool = False) -> None:
        before = self._area.stored_text
        try:
            text = edited(self.app, before, self._question)
        except UserError as error:
            self._hint.update(Content.styled(rendering.shown(str(error)), "bold $text-error"))
            return
        self._area.write(text)
        if save and text.strip() and text != before:
            self._save()


class RewriteScreen(WritingScreen):
    """The answer as the owner would have given it."""

    TITLE_OF_AREA = "As you would say it"
    NEEDS_TEXT = True


class NoteScreen(WritingScreen):
    """A note to a pair; an empty one removes it."""

    TITLE_OF_AREA = "A note to this pair (nothing is trained on it)"


def edited(app: App[object], text: str, question: Question | None = None) -> str:
    """Return the text as it comes back from $VISUAL or $EDITOR, the screen put aside meanwhile.

    A question stands below a line that cuts it off again. The file lies in a folder that only its
    user can read, and is gone afterwards.

    Raises:
        UserError: There is no such editor, it failed, or the terminal can't be handed over.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    below = "" if question is None else f"\n\n{CUT}\n{_below_the_cut(question)}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.txt"
        path.write_bytes(f"{text}{below}".encode())
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
        written = path.read_bytes().decode("utf-8", "replace")
    # Editors end a text with a newline of their own.
    written = written.rpartition(CUT)[0] if CUT in written else written
    return text if written.rstrip("\n") == text.rstrip("\n") else written.rstrip("\n")


def _below_the_cut(question: Question) -> str:
    turns = "\n".join(turn.plain for turn in rendering.turns(question.pair.messages))
    answers = (
        f"[left] {rendering.shown(question.left)}",
        f"[right] {rendering.shown(question.right)}",
    )
    return "\n\n".join(("This line and all below it are left out.", turns, *answers))
