"""Whether a text is one person's writing, told from the text itself: here alone it is decided.

A reader that knows no service asks before it takes a text as the owner's.
"""

from collections.abc import Collection, Iterator
from typing import Literal

from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.formats.chat_lines import chat_grammar, chat_lines, times_of
from align.ingest.formats.transcripts import (
    has_labels,
    is_transcript,
    may_be_transcript,
    spoken,
)

# A chat has times and names; a talk has names; of what is doubtful the owner must say whose it is.
Voices = Literal["one", "chat", "talk", "doubtful"]


def voices_in(text: str, me: Collection[str] = ()) -> Voices:
    """Return whose words a text, or its beginning, looks like; `me` is what the owner is called."""
    if chat_grammar(text):
        return "chat"
    if is_transcript(text, me):
        return "talk"
    return "doubtful" if may_be_transcript(text) else "one"


def may_be_several(text: str) -> bool:
    """Tell whether a text may be several people's once it is known what the owner is called."""
    return voices_in(text) != "one" or has_labels(text)


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
        yield document


def _chat(document: Document) -> Iterator[Message]:
    grammar = chat_grammar(document.text)
    lines = chat_lines(document.text, grammar) if grammar else []
    for line, time in zip(lines, times_of(lines, document.time), strict=True):
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
