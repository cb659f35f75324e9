"""Interviews written down: `NAME: text`, and the transcripts of Otter, Zoom, Teams and Rev.

Who of the speakers is the person to learn, the names that the user calls "me" decide.
"""

from collections.abc import Iterator, Sequence

from align.errors import UserError
from align.ingest.decoding import clean
from align.ingest.formats import front_matter
from align.ingest.formats.transcripts import is_transcript, spoken
from align.ingest.reader import Content, Inputs, Options, Reader, ReadLog, in_journal
from align.ingest.tree import Tree, suffix_of

_TEXTS = frozenset({".md", ".markdown", ".txt", ".text"})


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    texts = [name for name in names if suffix_of(name) in _TEXTS]
    return [Inputs(tree, (name,)) for name in texts if _begins_as_one(tree.head_text(name))]


def _begins_as_one(head: str) -> bool:
    return is_transcript(front_matter.split(clean(head))[1])


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    for name in inputs.names:
        try:
            text = clean(inputs.tree.text_of(name))
        except UserError as error:
            log.problems.append(error)
            continue
        origin = inputs.origin(name)
        values, body = front_matter.split(text)
        time = front_matter.time_of(values, name)
        title, body = front_matter.titled(values, body, origin)
        source = "journal" if in_journal(origin) else None
        yield from spoken(body, origin, title, time, source)


READER = Reader("transcript", "interviews", _claim, _read)
