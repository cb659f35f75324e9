"""A pane of text that scrolls by lines and shows how much lies below."""

from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget


class TextPane(Widget):
    """Shows one text, wrapped to its width.

    It draws line by line and keeps its own place in the text: a new text is a refresh of one
    region, where a scrolling container would lay the whole screen out again on every key.
    """

    def __init__(self, id: str, title: str = "") -> None:
        super().__init__(id=id)
        self.title = title
        self._content = Content("")
        self._lines: list[Content] = []
        self._style = Style.null()
        self._width = 0  # that the lines were wrapped to
        self._top = 0
        self._marks = ""
        self._labelled = ("", "")

    def show(self, content: Content, *, keep_place: bool = False) -> None:
        """Show a text, from its first line unless the place is to be kept."""
        self._content = content
        if not keep_place:
            self._top = 0
        self._wrap(all_lines=False)

    def mark(self, words: str) -> None:
        """Show words, such as marks of the owner's, in the pane's lower edge."""
        self._marks = words
        self._label()

    def head(self, title: str) -> None:
        """Show a title in the pane's upper edge."""
        self.title = title
        self._label()

    def lines_at(self, width: int) -> int:
        """Return how many lines the text would have at a width."""
        return len(self._lines if width == self.size.width else self._content.wrap(max(1, width)))

    def scroll_lines(self, by: int) -> None:
        """Move by so many lines, as far as there are any."""
        top = min(max(0, self._top + by), max(0, len(self._lines) - self.size.height))
        if top != self._top:
            self._top = top
            self._label()
            self.refresh()

    def scroll_pages(self, by: int) -> None:
        """Move by so many pages; a line of the last one stays for the eye."""
        self.scroll_lines(by * max(1, self.size.height - 1))

    def _wrap(self, *, all_lines: bool = True) -> None:
        before, width = len(self._lines), self.size.width
        # Without a size there is nothing to fit to yet; drawing finds the right one.
        self._lines = self._content.wrap(width) if width else []
        self._width = width
        self._top = min(self._top, max(0, len(self._lines) - self.size.height))
        self._label()
        if all_lines:
            self.refresh()
        else:
            # Most of a pane is empty before and after: drawing that again is most of a frame.
            changed = min(self.size.height, max(before, len(self._lines)))
            self.refresh(Region(0, 0, width, changed))

    def _label(self) -> None:
        below = len(self._lines) - self._top - self.size.height
        more = []
        if self._marks:
            more.append(self._marks)
        if self._top:
            more.append(f"↑ {self._top}")
        if below > 0 and self.size.height:
            more.append(f"↓ {below} more")
        label = self.title, " · ".join(more)
        if label != self._labelled:  # setting them draws the whole pane again
            self._labelled = label
            self.border_title, self.border_subtitle = map(Content, label)

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._wrap()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll with the wheel."""
        event.stop()
        self.scroll_lines(-3)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of a region; what all lines share is looked up once."""
        self._style = self.visual_style
        width = self.size.width
        if self._width != width:  # the first frame comes before the first resize
            self._lines, self._width = self._content.wrap(width), width
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Return one line of what is visible."""
        place, style = self._top + y, self._style
        segments = self._lines[place].render_segments(style) if place < len(self._lines) else []
        return Strip(segments).adjust_cell_length(self._width, style.rich_style)
