"""Interviews written down: `NAME: text`, and the transcripts of Otter, Zoom, Teams and Rev.

Who of the speakers is the person to learn, the names that the user calls "me" decide.
"""

from collections.abc import Iterator

from align.ingest.contents import Message
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.transcripts import is_transcript, spoken
from align.ingest.reader import Inputs, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import Tree, suffix_of

_TEXTS = frozenset({".md", ".markdown", ".txt", ".text"})


def _is_ours(tree: Tree, name: str) -> bool:
    if suffix_of(name) not in _TEXTS:
        return False
    return is_transcript(front_matter.split(clean(tree.head_text(name)))[1])


def _read_file(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Message]:
    origin = inputs.origin(name)
    values, body = front_matter.split(clean(inputs.tree.text_of(name)))
    title, body = front_matter.titled(values, body, origin)
    time = front_matter.time_of(values, name)
    return spoken(body, origin, title, time, inputs.source_of(name))


READER = Reader("transcript", "interviews", claim_each(_is_ours), file_by_file(_read_file))
