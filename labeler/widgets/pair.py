"""A question and two answers, side by side or one above the other."""

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content

from labeler import rendering
from labeler.keys import Keys
from labeler.session import Flag, Marks, Question, Side
from labeler.widgets.pane import TextPane

FLAGS: dict[Flag, str] = {
    "facts": "facts wrong, voice right",
    "voice": "voice wrong, facts right",
}
_FOCUS: tuple[Side | None, ...] = (None, "left", "right")


class PairView(Vertical):
    """Shows a pair with its marks; knows which answer has the focus, and where both differ."""

    def __init__(self, keys: Keys) -> None:
        super().__init__(id="pair")
        self._keys = keys
        self._question: Question | None = None
        self._prompt = TextPane("prompt")
        self._panes: dict[Side, TextPane] = {"left": TextPane("left"), "right": TextPane("right")}
        self._whole_prompt = False
        self._differences = False
        self.focused_side: Side | None = None
        self._marked: tuple[Marks, Side | None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the question above the answers."""
        yield self._prompt
        with Container(id="answers"):
            yield from self._panes.values()

    def show(self, question: Question, marks: Marks) -> None:
        """Show a pair from its first lines."""
        self._question = question
        self._prompt.show(rendering.conversation(question.pair.messages))
        self._show_answers()
        self.show_marks(marks)
        self._size_prompt()

    def show_nothing(self, words: str) -> None:
        """Show words instead of a pair."""
        self._question = self._marked = None
        self._prompt.show(Content(words))
        self._prompt.mark("")
        self._size_prompt()

    def show_marks(self, marks: Marks) -> None:
        """Show what stands of the pair beside an answer, and where the focus is."""
        if self._marked == (marks, self.focused_side):
            return
        self._marked = marks, self.focused_side
        of_pair = ["private"] * marks.private + ["note"] * bool(marks.note)
        self._prompt.mark(_dotted([*of_pair, *_flags(marks, None)]))
        for side, pane in self._panes.items():
            focused = self.focused_side == side
            pane.mark(_dotted(_flags(marks, side)))
            pane.head(f"{self._keys.shown(side)} {side}{' ◉' if focused else ''}")
            pane.set_class(focused, "-focused")

    def next_focus(self) -> str:
        """Give the focus to the next of: both answers, the left, the right; return which."""
        self.focused_side = _FOCUS[(_FOCUS.index(self.focused_side) + 1) % len(_FOCUS)]
        return self.focused_side or "both answers"

    def toggle_differences(self) -> str:
        """Show or hide where the answers differ, and return a message."""
        self._differences = not self._differences
        compared = self._show_answers(keep_place=True)
        if not self._differences:
            return "Differences off"
        if not compared:
            return "These two are too long to compare by words"
        return f"Differences on: {rendering.OPENING}words{rendering.CLOSING} that the other lacks"

    def toggle_prompt(self) -> None:
        """Give a long question half of the room, or take it back."""
        self._whole_prompt = not self._whole_prompt
        self._size_prompt()

    def scroll_answers(self, *, lines: int = 0, pages: int = 0) -> None:
        """Scroll the focused answer, or both."""
        for side, pane in self._panes.items():
            if self.focused_side in (None, side):
                pane.scroll_lines(lines)
                pane.scroll_pages(pages)

    def on_resize(self) -> None:
        """Fit the question to the new size."""
        self._size_prompt()

    def _show_answers(self, *, keep_place: bool = False) -> bool:
        """Show both answers, and return whether differences are shown."""
        question = self._question
        if question is None:
            return False
        texts: dict[Side, str] = {"left": question.left, "right": question.right}
        runs = rendering.difference(question.left, question.right) if self._differences else None
        for place, (side, pane) in enumerate(self._panes.items()):
            marked = runs is not None and texts[side].strip()
            content = rendering.differing(runs[place]) if runs and marked else None
            pane.show(content or rendering.answer(texts[side]), keep_place=keep_place)
        return runs is not None

    def _size_prompt(self) -> None:
        """Give the question the lines it needs, and the answers the larger part of the room."""
        needed = self._prompt.lines_at(self.size.width - 4) + 2
        most = self.size.height // 2 if self._whole_prompt else max(3, self.size.height // 4 + 1)
        height = needed if self._question is None else max(3, min(needed, most))
        if self._prompt.styles.height is None or self._prompt.styles.height.value != height:
            self._prompt.styles.height = height


def _flags(marks: Marks, side: Side | None) -> list[str]:
    return [words for flag, words in FLAGS.items() if (flag, side) in marks.flags]


def _dotted(words: list[str]) -> str:
    return " · ".join(f"● {word}" for word in words)
