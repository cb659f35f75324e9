"""Texts of several people: chats of programs that no reader knows, and interviews written down.

An interview is `NAME: text`, and the transcripts of Otter, Zoom, Teams and Rev. Who of the speakers
is the person to learn, the names that the user calls "me" decide.
"""

from collections.abc import Iterator

from align.ingest.contents import Content, Document, Message
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.chat_lines import chat_grammar
from align.ingest.formats.transcripts import spoken
from align.ingest.reader import Inputs, Options, Reader, ReadLog, claim_each, file_by_file
from align.ingest.readers.notes import read_note
from align.ingest.tree import Tree, suffix_of
from align.ingest.voices import by_voice, is_transcript, may_be_several

_TEXTS = frozenset({".md", ".markdown", ".txt", ".text"})
_LOGS = _TEXTS | {".log", ".irc", ".weechatlog", ""}


def _is_chat(tree: Tree, name: str) -> bool:
    return suffix_of(name) in _LOGS and chat_grammar(_head(tree, name)) is not None


def _is_ours(tree: Tree, name: str) -> bool:
    return suffix_of(name) in _TEXTS and is_transcript(_head(tree, name))


def _is_doubtful(tree: Tree, name: str) -> bool:
    return suffix_of(name) in _TEXTS and may_be_several(_head(tree, name))


def _head(tree: Tree, name: str) -> str:
    return front_matter.split(clean(tree.head_text(name)))[1]


def _document(inputs: Inputs, name: str) -> Document:
    origin = inputs.origin(name)
    values, body = front_matter.split(clean(inputs.tree.text_of(name)))
    title, body = front_matter.titled(values, body, origin)
    time = front_matter.time_of(values, name)
    return Document(origin, body, title, time, source=inputs.source_of(name))


def _read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Message]:
    read = _document(inputs, name)
    return spoken(read.text, read.key, read.title, read.time, read.source)


def _read_several(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    def read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
        for content in by_voice(_document(inputs, name), options.me, is_mine=options.is_mine):
            if isinstance(content, Message):
                yield content
            elif note := read_note(inputs.tree.text_of(name), inputs.origin(name)):
                yield note

    return file_by_file(read_file)(inputs, log, options)


READER = Reader("transcript", "interviews", claim_each(_is_ours), file_by_file(_read_file))
READERS = [
    Reader("chat", "messages", claim_each(_is_chat), _read_several),
    READER,
    Reader(
        "text with names", "interviews", claim_each(_is_doubtful), _read_several, is_catch_all=True
    ),
]
