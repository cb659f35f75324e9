"""Interviews written down: `NAME: text`, and the transcripts of Otter, Zoom, Teams and Rev.

Who of the speakers is the person to learn, the names that the user calls "me" decide.
"""

from collections.abc import Iterator, Sequence

from align.errors import UserError
from align.ingest.formats import front_matter
from align.ingest.formats.rows import suffix_of
from align.ingest.formats.transcripts import is_transcript, spoken
from align.ingest.reading import Export, Found, Notes, Options, Reader, in_journal
from align.ingest.text import clean
from align.ingest.tree import Tree

_TEXTS = frozenset({".md", ".markdown", ".txt", ".text"})


def _claim(tree: Tree, names: Sequence[str]) -> list[Export]:
    texts = [name for name in names if suffix_of(name) in _TEXTS]
    return [Export(tree, (name,)) for name in texts if _begins_as_one(tree.head_text(name))]


def _begins_as_one(head: str) -> bool:
    return is_transcript(front_matter.split(clean(head))[1])


def _read(export: Export, notes: Notes, options: Options) -> Iterator[Found]:
    for name in export.names:
        try:
            text = clean(export.tree.text_of(name))
        except UserError as error:
            notes.problems.append(error)
            continue
        origin = export.origin(name)
        values, body = front_matter.split(text)
        time = front_matter.time_of(values, name)
        title, body = front_matter.titled(values, body, origin)
        source = "journal" if in_journal(origin) else None
        yield from spoken(body, origin, title, time, source)


READER = Reader("transcript", "interviews", _claim, _read)
