"""What the owner writes to the pair before them: an answer of their own, or a note."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from align.store.drafts import Draft, DraftKind
from labeler.screens.key_screen import KeyScreen
from labeler.session import Question, Side

if TYPE_CHECKING:
    from labeler.screens.writing import WritingScreen


class PairWriting(KeyScreen):
    """A screen over which the owner writes; drafts are never lost."""

    @property
    def focused_side(self) -> Side | None:
        """The answer that has the focus, None for the pair as a whole."""
        raise NotImplementedError

    def show_marked(self, words: str) -> None:
        """Show the marks as they are now, and a message."""
        raise NotImplementedError

    def show_next(self, words: str, *, ends_block: bool = False) -> None:
        """Show the pair that comes now, and a message about the one before."""
        raise NotImplementedError

    def decided(self, question: Question) -> None:
        """Count the decision on a question."""
        raise NotImplementedError

    def write_note(self) -> None:
        """Let the owner write a note to the pair."""
        from labeler.screens.writing import NoteScreen

        question = self._session.question
        if question is None:
            return

        def keep(text: str) -> None:
            self._session.set_note(text)
            self.show_marked("✓ Note saved" if text.strip() else "Note removed")

        draft = self._session.drafts.of("note", question.pair.id)
        self._write(NoteScreen(self._session.marks.note, draft), "note", None, keep)

    def write_answer(self, *, in_editor: bool = False) -> None:
        """Let the owner write an answer of their own, from the focused one or from nothing."""
        from labeler.screens.writing import RewriteScreen

        question, side = self._session.question, self.focused_side
        if question is None:
            return
        draft = self._session.drafts.of("rewrite", question.pair.id)
        texts = {"left": question.left, "right": question.right, None: ""}
        start = texts[side]
        if draft is not None:
            side = question.side_of(draft.of)
        of = question.answer_on(side)

        def keep(text: str) -> None:
            self._session.rewrite(text, side)
            self.decided(question)
            self.show_next("✓ Saved: your own words, before both", ends_block=True)

        screen = RewriteScreen(start, draft, question=question, in_editor=in_editor)
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
                self.tell(f"Your draft is kept; {key} brings it back")

        self.set_class(kind == "rewrite", "-writing")
        screen.draft_to(draft)
        self.app.push_screen(screen, ended)
