"""The screen on which the owner chooses: a question, two answers, one key."""

import gc
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from align.choices.tally import tally
from align.errors import UserError
from labeler import rendering
from labeler.key_guard import TOO_SOON_MS
from labeler.keys import Keys
from labeler.pair_sources import ASK
from labeler.plain import ANSWER_WORDS
from labeler.progress import FEW_LEFT, Progress
from labeler.screens.looking_back import LookingBack
from labeler.session import Answer, Flag, Question, Session, Side, SkipReason
from labeler.widgets.bars import Bar, KeyRow, Part
from labeler.widgets.pair import FLAGS, SIDE_BY_SIDE, PairView, rows_of_answers

if TYPE_CHECKING:
    pass

# Rows and columns besides the answers: the top line, a question of one line, a message; a
# frame with a few words.
OTHER_ROWS, LEAST_COLUMNS = 5, 24
TOO_SMALL = "Too small to read two answers. Make the window larger: nothing is lost, q stops."


class ChoosingScreen(LookingBack):
    """Puts pair after pair to the owner; every key is one commit and one frame.

    Args:
        session: What is asked, and where the answers go.
        progress: Figures of the session so far.
        keys: Which key does what.
        title: Whose pairs.
        more: How to come by more pairs.
        limit: Number of answers after which to stop.
        too_soon_ms: For how long after a pair's frame no choice is taken.
        ask: What the owner is asked before the first answer.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (SIDE_BY_SIDE, "-wide"), (130, "-wider")]  # noqa: RUF012

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
        ask: str = ASK,
    ) -> None:
        super().__init__(session, keys, too_soon_ms)
        self._ask = ask
        self._progress = progress
        self._shown: Question | None = None
        self._title, self._more, self._limit = title, more, limit
        self._top, self._message, self._key_row = Bar("top"), Bar("message"), KeyRow(keys)
        self._nothing = Static(id="nothing", markup=False)
        self._pair = PairView(keys)
        self._counted = False
        self._left: int | None = None
        pair = self._pair
        self.acts = {
            **{answer: partial(self._answer, answer) for answer in ANSWER_WORDS},
            "clearly_left": partial(self._answer, "left", clear=True),
            "clearly_right": partial(self._answer, "right", clear=True),
            "skip": self._skip,
            "skip_because": self._skip_because,
            "undo": self._undo,
            "history": self.open_history,
            "back": self.leave_past,
            "redo": self._redo,
            "rewrite": self.write_answer,
            "editor": lambda: self.write_answer(in_editor=True),
            "private": self._private,
            "note": self.write_note,
            "facts": lambda: self._flag("facts"),
            "voice": lambda: self._flag("voice"),
            "diff": lambda: self._message.say((pair.toggle_differences(), "bold")),
            "focus": self._next_focus,
            "scroll_down": lambda: pair.scroll_answers(lines=1),
            "scroll_up": lambda: pair.scroll_answers(lines=-1),
            "page_down": lambda: pair.scroll_answers(pages=1),
            "page_up": lambda: pair.scroll_answers(pages=-1),
            "prompt": self._whole_question,
            "theme": lambda: self.app.action_toggle_dark(),
            "help": self._help,
            "quit": lambda: self.app.exit(),
        }

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        # The first frame comes before the first resize, which would set this.
        width = self.app.size.width
        self.add_class(max(at for at in self.HORIZONTAL_BREAKPOINTS if at[0] <= width)[1])
        self._pair.fit(width)
        yield self._top
        yield self._pair
        yield self._nothing
        yield self._message
        yield self._key_row
        yield Static(TOO_SMALL, id="too-small", markup=False)

    def on_mount(self) -> None:
        """Show the first pair, and read what is not needed for it after it stands there."""
        self._message.say((self._ask, "bold"))
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
        self._pair.fit(self.size.width)
        # A long message must not take the rows that the answers need.
        self.set_class(self._spare_rows < 3, "-tight")

    @property
    def is_usable(self) -> bool:
        """Whether two answers can be read."""
        return self.size.width >= LEAST_COLUMNS and self._spare_rows >= 0

    @property
    def _spare_rows(self) -> int:
        """How many more rows there are than two answers need to be read."""
        width, height = self.size
        return height - OTHER_ROWS - (2 if width < 130 else 1) - rows_of_answers(width)

    def on_text_selected(self) -> None:
        """Copy what was dragged over."""
        if text := self.get_selected_text():
            self.app.copy_to_clipboard(text)
            self.tell("Copied")

    def action_copy_text(self) -> None:
        """Stop: Ctrl+C stops as ever, and what is dragged over is copied already."""
        self.app.call_next(self.app.run_action, "stop")

    def _answer(self, answer: Answer, *, clear: bool = False) -> None:
        question = self._session.question
        if question is None:
            return
        self._session.answer(answer, clear=clear, late=self.late)
        self._progress.decided(question)
        clearly = "clearly " if clear else ""
        self.show_next(f"✓ Saved: {clearly}{ANSWER_WORDS[answer]}", ends_block=True)

    def _skip(self, reason: SkipReason | None = None) -> None:
        if self._session.revisited is not None:
            self.leave_past()
        elif self._session.question is not None:
            self._session.skip(reason, late=self.late)
            self._progress.recount()
            why = f" ({reason})" if reason else ""
            self.show_next(f"Skipped{why}; it comes again later")

    def _skip_because(self) -> None:
        from labeler.screens.skipping import ReasonScreen

        def skip(reason: SkipReason | None) -> None:
            if reason is not None:
                self.commit(lambda: self._skip(reason))

        if self._session.question is not None:
            self.app.push_screen(ReasonScreen(), skip)

    def _undo(self) -> None:
        undone = self._session.undo()
        self._progress.reversed()
        self.show_next(f"↶ Taken back: {undone}" if undone else "Nothing to take back")

    def take_back_held(self) -> None:
        """Take back what a key chose that was held down."""
        self._undo()
        self.tell("A key that is held down chooses once: its second choice was taken back")

    def _redo(self) -> None:
        redone = self._session.redo()
        self._progress.reversed()
        self.show_next(f"↷ Done again: {redone}" if redone else "Nothing to do again")

    def _private(self) -> None:
        if self._session.question is not None:
            private = self._session.toggle_private()
            self.show_marked(
                "● This pair never leaves the machine" if private else "No longer private"
            )

    def _flag(self, flag: Flag) -> None:
        if self._session.question is not None:
            stands = self._session.toggle_flag(flag, self._pair.focused_side)
            self.show_marked(f"{'✓ Marked' if stands else 'Mark removed'}: {FLAGS[flag]}")

    def _help(self) -> None:
        from labeler.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self._keys))

    @property
    def focused_side(self) -> Side | None:
        """The answer that has the focus, None for the pair as a whole."""
        return self._pair.focused_side

    def decided(self, question: Question) -> None:
        """Count the decision on a question."""
        self._progress.decided(question)

    def _whole_question(self) -> None:
        self._pair.toggle_prompt()
        self.call_after_refresh(self._offer_question)

    def _offer_question(self) -> None:
        """Show the key for more of the question where there is more of it."""
        self._key_row.offer("prompt", wanted=self._pair.is_cut)

    def _next_focus(self) -> None:
        side = self._pair.next_focus()
        self.show_marked(f"Focus: {side}")

    def show_marked(self, words: str) -> None:
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

    def show_next(self, words: str, *, ends_block: bool = False) -> None:
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
            self.call_after_refresh(self._offer_question)
        self.set_class(question is None, "-nothing")
        if question is None:
            self._pair.show_nothing()
            self._nothing.update(self._nothing_left())
        else:
            self._pair.show(question, self._session.marks)
        self._show_progress()

    def _nothing_left(self) -> Content:
        """Return what stands in the middle where no pair waits."""
        lines = [f"{self._session.answered} answered", *tally(self._progress.rows).words(), ""]
        said = Content("\n" + "\n".join([*lines, self._more]))
        return Content.styled("No pair is left", "bold") + said

    def _show_progress(self) -> None:
        session, progress = self._session, self._progress
        parts: list[Part] = [(self._title, "bold"), (f"{session.answered} answered", "")]
        if session.question is not None and self._counted:
            self._left = session.left
            parts.append((f"{self._left} left{progress.time_left(self._left)}", ""))
        if progress.goal:
            reached = " ✓" if progress.today >= progress.goal else ""
            words = f"today {progress.today}/{progress.goal}{reached} {progress.bar()}"
            parts.append((words, "bold"))
        if progress.agreement:
            parts.append((progress.agreement, ""))
        self._top.say(*parts)
