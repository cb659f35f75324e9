"""Whether a text is one person's writing, told from the text itself: here alone it is decided.

A reader that knows no service asks before it takes a text as the owner's.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Literal

from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.formats.chat_lines import Line, chat_grammar, chat_lines, times_of
from align.ingest.formats.transcripts import Turn, is_heading, spoken, turns_of
from align.ingest.journals import looks_like_journal
from align.ingest.tree import suffix_of

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_EXPORTED = frozenset({".html", ".htm", ".json", ".csv"})
_LEAST_TURNS = 6
# Of the paragraphs, how many begin with a speaker; fewer where times or bold type mark the labels.
_SHARE, _MARKED_SHARE = 0.5, 0.3
# What is doubtful has fewer; labels in capitals are rarely anything else.
_FEW_TURNS = 3
_DOUBTFUL_SHARE, _LOUD_SHARE = 0.35, 0.1
_LEAST_WORDS = 2

# A chat has times and names; a talk has names; of what is doubtful the owner must say whose it is.
Voices = Literal["one", "chat", "talk", "doubtful"]


def is_of_others(name: str) -> bool:
    """Tell whether a file of an export is called what holds others' words or nobody's: likes."""
    if suffix_of(name) not in _EXPORTED:
        return False
    return any(_is_marked(re.findall(r"[a-z]+", part)) for part in PurePath(name.lower()).parts)


def _is_marked(words: Sequence[str]) -> bool:
    words = [word for word in words if f".{word}" not in _EXPORTED]
    marks, beside = set(_WORDS["marks"]), set(_WORDS["beside"])
    if " ".join(words) in _WORDS["marked_pairs"]:
        return True
    return not marks.isdisjoint(words) and (marks | beside).issuperset(words)


def voices_in(text: str, me: Collection[str] = ()) -> Voices:
    """Return whose words a text, or its beginning, looks like; `me` is what the owner is called."""
    if chat_grammar(text):
        return "chat"
    if is_transcript(text, me):
        return "talk"
    return "doubtful" if _may_be_transcript(text) else "one"


def may_be_several(text: str) -> bool:
    """Tell whether a text may be several people's once it is known what the owner is called."""
    return voices_in(text) != "one" or _has_labels(text)


def by_voice(
    document: Document, me: Collection[str], *, is_mine: bool = False
) -> Iterator[Content]:
    """Yield a document, or the messages of one that several people wrote.

    `is_mine`: the owner says that what is doubtful is theirs alone.
    """
    voices = voices_in(document.text, me)
    if voices == "chat":
        yield from _chat(document)
    elif voices == "talk" or (voices == "doubtful" and not is_mine):
        source = document.source or "interviews"
        yield from spoken(document.text, document.key, document.title, document.time, source)
    else:
        if document.source is None and looks_like_journal(document.text):
            document.source = "journal"
        yield document


def _chat(document: Document) -> Iterator[Message]:
    grammar = chat_grammar(document.text)
    return messages_of(chat_lines(document.text, grammar) if grammar else [], document)


def messages_of(lines: list[Line], document: Document) -> Iterator[Message]:
    """Yield the messages of a chat, the oldest first; the document is what it was taken for."""
    timed = list(zip(lines, times_of(lines, document.time), strict=True))
    times = [time.replace(tzinfo=None) for _, time in timed if time]
    if sum(later < earlier for earlier, later in pairwise(times)) * 2 > len(times):
        timed.reverse()
    for line, time in timed:
        text = clean("\n".join(line.lines))
        yield Message(
            chat=document.key,
            author=line.name,
            text=text,
            time=time,
            reason="system" if not line.name else None if text else "empty",
            title=document.title,
            source=document.source or "messages",
        )


def is_transcript(text: str, me: Collection[str] = ()) -> bool:
    """Tell whether a text, or its beginning, is what several people said in turn.

    Where `me` is one of its labels, that is enough, however long the answers are.
    """
    turns, share = turns_of(text)
    names = [turn.name for turn in turns]
    ours = {name.casefold() for name in me}
    if len(set(names)) > 1 and any(name.casefold() in ours for name in names):
        return True
    if len(turns) < _LEAST_TURNS or not _are_speakers(names) or _is_in_sections(text, turns):
        return False
    words = sum(len(turn.raw.split()) for turn in turns)
    marked = sum(turn.is_marked for turn in turns) > 0.8 * len(turns)
    return words >= _LEAST_WORDS * len(turns) and share >= (_MARKED_SHARE if marked else _SHARE)


def _may_be_transcript(text: str) -> bool:
    """Tell whether a text has labels that come again: only its owner knows whose words they are."""
    turns, share = turns_of(text)
    names = [turn.name for turn in turns]
    if len(turns) < _FEW_TURNS or _is_in_sections(text, turns) or len(set(names)) < 2:
        return False
    loud = all(name.isupper() for name in names)
    if share == 1 and len(set(names)) < len(names) and not _is_form(names):
        return True
    return _are_speakers(names) and share >= (_LOUD_SHARE if loud else _DOUBTFUL_SHARE)


def _has_labels(text: str) -> bool:
    """Tell whether two labels or more come again, so that `me` may be one of them."""
    return sum(count > 1 for count in Counter(turn.name for turn in turns_of(text)[0]).values()) > 1


def _is_in_sections(text: str, turns: list[Turn]) -> bool:
    """Tell whether labels stand under headings that keep coming: the fields of a form."""
    return 3 * sum(is_heading(line) for line in text.split("\n")) > len(turns)


def _are_speakers(names: list[str]) -> bool:
    """Tell whether labels, in their order, are those of people who talk with each other."""
    counts = Counter(names)
    often = sum(count > 1 for count in counts.values())
    if often < 2 or len(names) < 2 * len(counts):
        return False
    # Three or more labels that always come in the same order are the fields of a form.
    return not _is_form(names)


def _is_form(names: list[str]) -> bool:
    period = len(set(names))
    return period > 2 and all(name == names[i % period] for i, name in enumerate(names))
