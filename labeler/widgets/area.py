"""An editor that keeps a text to the letter, and simplifies only what it draws of it."""

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import TextArea

from labeler.rendering import drawn

# Python ends lines at these, and a document would write them all as one: they are held as signs of
# a private plane, and only a newline ends a line.
_HELD = {ord(c): 0xF0000 + ord(c) for c in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"}
_FREED = {held: raw for raw, held in _HELD.items()}


class StoredTextArea(TextArea):
    """Edits a text as it is stored: joiners, skin tones and controls stay where they are."""

    @property
    def stored_text(self) -> str:
        """The text, as it goes to the store."""
        return self.text.translate(_FREED)

    def write(self, text: str) -> None:
        """Begin with a text as it is stored, the cursor at its end."""
        self.load_text(text.translate(_HELD))
        self.move_cursor(self.document.end)

    def render_line(self, y: int) -> Strip:
        """Return a line without what a terminal obeys or measures otherwise, as wide as before."""
        strip = super().render_line(y)
        return Strip([_drawn(segment) for segment in strip], strip.cell_length)


def _drawn(segment: Segment) -> Segment:
    text, style, control = segment
    if text.isascii() and text.isprintable():
        return segment
    return Segment(set_cell_size(drawn(text.translate(_FREED)), cell_len(text)), style, control)
