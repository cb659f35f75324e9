"""The line above, the line below, and the row of keys."""

from collections.abc import Sequence

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from labeler.keys import BY_NAME, Keys

Part = tuple[str, str]

# What the row of keys shows, in groups; where there is little room, only what stands in _ALWAYS.
_ROW = (
    ("left", "right", "both", "neither", "skip"),
    ("undo", "rewrite", "private", "note", "history"),
    ("diff", "focus", "prompt"),
)
_ALWAYS = ("left", "right", "both", "neither", "skip", "undo", "prompt")
# At the right end of the last line.
_END = ("help", "quit")


class Bar(Static):
    """One line of parts, from the most important on; those that have no room are left out.

    A first part that is too long for the line takes more lines, as far as the style lets it.
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._parts: Sequence[Part] = ()
        self._shown: Content | None = None
        self._wrapped = False

    def say(self, *parts: Part) -> None:
        """Show parts, each with its style."""
        self._parts = parts
        self._write()

    def on_resize(self) -> None:
        """Fit the parts to the new width."""
        self._write()

    def _write(self) -> None:
        room = self.size.width or 10_000  # without a size there is nothing to fit to yet
        fitting: list[Content] = []
        for text, style in self._parts:
            part = Content.styled(text, style)
            width = part.cell_length + (3 if fitting else 0)
            if width > room and fitting:
                break
            fitting.append(part)
            room -= width
        content = Content.styled(" · ", "dim").join(fitting)
        if self._shown is None or not content.is_same(self._shown):
            self._shown = content
            # Only what needs more than one line moves the rest of the screen.
            wrapped = room < 0
            self.update(content, layout=wrapped or self._wrapped)
            self._wrapped = wrapped


class KeyRow(Static):
    """The keys in groups; a click does what the key does."""

    def __init__(self, keys: Keys) -> None:
        super().__init__(id="keys", markup=False)
        self._keys = keys
        self._left_out = {"prompt"}

    def offer(self, name: str, *, wanted: bool) -> None:
        """Show a key, or leave it out where it would do nothing."""
        if wanted == (name in self._left_out):
            self._left_out ^= {name}
            self.on_resize()

    def on_mount(self) -> None:
        """Show the keys."""
        self.on_resize()

    def on_resize(self) -> None:
        """Show as many keys as there is room for, the most wanted ones always."""
        width, lines = max(1, self.size.width), max(1, self.size.height)
        end = Content("  ").join(self._key(name) for name in _END if self._keys.of[name])
        rows = self._rows([name for group in _ROW for name in group], width, end.cell_length)
        if len(rows) > lines:
            rows = self._rows(_ALWAYS, width, end.cell_length)[:lines]
        blank = width - rows[-1].cell_length - end.cell_length
        if blank > 0:
            rows[-1] += Content(" " * blank) + end
        self.update(Content("\n").join(rows), layout=False)

    def _rows(self, names: Sequence[str], width: int, end: int) -> list[Content]:
        """Return the keys in lines, none of them broken, with room for an end after the last."""
        rows: list[Content] = [Content("")]
        for group in _ROW:
            shown = [
                name
                for name in group
                if name in names and name not in self._left_out and self._keys.of[name]
            ]
            for place, name in enumerate(shown):
                key = self._key(name)
                between = Content.styled(" │ ", "dim") if place == 0 else Content("  ")
                if not rows[-1]:
                    rows[-1] = key
                elif rows[-1].cell_length + between.cell_length + key.cell_length <= width:
                    rows[-1] += between + key
                else:
                    rows.append(key)
        if rows[-1].cell_length + 2 + end > width:
            rows.append(Content(""))
        return rows

    def _key(self, name: str) -> Content:
        click = Style.from_meta({"@click": f"screen.act('{name}')"})
        key = Content.styled(self._keys.shown(name), Style(bold=True) + click)
        return key + Content.styled(f" {BY_NAME[name].short}", click)
