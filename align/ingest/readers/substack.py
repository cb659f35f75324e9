"""Substack's export: posts.csv and posts/<id>.<slug>.html, drafts too; no subscribers."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from align.errors import UserError
from align.ingest.contents import Content, Document
from align.ingest.formats.dates import moment
from align.ingest.formats.markup import plain
from align.ingest.reader import Inputs, Options, Reader, ReadLog, file_by_file
from align.ingest.tree import Tree, base_of, folder_of, joined

_POST = re.compile(r"(?:.*/)?posts/(\d+)\.([^/]*)\.html", re.IGNORECASE)
# Who got and who opened each post, and the subscribers: nothing of the owner's writing.
_LISTS = re.compile(
    r"(?:.*/)?(?:posts/\d+\..*\.(?:delivers|opens)\.csv|(?:email_list|subscribers)[^/]*\.csv|"
    r"(?:notes|tags|imports)\.csv)"
)
_CLASSES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_PASSED = frozenset(_CLASSES["passed"])


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    claims = []
    for name in names:
        head = tree.head_text(name, 4096) if base_of(name).lower() == "posts.csv" else ""
        if "post_id" not in head.lstrip("\ufeff").partition("\n")[0]:
            continue
        under = joined(folder_of(name), "")
        inside = [other for other in names if other.startswith(under)]
        beside = [
            other
            for other in inside
            if any(kind.fullmatch(other, len(under)) for kind in (_POST, _LISTS))
        ]
        claims.append(Inputs(tree, (name, *beside), "Substack"))
    return claims


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    rows = _rows(inputs, log)
    seen = set()

    def read_post(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Content]:
        match = _POST.fullmatch(name)
        if match is None:
            log.passed("list of subscribers")
            return
        number, slug = match[1], match[2]
        if number in seen:
            return
        seen.add(number)
        html = inputs.tree.text_of(name)
        row = rows.get(number, {})
        title = " ".join((row.get("title") or "").split())
        if text := plain(html, _PASSED):
            title = title or slug.replace("-", " ").strip()
            is_draft = (row.get("is_published") or "").casefold() == "false"
            time = moment(row.get("post_date"))
            yield Document(number, text, title or None, time, raw=html, is_unpublished=is_draft)
        else:
            log.passed("post without text")

    posts = Inputs(inputs.tree, inputs.names[1:])
    yield from file_by_file(read_post)(posts, log, options)
    if missing := len(rows.keys() - seen):
        log.passed("post without text", missing)


def _rows(inputs: Inputs, log: ReadLog) -> dict[str, dict[str, str]]:
    """Return what posts.csv says of each post, by its number."""
    name = inputs.names[0]
    rows: dict[str, dict[str, str]] = {}
    try:
        text = inputs.tree.text_of(name).replace("\0", "")
        # A post's subtitle is never long: this limit is met in damaged files only.
        for row in csv.DictReader(io.StringIO(text)):
            number = (row.get("post_id") or "").partition(".")[0].strip()
            if number.isdigit():
                rows[number] = {key: row[key] for key in row if key and isinstance(row[key], str)}
    except UserError as error:
        log.problems.append(error)
    except csv.Error as error:
        log.problem(inputs.place(name), f"damaged ({error})", "Posts are taken without dates")
    return rows


READER = Reader("Substack", "blog", _claim, _read)
