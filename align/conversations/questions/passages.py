"""A document's passages: what answers one question. Each is a stretch of the text as it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from align.conversations.examples.cutting import cut_at_paragraph_ends
from align.ingest.cleaning.copied import is_mostly_quoted

# What is said plainly and in the owner's own words is as long as an answer in a chat.
FEWEST_OF_ANSWER, MOST_OF_ANSWER = 40, 150
# Words of a first and a last paragraph that are no more than a letter's frame.
_LONGEST_DATELINE, _LONGEST_SIGNATURE = 10, 7
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
    for blocks in _prose(text):
        open_: Passage | None = None
        for block in blocks:
            start = block.start if open_ is None else open_.start
            joined = replace(block, start=start, text=text[start : block.stop])
            if joined.words > MOST_WORDS:
                joined = block
            if joined.words >= FEWEST_WORDS:
                open_ = None
                # A passage that is mostly somebody else's words is nobody's answer.
                if joined.words <= MOST_WORDS and not is_mostly_quoted(joined.text):
                    complete.append(joined)
            else:
                open_ = joined
    return complete


def answer_passages(text: str) -> list[Passage]:
    """Return the passages as long as answers: whole paragraphs, or sentences of a long one.

    Nearly all prose is in one of them; what has fewer than `FEWEST_OF_ANSWER` words between two
    headings is in none, nor is the frame of a letter: place, date, signature.
    """
    found: list[Passage] = []
    for blocks in _without_frame(list(_prose(text))):
        start = blocks[0].start
        for cut in cut_at_paragraph_ends(
            text[start : blocks[-1].stop], lambda piece: len(piece.split()), MOST_OF_ANSWER
        ):
            passage = Passage(start, start + len(cut.rstrip()), cut.rstrip(), blocks[0].heading)
            if FEWEST_OF_ANSWER <= passage.words <= MOST_OF_ANSWER:
                found.append(passage)
            start += len(cut)
    return found


def _without_frame(runs: list[list[Passage]]) -> list[list[Passage]]:
    """Leave out the place and date that open a letter, and the names that close it."""
    if runs and runs[0][0].words <= _LONGEST_DATELINE:
        runs[0] = runs[0][1:]
    while runs and runs[-1] and runs[-1][-1].words <= _LONGEST_SIGNATURE:
        runs[-1] = runs[-1][:-1]
    return [blocks for blocks in runs if blocks]


def _prose(text: str) -> Iterator[list[Passage]]:
    """Yield the paragraphs that stand together without a heading, or what is no prose, between."""
    blocks: list[Passage] = []
    heading: str | None = None
    for block in _BLOCK.finditer(text):
        title = _heading_of(block[0])
        if title is None and not _NO_PROSE.match(block[0]):
            blocks.append(Passage(block.start(), block.end(), block[0], heading))
            continue
        if blocks:
            yield blocks
        blocks, heading = [], title if title is not None else heading
    if blocks:
        yield blocks


def _heading_of(block: str) -> str | None:
    match = _HEADING.match(block) or _UNDERLINED.match(block)
    return match[1].strip() if match else None
