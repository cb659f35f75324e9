"""Saved web pages: title, date and main text, without navigation and footer."""

from collections.abc import Iterator, Sequence

from align.errors import UserError
from align.ingest.formats.pages import page_of, page_text
from align.ingest.found import Document, Found
from align.ingest.journals import in_journal
from align.ingest.reading import Export, Notes, Options, Reader
from align.ingest.tree import Tree

_ENDS = (".html", ".htm", ".xhtml")
# A page with all its pictures in it may be large; its text never is.
_MOST = 64 * 1024**2


def _claim(tree: Tree, names: Sequence[str]) -> list[Export]:
    pages = tuple(name for name in names if name.lower().endswith(_ENDS))
    return [Export(tree, pages, "web pages")] if pages else []


def _read(export: Export, notes: Notes, options: Options) -> Iterator[Found]:
    for name in export.names:
        try:
            html = page_text(export.tree.bytes_of(name, _MOST))
        except UserError as error:
            notes.problems.append(error)
            continue
        if html is None:
            notes.problem(export.place(name), "binary, not a web page", "Save the page again")
            continue
        page = page_of(html)
        if not page.text:
            notes.passed("page without text")
            continue
        origin = export.origin(name)
        source = "journal" if in_journal(origin) else None
        yield Document(origin, page.text, title=page.title, time=page.time, source=source)


READER = Reader("web pages", "documents", _claim, _read)
