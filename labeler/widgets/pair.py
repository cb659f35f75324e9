"""A question and two answers, side by side or one above the other."""

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from labeler import rendering
from labeler.keys import Keys
from labeler.session import Flag, Marks, Question, Side
from labeler.widgets.pane import EDGE, MEASURE, TextPane

FLAGS: dict[Flag, str] = {
    "facts": "facts wrong, voice right",
    "voice": "voice wrong, facts right",
}
Focus = Side | Literal["question"] | None
# Lines of each answer below which one can't choose, and rows that the frames take.
LEAST, FRAME = 3, 2
# From so many columns on the answers stand side by side, since the arrows choose left or right.
SIDE_BY_SIDE = 72


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
        left, right = self._panes.values()
        left.beside, right.beside = right, left
        self._focus: Focus = None
        self._marked: tuple[Marks, Focus] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the question above the answers."""
        yield self._prompt
        with Container(id="answers"):
            yield from self._panes.values()

    def show(self, question: Question, marks: Marks) -> None:
        """Show a pair from its first lines."""
        self._question = question
        self._prompt.show(*rendering.turns(question.pair.messages))
        self._show_answers()
        self.show_marks(marks)
        self._size_prompt()

    def show_nothing(self) -> None:
        """Show no pair."""
        self._question = self._marked = None

    def show_marks(self, marks: Marks) -> None:
        """Show what stands of the pair beside an answer, and where the focus is."""
        if self._marked == (marks, self._focus):
            return
        self._marked = marks, self._focus
        of_pair = ["private"] * marks.private + ["note"] * bool(marks.note)
        self._prompt.mark(_dotted([*of_pair, *_flags(marks, None)]))
        for side, pane in self._panes.items():
            focused = self._focus == side
            pane.mark(_dotted(_flags(marks, side)))
            pane.head(f"{self._keys.shown(side)} {side}{' ◉' if focused else ''}", strong=focused)
        focused = self._focus == "question"
        self._prompt.head("question ◉" if focused else "", strong=focused)

    @property
    def focused_side(self) -> Side | None:
        """The answer that has the focus; None where both have it, or the question."""
        return None if self._focus == "question" else self._focus

    @property
    def is_cut(self) -> bool:
        """Whether not all of the question is visible."""
        return self._question is not None and self._prompt.is_cut

    def next_focus(self) -> str:
        """Give the focus to the next of: both answers, the left, the right, a question that is cut.

        Returns:
            Which it is.
        """
        cycle: list[Focus] = [None, "left", "right"]
        if self.is_cut or self._focus == "question":
            cycle.append("question")
        self._focus = cycle[(cycle.index(self._focus) + 1) % len(cycle)]
        return self._focus or "both answers"

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
        """Scroll what has the focus: an answer, both, or the question."""
        panes: list[tuple[Focus, TextPane]] = [*self._panes.items(), ("question", self._prompt)]
        for name, pane in panes:
            if self._focus == name or (self._focus is None and name != "question"):
                pane.scroll_lines(lines)
                pane.scroll_pages(pages)

    def fit(self, width: int) -> None:
        """Take so many columns or fewer: both answers have the same, and no line is too long."""
        most = min(width - width % 2, 2 * (MEASURE + EDGE))
        if self.styles.max_width is None or self.styles.max_width.value != most:
            self.styles.max_width = most

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
        needed = self._prompt.lines_at(self.size.width) + FRAME
        most = self.size.height // 2 if self._whole_prompt else max(3, self.size.height // 4 + 1)
        # An answer of which nothing is seen can't be chosen.
        most = min(most, self.size.height - rows_of_answers(self.size.width))
        height = max(3, min(needed, most))
        if self._prompt.styles.height is None or self._prompt.styles.height.value != height:
            self._prompt.styles.height = height


def rows_of_answers(width: int) -> int:
    """Return how many rows two answers need at least, in a window of so many columns."""
    each = LEAST + FRAME
    return each if width >= SIDE_BY_SIDE else 2 * each


def _flags(marks: Marks, side: Side | None) -> list[str]:
    return [words for flag, words in FLAGS.items() if (flag, side) in marks.flags]


def _dotted(words: list[str]) -> str:
    return " · ".join(f"● {word}" for word in words)
