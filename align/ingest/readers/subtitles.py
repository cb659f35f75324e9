"""Subtitles, .srt and .vtt: recordings of Zoom and Teams, captions, interviews on video.

What one speaker says in a row is one message; a recording that names nobody is one document.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.dates import date_in_name
from align.ingest.formats.transcripts import label_of, without_directions
from align.ingest.reader import Inputs, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import base_of, suffix_of

# Hours of talk come to less than one.
_LARGEST = 32 * 1024**2
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^<>]*)>|</v>")
_MARKUP = re.compile(r"<[^<>]*>|\{\\?[^{}]*\}|[♪♫♬]")
_ARROW = re.compile(r"^([ \t]*[\d:.,]+[ \t]*-->[ \t]*[\d:.,]+.*)$", re.MULTILINE)
_DASH = re.compile(r"(?:[-\u2013\u2014]|>>+)[ \t]*")
_ZOOM_START = re.compile(r"GMT(\d{8}-\d{6})")
_LANGUAGE = re.compile(r"\.[a-z]{2,3}(?:-[A-Za-z]{2,4})?$|[_.]transcript$|[_.]Recording$")
# Seconds of silence after which what is said is another paragraph.
_PAUSE = 4.0
_LEAST_LABELS, _SHARE, _EVERY = 3, 0.3, 0.5
_ROLLING, _DASHES = 0.3, 0.1


@dataclass
class _Line:
    """A line of a cue."""

    text: str  # what is said, with stage directions
    start: float  # seconds from the beginning
    end: float  # likewise
    voice: str | None = None  # who, by a voice tag
    opens: bool = False  # whether a dash says that somebody else speaks


def _read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
    lines = _unrolled(_lines(inputs.tree.text_of(name, _LARGEST)))
    if not lines:
        log.problem(inputs.place(name), "no subtitles in it", "Export it again")
        return
    origin, source = inputs.origin(name), inputs.source_of(name)
    title = front_matter.title_of_stem(_stem(name))
    turns = _turns(lines)
    if turns is None:
        raw = _paragraphs(lines)
        text = without_directions(raw)
        raw_or_none = None if text == raw else raw
        yield Document(origin, text, title, _time(name), raw=raw_or_none, source=source)
    for author, spoken in turns or ():
        raw = " ".join(line.text for line in spoken)
        text = without_directions(raw)
        yield Message(
            chat=origin,
            author=author,
            text=text,
            time=_time(name, spoken[0].start),
            reason=None if text else "empty",
            raw=None if text == raw else raw,
            title=title,
            thread=origin,
            source=source,
        )


def _lines(text: str) -> list[_Line]:
    """Return the lines of all cues."""
    from webvtt import WebVTT

    # SubRip is WebVTT with commas and without a head; one parser mends both.
    text = _ARROW.sub(lambda match: match[1].replace(",", "."), clean(text))
    if not text.startswith("WEBVTT"):
        text = f"WEBVTT\n\n{text}"
    # A damaged head makes it refuse the whole.
    for whole in (text, "WEBVTT\n\n" + text.partition("\n\n")[2]):
        with suppress(Exception):
            return [
                line
                for cue in WebVTT.from_string(whole).captions
                for line in _cue_lines(
                    cue.raw_text,
                    cue.start_time.in_milliseconds() / 1000,
                    cue.end_time.in_milliseconds() / 1000,
                )
            ]
    return []


def _cue_lines(raw: str, start: float, end: float) -> Iterator[_Line]:
    # Odd parts are the names of the voices, None where one ends.
    parts = _VOICE.split(raw)
    for i in range(0, len(parts), 2):
        voice = clean(html.unescape(parts[i - 1] or "")) if i else ""
        for line in parts[i].split("\n"):
            text = clean(html.unescape(_MARKUP.sub("", line)))
            dash = _DASH.match(text)
            text = text[dash.end() :] if dash else text
            if text:
                yield _Line(text, start, end, voice or None, dash is not None)


def _unrolled(lines: list[_Line]) -> list[_Line]:
    """Drop what stands twice because captions roll up line by line."""
    new = [*lines[:1], *(line for before, line in pairwise(lines) if line.text != before.text)]
    return lines if len(lines) - len(new) < _ROLLING * len(lines) else new


def _turns(lines: list[_Line]) -> list[tuple[str, list[_Line]]] | None:
    """Return who says what in a row; None where nobody can be told from anybody."""
    tagged = any(line.voice for line in lines)
    if not tagged and not _take_labels(lines):
        dashes = sum(line.opens for line in lines)
        if dashes < 2 or dashes < _DASHES * len(lines):
            return None
    turns: list[tuple[str, list[_Line]]] = []
    for line in lines:
        # A label holds until the next one, a tag only for its cue.
        nobody = line.opens or tagged or not turns
        author = line.voice or ("" if nobody else turns[-1][0])
        if turns and turns[-1][0] == author and (line.voice or not line.opens):
            turns[-1][1].append(line)
        else:
            turns.append((author, [line]))
    return turns


def _take_labels(lines: list[_Line]) -> bool:
    """Make voices of labels (`ANN: ...`) where the file has them; tell whether it has."""
    labels = [label_of(line.text) for line in lines]
    counts = Counter(label[0] for label in labels if label and label[1])
    # Zoom names the speaker in every cue; elsewhere a label that comes once may be a saying.
    every = counts.total() >= _EVERY * len(lines)
    names = {n for n, count in counts.items() if every or count > 1 or n.isupper() or " " in n}
    total = sum(counts[name] for name in names)
    if total < _LEAST_LABELS and (not total or total < _SHARE * len(lines)):
        return False
    for line, label in zip(lines, labels, strict=True):
        if label and label[1] and label[0] in names:
            line.voice, line.text = label[0], label[1]
    return True


def _paragraphs(lines: list[_Line]) -> str:
    # Captions made by a machine have no full stops.
    has_stops = any(line.text.endswith((".", "!", "?")) for line in lines)
    parts = [lines[0].text]
    for before, line in pairwise(lines):
        ends = not has_stops or before.text.endswith((".", "!", "?", "…"))
        parts.append("\n\n" if ends and line.start - before.end >= _PAUSE else " ")
        parts.append(line.text)
    return "".join(parts)


def _stem(name: str) -> str:
    """Return a file's name without its suffix, its language and the marks of a recording."""
    stem = base_of(name).rpartition(".")[0]
    while match := _LANGUAGE.search(stem):
        stem = stem[: match.start()]
    return _ZOOM_START.sub("", stem)


def _time(name: str, seconds: float = 0.0) -> datetime | None:
    """Return when it was said: Zoom names its files by the minute, others by the day or not."""
    zoom = _ZOOM_START.search(name)
    if not zoom:
        return date_in_name(name)
    try:
        start = datetime.strptime(zoom[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        return start + timedelta(seconds=int(seconds))
    except (ValueError, OverflowError):
        return None


_CLAIM = claim_each(lambda _, name: suffix_of(name) in (".srt", ".vtt"))
READER = Reader("subtitles", "interviews", _CLAIM, file_by_file(_read_file))
