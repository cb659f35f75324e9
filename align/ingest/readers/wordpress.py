"""WordPress: the XML that Tools > Export makes (WXR): posts and pages, drafts too; no comments."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from align.errors import UserError
from align.ingest.contents import Document
from align.ingest.formats.dates import moment
from align.ingest.formats.markup import plain
from align.ingest.reader import Inputs, Reader, ReadLog, claim_each, file_by_file
from align.ingest.tree import suffix_of

_WXR = re.compile(rb"http://wordpress\.org/export/1\.\d")
_NOT_WRITTEN = frozenset({"trash", "auto-draft", "inherit"})
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
# `[gallery ids="1,2"]`: what has attributes is a shortcode; `[sic]` is a word.
_SHORTCODE = re.compile(
    r"\[/?(?:caption|gallery|embed|audio|video|playlist|wpvideo|youtube|vimeo|contact-form|"
    r"contact-field|code|sourcecode|more|polldaddy|googlemaps|slideshow|soundcloud|tweet|"
    r"vc_\w+|et_pb_\w+)(?:[\s=][^\[\]]{0,2000})?/?\]"
    r"|\[/?[a-z][\w-]{1,40}\s+[\w-]{1,40}=[^\[\]]{0,2000}\]",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"\[caption\b[^\]]{0,2000}\].{0,5000}?\[/caption\]", re.DOTALL | re.IGNORECASE
)
_BLOCK = re.compile(r"<p[\s>]|<!-- wp:", re.IGNORECASE)
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL | re.IGNORECASE)
_BLOCK_TAG = r"</?(?:ul|ol|li|blockquote|h[1-6]|div|table|tr|td|th|hr|figure|pre)\b[^>]{0,500}>"
_BLOCK_LINE = re.compile(rf"\s*{_BLOCK_TAG}.*|.*{_BLOCK_TAG}\s*", re.IGNORECASE)


def _read_blog(inputs: Inputs, name: str, log: ReadLog) -> Iterator[Document]:
    from lxml import etree

    if b"<!ENTITY" in inputs.tree.head(name):
        what = "it defines entities, which WordPress never does"
        raise UserError(inputs.place(name), what, "Export it again")
    authors = 0
    with inputs.tree.reading(name) as file:
        # Entities stay unread and huge trees refused: what unfolds to gigabytes is no blog.
        events = etree.iterparse(
            file, events=("end",), resolve_entities=False, no_network=True, load_dtd=False,
            recover=True, remove_comments=True,
        )  # fmt: skip
        try:
            for _, element in events:
                tag = etree.QName(element).localname if isinstance(element.tag, str) else ""
                if tag == "author" and _is_wordpress(element.tag):
                    authors += 1
                elif tag == "item":
                    post = _post(element, authors, log)
                    # What was read is let go of, or memory holds the whole blog.
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
                    if post is not None:
                        yield post
        except etree.XMLSyntaxError as error:
            what = f"damaged XML ({error.msg})"
            raise UserError(inputs.place(name), what, "Export it again; the rest is lost") from None
        if any(entry.level_name == "FATAL" for entry in events.error_log):
            line = events.error_log[0].line
            log.problem(inputs.place(name, line), "damaged XML", "Export it again")


def _post(item: Any, authors: int, log: ReadLog) -> Document | None:
    values = _values(item)
    kind, status = values.get("post_type", "post"), values.get("status", "publish")
    html = item.findtext(_CONTENT) or ""
    if kind not in ("post", "page"):
        log.passed(f"{kind}, not a post" if kind == "attachment" else "not a post or page")
    elif status in _NOT_WRITTEN:
        log.passed("deleted post")
    elif not (text := plain(_as_html(html))):
        log.passed("post without text")
    else:
        key = (item.findtext("guid") or item.findtext("link") or "").strip()
        is_private = status == "private" or bool(values.get("post_password"))
        return Document(
            key=key or f"post {values.get('post_id', '')}".strip(),
            text=text,
            title=" ".join((item.findtext("title") or "").split()) or None,
            time=_time(item, values),
            author=(item.findtext(_CREATOR) or "").strip(),
            # The export of a blog with one author is its author's.
            is_owner=True if authors == 1 else None,
            raw=html if html != text else None,
            source="journal" if is_private else None,
        )
    return None


def _values(item: Any) -> dict[str, str]:
    """Return an item's `wp:` fields by their name."""
    return {
        child.tag.rpartition("}")[2]: (child.text or "").strip()
        for child in item
        if isinstance(child.tag, str) and _is_wordpress(child.tag)
    }


def _is_wordpress(tag: str) -> bool:
    return tag.startswith("{http://wordpress.org/export/") and "excerpt" not in tag


def _time(item: Any, values: dict[str, str]) -> datetime | None:
    universal = moment(values.get("post_date_gmt"))
    if universal is not None and universal.tzinfo is None:
        return universal.replace(tzinfo=UTC)
    # A draft has no date but the local one of its last change.
    return moment(values.get("post_date")) or moment(item.findtext("pubDate"))


def _as_html(content: str) -> str:
    """Return a post's content without shortcodes, its lines as HTML where the editor kept none."""
    content = _SHORTCODE.sub("", _CAPTION.sub("", content))
    if _BLOCK.search(content):
        return content
    # The classic editor stores lines, and WordPress makes paragraphs of them when it shows them.
    parts = _PRE.split(content.replace("\r\n", "\n"))
    return "".join(part if index % 2 else _with_breaks(part) for index, part in enumerate(parts))


def _with_breaks(part: str) -> str:
    lines = []
    for line in part.split("\n"):
        is_block = _BLOCK_LINE.fullmatch(line) is not None
        lines.append(line if is_block else line + "<br>")
    return "\n".join(lines)


_CLAIM = claim_each(
    lambda tree, name: suffix_of(name) == ".xml" and bool(_WXR.search(tree.head(name))),
    "WordPress blog",
)
READER = Reader("WordPress", "blog", _CLAIM, file_by_file(_read_blog))
