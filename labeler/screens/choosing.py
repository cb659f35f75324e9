"""The screen on which the owner chooses: a question, two answers, one key."""

import gc
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from align.errors import UserError
from labeler import rendering
from labeler.key_guard import TOO_SOON_MS
from labeler.keys import Keys
from labeler.plain import ANSWER_WORDS
from labeler.progress import FEW_LEFT, Progress
from labeler.screens.key_screen import KeyScreen
from labeler.session import Answer, Flag, Question, Session
from labeler.session.drafts import Draft, DraftKind
from labeler.widgets.bars import Bar, KeyRow, Part
from labeler.widgets.pair import FLAGS, PairView

if TYPE_CHECKING:
    from labeler.screens.writing import WritingScreen

# Below this two answers cannot be read: keys that choose would choose blindly.
SMALLEST = (40, 12)
TOO_SMALL = "Too small to read two answers. Make the window larger: nothing is lost, q stops."


class ChoosingScreen(KeyScreen):
    """Puts pair after pair to the owner; every key is one commit and one frame.

    Args:
        session: What is asked, and where the answers go.
        progress: Figures of the session so far.
        keys: Which key does what.
        title: Whose pairs.
        more: How to come by more pairs.
        limit: Number of answers after which to stop.
        too_soon_ms: For how long after a pair's frame no choice is taken.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (130, "-wider")]  # noqa: RUF012

    def __init__(
        self,
        session: Session,
        progress: Progress,
        keys: Keys,
        *,
        title: str,
        more: str,
        limit: int | None = None,
        too_soon_ms: int = TOO_SOON_MS,
    ) -> None:
        super().__init__(session, keys, too_soon_ms)
        self._progress = progress
        self._shown: Question | None = None
        self._title, self._more, self._limit = title, more, limit
        self._top, self._message = Bar("top"), Bar("message")
        self._pair = PairView(keys)
        self._counted = False
        self._left: int | None = None
        pair = self._pair
        self.acts = {
            **{answer: partial(self._answer, answer) for answer in ANSWER_WORDS},
            "skip": self._skip,
            "undo": self._undo,
            "redo": self._redo,
            "rewrite": self._rewrite,
            "editor": lambda: self._rewrite(in_editor=True),
            "private": self._private,
            "note": self._note,
            "facts": lambda: self._flag("facts"),
            "voice": lambda: self._flag("voice"),
            "diff": lambda: self._message.say((pair.toggle_differences(), "bold")),
            "focus": self._next_focus,
            "scroll_down": lambda: pair.scroll_answers(lines=1),
            "scroll_up": lambda: pair.scroll_answers(lines=-1),
            "page_down": lambda: pair.scroll_answers(pages=1),
            "page_up": lambda: pair.scroll_answers(pages=-1),
            "prompt": pair.toggle_prompt,
            "theme": lambda: self.app.action_toggle_dark(),
            "help": self._help,
            "quit": lambda: self.app.exit(),
        }

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        # The first frame comes before the first resize, which would set this.
        width = self.app.size.width
        self.add_class(max(at for at in self.HORIZONTAL_BREAKPOINTS if at[0] <= width)[1])
        yield self._top
        yield self._pair
        yield self._message
        yield KeyRow(self._keys)
        yield Static(TOO_SMALL, id="too-small", markup=False)

    def on_mount(self) -> None:
        """Show the first pair, and read what is not needed for it after it stands there."""
        self._show()
        self.call_after_refresh(self._count)

    def _count(self) -> None:
        self._progress.read_earlier()
        self._counted = True
        # What stands by now stays; looked through again and again, it would hold up keys.
        gc.freeze()
        self._show_progress()
        if self._left is not None and self._left < FEW_LEFT:
            self._message.say((f"{self._left} pairs are left. {self._more}", ""))

    def on_resize(self) -> None:
        """Say so where the window is too small."""
        self.set_class(not self.is_usable, "-small")

    @property
    def is_usable(self) -> bool:
        """Whether two answers can be read."""
        return self.size.width >= SMALLEST[0] and self.size.height >= SMALLEST[1]

    def _answer(self, answer: Answer) -> None:
        question = self._session.question
        if question is None:
            return
        self._session.answer(answer, late=self.late)
        self._progress.decided(question)
        self._after(f"✓ Saved: {ANSWER_WORDS[answer]}", ends_block=True)

    def _skip(self) -> None:
        if self._session.question is not None:
            self._session.skip(late=self.late)
            self._progress.recount()
            self._after("Skipped; it comes again later")

    def _undo(self) -> None:
        undone = self._session.undo()
        self._progress.reversed()
        self._after(f"↶ Taken back: {undone}" if undone else "Nothing to take back")

    def _redo(self) -> None:
        redone = self._session.redo()
        self._progress.reversed()
        self._after(f"↷ Done again: {redone}" if redone else "Nothing to do again")

    def _private(self) -> None:
        if self._session.question is not None:
            private = self._session.toggle_private()
            self._marked("● This pair never leaves the machine" if private else "No longer private")

    def _flag(self, flag: Flag) -> None:
        if self._session.question is not None:
            stands = self._session.toggle_flag(flag, self._pair.focused_side)
            self._marked(f"{'✓ Marked' if stands else 'Mark removed'}: {FLAGS[flag]}")

    def _help(self) -> None:
        from labeler.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self._keys))

    def _note(self) -> None:
        from labeler.screens.writing import NoteScreen

        question = self._session.question
        if question is None:
            return

        def keep(text: str) -> None:
            self._session.set_note(text)
            self._marked("✓ Note saved" if text.strip() else "Note removed")

        draft = self._session.drafts.of("note", question.pair.id)
        self._write(NoteScreen(self._session.marks.note, draft), "note", None, keep)

    def _rewrite(self, *, in_editor: bool = False) -> None:
        from labeler.screens.writing import RewriteScreen

        question, side = self._session.question, self._pair.focused_side
        if question is None:
            return
        draft = self._session.drafts.of("rewrite", question.pair.id)
        texts = {"left": question.left, "right": question.right, None: ""}
        of = question.answer_on(side)

        def keep(text: str) -> None:
            self._session.rewrite(text, side)
            self._progress.decided(question)
            self._after("✓ Saved: your own words, before both", ends_block=True)

        screen = RewriteScreen(texts[side], draft, question=question, in_editor=in_editor)
        self._write(screen, "rewrite", of, keep)

    def _write(
        self,
        screen: "WritingScreen",
        kind: DraftKind,
        of: str | None,
        keep: Callable[[str], None],
    ) -> None:
        """Let the owner write to the pair that stands here, and keep it; drafts are never lost."""
        question = self._session.question
        assert question is not None

        def draft(text: str | None) -> None:
            written = None if text is None else Draft(text, of)
            self._session.drafts.keep(kind, question.pair.id, written)

        def ended(text: str | None) -> None:
            self.remove_class("-writing")
            if text is not None:
                self.commit(lambda: keep(text))
            elif self._session.drafts.of(kind, question.pair.id) is not None:
                key = self._keys.shown("rewrite" if kind == "rewrite" else "note")
                self._message.say((f"Your draft is kept; {key} brings it back", "bold"))

        self.set_class(kind == "rewrite", "-writing")
        screen.draft_to(draft)
        self.app.push_screen(screen, ended)

    def _next_focus(self) -> None:
        side = self._pair.next_focus()
        self._marked(f"Focus: {side}")

    def _marked(self, words: str) -> None:
        """Show the marks as they are now, and a message."""
        self._pair.show_marks(self._session.marks)
        self._message.say((words, "bold"))

    def tell(self, words: str) -> None:
        """Show a message."""
        self._message.say((words, "bold"))

    def refuse(self, error: UserError) -> None:
        """Show that an act could not be kept, and why."""
        words = rendering.shown(f"✗ Not saved; the pair stays. {error}")
        self._message.say((words, "bold $text-error"))

    def _after(self, words: str, *, ends_block: bool = False) -> None:
        """Show the pair that comes now, and a message about the one before."""
        self._show()
        parts: list[Part] = [(words, "bold")]
        if ends_block and (block := self._progress.block()):
            parts.append((block, ""))
        if self._left == FEW_LEFT - 1:
            parts.append((f"few are left. {self._more}", ""))
        self._message.say(*parts)
        if self._limit is not None and len(self._progress.answers) >= self._limit:
            self.app.exit()

    def _show(self) -> None:
        question = self._session.question
        if question is not self._shown:
            self._shown = question
            self.pair_changed()
        self.set_class(question is None, "-nothing")
        if question is None:
            self._pair.show_nothing(f"No pair is left. {self._more}")
        else:
            self._pair.show(question, self._session.marks)
        self._show_progress()

    def _show_progress(self) -> None:
        session, progress = self._session, self._progress
        parts: list[Part] = [(self._title, "bold"), (f"{session.answered} answered", "")]
        if session.question is not None and self._counted:
            self._left = session.left
            parts.append((f"{self._left} left", ""))
        if progress.goal:
            reached = " ✓" if progress.today >= progress.goal else ""
            parts.append((f"today {progress.today}/{progress.goal}{reached}", "bold"))
        parts += [(words, "") for words in (progress.pace(), progress.agreement) if words]
        self._top.say(*parts)
