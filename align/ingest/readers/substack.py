"""Substack's export: posts.csv and posts/<id>.<slug>.html, drafts too; no subscribers."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from align.errors import UserError
from align.ingest.contents import Content, Document
from align.ingest.formats.dates import moment
from align.ingest.formats.markup import plain
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree

_POST = re.compile(r"(?:.*/)?posts/(\d+)\.([^/]*)\.html", re.IGNORECASE)
# Who got and who opened each post, and the subscribers: nothing of the owner's writing.
_LISTS = re.compile(
    r"(?:.*/)?(?:posts/\d+\..*\.(?:delivers|opens)\.csv|(?:email_list|subscribers)[^/]*\.csv|"
    r"(?:notes|tags|imports)\.csv)"
)
# What Substack puts between paragraphs: buttons, pictures, other people's posts.
_PASSED = frozenset(
    {
        "subscription-widget-wrap", "subscription-widget-wrap-editor", "subscription-widget",
        "subscribe-widget", "button-wrapper", "captioned-image-container", "image-gallery-embed",
        "footnote-anchor", "footnote-number", "tweet", "twitter-embed", "digest-post-embed",
        "embedded-post-wrap", "embedded-publication-wrap", "poll-embed", "youtube-wrap",
        "comment", "install-substack-app-embed", "captioned-button-wrap", "paywall-jump",
        "community-chat", "native-video-embed", "native-audio-embed", "file-embed-wrapper",
    }
)  # fmt: skip


def _claim(tree: Tree, names: Sequence[str]) -> list[Inputs]:
    claims = []
    for name in names:
        path = PurePosixPath(name)
        if path.name.lower() != "posts.csv":
            continue
        first = tree.head_text(name, 4096).lstrip("\ufeff").partition("\n")[0]
        if "post_id" not in first:
            continue
        under = "" if path.parent == PurePosixPath(".") else f"{path.parent.as_posix()}/"
        files = [name]
        for other in names:
            inside = other.removeprefix(under) if other.startswith(under) else ""
            if inside and (_POST.fullmatch(inside) or _LISTS.fullmatch(inside)):
                files.append(other)
        claims.append(Inputs(tree, tuple(files), "Substack"))
    return claims


def _read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Content]:
    rows = _rows(inputs, log)
    seen = set()
    for name in inputs.names[1:]:
        match = _POST.fullmatch(name)
        if match is None:
            log.passed("list of subscribers")
            continue
        number, slug = match[1], match[2]
        if number in seen:
            continue
        seen.add(number)
        try:
            html = inputs.tree.text_of(name)
        except UserError as error:
            log.problems.append(error)
            continue
        row = rows.get(number, {})
        if not (text := plain(html, _PASSED)):
            log.passed("post without text")
            continue
        title = " ".join((row.get("title") or "").split())
        yield Document(
            key=number,
            text=text,
            title=title or slug.replace("-", " ").strip() or None,
            time=moment(row.get("post_date")),
            raw=html,
        )
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
                rows[number] = {
                    key: value for key, value in row.items() if isinstance(value, str) and key
                }
    except UserError as error:
        log.problems.append(error)
    except csv.Error as error:
        log.problem(inputs.place(name), f"damaged ({error})", "Posts are taken without dates")
    return rows


READER = Reader("Substack", "blog", _claim, _read)
