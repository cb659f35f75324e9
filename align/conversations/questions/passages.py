"""A document's passages: what answers one question. Each is a stretch of the text as it stands."""

import re
from dataclasses import dataclass

# A passage has a thought in it from here on, and is no answer any more beyond this.
FEWEST_WORDS, MOST_WORDS = 25, 220
_BLOCK = re.compile(r"\S.*?(?=\n[ \t]*\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"#{1,6}[ \t]+(.+?)[ \t]*#*\Z")
_UNDERLINED = re.compile(r"(.+)\n(?:=+|-+)\Z")
# A block of these lines is no prose: code, a table, a rule, a picture.
_NO_PROSE = re.compile(r"```|~~~|    |\||!\[|[-*_]{3,}\s*\Z|<")


@dataclass(frozen=True)
class Passage:
    """Paragraphs that stand together: `document[start:stop]`, under the nearest heading."""

    start: int
    stop: int
    text: str
    heading: str | None

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(self.text.split())


def passages(text: str) -> list[Passage]:
    """Return the passages of a Markdown or plain document, in order; they never overlap.

    Paragraphs are joined until a passage has `FEWEST_WORDS`, never beyond `MOST_WORDS`, nor over a
    heading. What is shorter by itself, longer, or no prose, belongs to none.
    """
    complete: list[Passage] = []
    open_: Passage | None = None
    heading: str | None = None
    for block in _BLOCK.finditer(text):
        title = _heading_of(block[0])
        if title is not None or _NO_PROSE.match(block[0]):
            heading, open_ = (title if title is not None else heading), None
            continue
        start = block.start() if open_ is None else open_.start
        joined = Passage(start, block.end(), text[start : block.end()], heading)
        if joined.words > MOST_WORDS:
            joined = Passage(block.start(), block.end(), block[0], heading)
        if joined.words >= FEWEST_WORDS:
            open_ = None
            if joined.words <= MOST_WORDS:
                complete.append(joined)
        else:
            open_ = joined
    return complete


def _heading_of(block: str) -> str | None:
    match = _HEADING.match(block) or _UNDERLINED.match(block)
    return match[1].strip() if match else None
