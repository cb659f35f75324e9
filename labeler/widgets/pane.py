"""A pane of text in a frame that ends with it; it scrolls by lines and says what lies below."""

from rich.cells import cell_len, set_cell_size
from rich.segment import ControlType, Segment
from rich.style import Style as RichStyle
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from labeler.rendering import is_width_disputed

# Longer lines than this are hard to read.
MEASURE = 72
_QUIET, _STRONG = "╭─╮│╰╯", "┏━┓┃┗┛"
EDGE = 4  # columns that the frame takes, with a blank on either side
# A segment that takes no columns, as Textual counts.
_NO_CELLS = ((ControlType.CURSOR_MOVE_TO_COLUMN, 0),)
_SELECTED = "screen--selection"


class TextPane(Widget):
    """Shows one text, wrapped to its width.

    It draws line by line, frame included, and keeps its own place in the text: a new text is a
    refresh of one region, where a scrolling container, or a box of another height, would lay the
    whole screen out again on every key.
    """

    COMPONENT_CLASSES = {"text-pane--frame", "text-pane--title", "text-pane--marks"}  # noqa: RUF012

    def __init__(self, id: str, title: str = "") -> None:
        super().__init__(id=id)
        self.title = title
        # A pane whose frame is as high as this one's.
        self.beside: TextPane | None = None
        self._parts: tuple[Content, ...] = ()
        self._lines: list[Content] = []
        self._ends: list[bool] = []  # of each line, whether a paragraph ends with it
        self._width = -1  # that the lines were wrapped to
        self._top = 0
        self._scrolled = False  # by the owner; until then the last part is in sight
        self._marks = ""
        self._labelled = ("", "")
        self._strong = False

    @property
    def room(self) -> int:
        """How many lines of text are visible."""
        return max(0, self.size.height - 2)

    @property
    def is_cut(self) -> bool:
        """Whether not all of the text is visible."""
        return len(self._lines) > self.room

    def show(self, *parts: Content, keep_place: bool = False) -> None:
        """Show a text, from its last part on unless the place is to be kept.

        As much as there is room for of what comes before stands above the last part.
        """
        before = self._height
        self._parts = parts
        self._scrolled = keep_place
        self._wrap()
        if self.beside is not None:
            # Most of a pane is empty before and after: drawing that again is most of a frame.
            changed = Region(0, 0, self.size.width, max(before, self._height))
            self.refresh(changed)
            self.beside.refresh(changed)
        else:
            self.refresh()

    def mark(self, words: str) -> None:
        """Show words, such as marks of the owner's, in the pane's lower edge."""
        self._marks = words
        self._label()

    def head(self, title: str, *, strong: bool = False) -> None:
        """Show a title in the pane's upper edge; a strong frame has the focus."""
        self.title = title
        if strong != self._strong:
            self._strong = strong
            self.set_class(strong, "-focused")
            self.refresh()
        self._label()

    def lines_at(self, width: int) -> int:
        """Return how many lines the text would have in a pane of a width, its frame apart."""
        if width == self._width:
            return len(self._lines)
        return sum(len(part.wrap(max(1, min(width - EDGE, MEASURE)))) for part in self._parts)

    def scroll_lines(self, by: int) -> None:
        """Move by so many lines, as far as there are any."""
        top = min(max(0, self._top + by), max(0, len(self._lines) - self.room))
        if top != self._top:
            self._top, self._scrolled = top, True
            self._label()
            self.refresh()

    def scroll_pages(self, by: int) -> None:
        """Move by so many pages; a line of the last one stays for the eye."""
        self.scroll_lines(by * max(1, self.room - 1))

    @property
    def _height(self) -> int:
        """Of the frame, in lines."""
        lines = len(self._lines)
        if self.beside is not None:
            lines = max(lines, len(self.beside._lines))
        return min(self.size.height, max(1, lines) + 2)

    def _wrap(self) -> None:
        self._width = width = self.size.width
        # Without a size there is nothing to fit to yet; drawing finds the right one.
        self._lines, self._ends, last_part = [], [], 0
        for part in self._parts if width else ():
            last_part = len(self._lines)
            for paragraph in part.split("\n", allow_blank=True):
                lines = paragraph.wrap(max(1, min(width - EDGE, MEASURE)))
                self._lines += lines
                self._ends += [False] * (len(lines) - 1) + [True]
        if width:
            top = self._top if self._scrolled else last_part
            self._top = max(0, min(top, len(self._lines) - self.room))
        self._label()

    def _label(self) -> None:
        below = len(self._lines) - self._top - self.room
        more = []
        if self._marks:
            more.append(self._marks)
        if self._top > 0:
            more.append(f"↑ {self._top}")
        if below > 0 and self.size.height:
            more.append(f"↓ {below} more")
        label = self.title, " · ".join(more)
        if label != self._labelled:
            self._labelled = label
            for y in {0, max(0, self._height - 1)}:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._wrap()
        self.refresh()
        if self.beside is not None:
            self.beside.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll_lines(-3)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return what is selected, lines that were wrapped joined again."""
        parts = []
        for place, line in enumerate(self._lines):
            span = selection.get_span(place)
            if span is not None:
                text = line.plain[span[0] : span[1] if span[1] >= 0 else None]
                parts.append(text + ("\n" if self._ends[place] else " "))
        return "".join(parts).rstrip("\n "), "\n"

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a region; what all lines share is looked up once."""
        for pane in (self, self.beside):  # the first frame comes before the first resize
            if pane is not None and pane._width != pane.size.width:
                pane._wrap()
        self._text_style = self.visual_style
        self._frame_style = self.get_visual_style("text-pane--frame").rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return one line of what is visible."""
        width, bottom = self.size.width, self._height - 1
        plain = self._text_style.rich_style
        place = self._top + y - 1
        if y > bottom or width < EDGE:
            return Strip.blank(width, plain).apply_offsets(0, place)
        signs = _STRONG if self._strong else _QUIET
        if y in (0, bottom):
            return self._edge(signs, is_top=y == 0).apply_offsets(0, place)
        line = self._lines[place] if y <= self.room and place < len(self._lines) else Content("")
        if (selection := self.text_selection) is not None and (span := selection.get_span(place)):
            style = self.screen.get_visual_style(_SELECTED)
            line = line.stylize(style, span[0], span[1] if span[1] >= 0 else len(line))
        inner = Strip(line.render_segments(self._text_style)).apply_offsets(0, place)
        # Below another screen, lines are taken apart once more, and lose what moves the cursor.
        if is_width_disputed(line.plain) and self.app.screen is self.screen:
            inner = self._at_its_columns(inner, plain)
        inner = inner.adjust_cell_length(width - EDGE, plain)
        frame, blank = Segment(signs[3], self._frame_style), Segment(" ", plain)
        return Strip([frame, blank, *inner, blank, frame], width)

    def _at_its_columns(self, text: Strip, plain: RichStyle) -> Strip:
        """Return a line that is as wide as the pane, whatever a terminal makes of its text.

        The line is blanked, written from its first column on, and the cursor then put where the
        blank before the frame stands: neither tears, and nothing of an earlier text is left.
        """
        first, inner = self.region.x + 3, self.size.width - EDGE
        cells = min(text.cell_length, inner)
        back, on = f"{' ' * cells}\x1b[{first}G", f"\x1b[{first + inner}G"
        return Strip(
            [
                Segment(" " * (inner - cells), plain),
                Segment(back, plain, _NO_CELLS),
                *text.crop(0, inner),
                Segment(on, plain, _NO_CELLS),
            ],
            inner,
        )

    def _edge(self, signs: str, *, is_top: bool) -> Strip:
        """Return the frame's upper edge with the title, or the lower one with marks and places."""
        middle = signs[1]
        left, right = (signs[0], signs[2]) if is_top else (signs[4], signs[5])
        words, width = self._labelled[0 if is_top else 1], self.size.width
        if not words:
            return Strip([Segment(left + middle * (width - 2) + right, self._frame_style)], width)
        words = f" {words} "
        if cell_len(words) > width - 4:
            words = set_cell_size(words, width - 5) + "…"
        rest = middle * (width - 4 - cell_len(words))
        name = "text-pane--title" if is_top else "text-pane--marks"
        said = Segment(words, self.get_visual_style(name).rich_style)
        before, after = (left + middle, rest + middle + right)
        if not is_top:
            before, after = (left + middle + rest, middle + right)
        return Strip([Segment(before, self._frame_style), said, Segment(after, self._frame_style)])
