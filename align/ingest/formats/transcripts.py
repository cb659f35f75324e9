"""A text as an interview: who says what, where its shape says so."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from align.ingest.formats.speakers import (
    TIME,
    Turn,
    are_speakers,
    is_name,
    label_of,
    without_directions,
)
from align.ingest.found import Message

_LEAST_TURNS = 6
# Of the paragraphs, how many begin with a speaker; fewer where times or bold type mark the labels.
_SHARE, _MARKED_SHARE = 0.5, 0.3
_LEAST_WORDS = 2
# A line that is longer was cut by an editor, a shorter one by its writer.
_MARGIN = 50
_SPAN = re.compile(rf"(?:\d+[ \t]+)?{TIME}[ \t]*-->[ \t]*{TIME}")
_STAMP_ALONE = re.compile(rf"[\[(]?{TIME}[\])]?")


def is_transcript(text: str) -> bool:
    """Tell whether a text, or its beginning, is what several people said in turn."""
    turns, share = _turns(text)
    names = [turn.name for turn in turns]
    if len(turns) < _LEAST_TURNS or not are_speakers(names):
        return False
    # Labels under headings that keep coming are the fields of a text in sections.
    if 3 * sum(_is_heading(line) for line in text.split("\n")) > len(turns):
        return False
    words = sum(len(turn.raw.split()) for turn in turns)
    marked = sum(turn.is_marked for turn in turns) > 0.8 * len(turns)
    return words >= _LEAST_WORDS * len(turns) and share >= (_MARKED_SHARE if marked else _SHARE)


def spoken(
    text: str, origin: str, title: str | None, time: datetime | None, source: str | None
) -> Iterator[Message]:
    """Yield what is said in a transcript; stage directions are out, `raw` keeps them.

    Args:
        text: The whole of it, without front matter.
        origin: Names the chat and its one thread.
        title: Of the transcript.
        time: Of all of it.
        source: Of the messages, where it is not the reader's.
    """
    for turn in _turns(text)[0]:
        said = _unwrapped(without_directions(turn.raw))
        yield Message(
            chat=origin,
            author=turn.name,
            text=said,
            time=time,
            reason=None if said else "empty",
            raw=None if said == turn.raw else turn.raw,
            title=title,
            thread=origin,
            source=source,
        )


def _turns(text: str) -> tuple[list[Turn], float]:
    """Return the turns of a text, and which share of its paragraphs begins with a speaker."""
    lines = text.split("\n")
    labels = [label_of(line) if line.strip() else None for line in lines]
    labels = [_after_span(lines, i) or label for i, label in enumerate(labels)]
    counts = Counter(label[0] for label in labels if label)
    turns: list[Turn] = []
    paragraphs = begun = 0
    for number, (line, label) in enumerate(zip(lines, labels, strict=True), 1):
        # `Anyway: ...` inside an answer is no speaker who says one thing.
        if label and counts[label[0]] == 1 and not label[2] and " " not in label[0]:
            label = None
        opens = bool(line.strip()) and (number == 1 or not lines[number - 2].strip())
        if opens and not _is_heading(line):
            paragraphs += 1
            begun += label is not None or _SPAN.fullmatch(line.strip()) is not None
        if label:
            _add(turns, Turn(label[0], [label[1]] if label[1] else [], label[2], number))
        elif turns and not _is_aside(line):
            turns[-1].lines.append(line)
    return turns, begun / max(paragraphs, 1)


def _after_span(lines: list[str], at: int) -> tuple[str, str | None, bool] | None:
    """Return the speaker on the line after a cue's times, as Teams writes documents."""
    if at and _SPAN.fullmatch(lines[at - 1].strip()) and is_name(lines[at]):
        return " ".join(lines[at].split()), None, True
    return None


def _add(turns: list[Turn], turn: Turn) -> None:
    # Services cut a long speech every few seconds.
    if turns and turns[-1].name == turn.name and turn.is_marked:
        turns[-1].lines.extend(["", *turn.lines])
    else:
        turns.append(turn)


def _is_aside(line: str) -> bool:
    line = line.strip()
    return bool(_SPAN.fullmatch(line) or _STAMP_ALONE.fullmatch(line) or _is_heading(line))


def _unwrapped(text: str) -> str:
    """Join the lines of a paragraph that an editor cut at its margin."""
    return re.sub(rf"(?<=[^\n]{{{_MARGIN}}})\n(?=[^\s*>-])", " ", text)


def _is_heading(line: str) -> bool:
    return re.match(r"#{1,6}[ \t]|(?:-{3,}|\*{3,}|_{3,})$", line.strip()) is not None
