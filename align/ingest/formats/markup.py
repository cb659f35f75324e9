"""HTML into plain text: paragraphs, lists, quotes; no scripts, no navigation, no addresses."""

import re
from collections.abc import Collection
from os.path import commonprefix
from typing import Any

# What holds no prose, or is not seen.
_PASSED = (
    "script style noscript template head title nav iframe object embed svg math form button select "
    "textarea input audio video canvas dialog figcaption map meta link"
)
# What stands apart from its neighbours by a blank line, and what only begins a line.
_APART = "p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table figure hr article section main"
_LINES = (
    "div li tr dt dd address aside header footer body html center details summary "
    "fieldset tbody thead tfoot caption"
)
_IS_PASSED = frozenset(_PASSED.split())
_IS_APART = frozenset(_APART.split())
_IS_LINE = _IS_APART.union(_LINES.split())
_LISTS = frozenset({"ul", "ol"})
_BLANKS = re.compile(r"[ \t\n\r\f\u00a0]+")
# Zero-width space, byte-order mark, soft hyphen, grapheme joiner: padding, never typed.
_UNSEEN = re.compile("[\u200b\ufeff\u00ad\u034f]")
# What no parser of XML trees takes as text.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_MANY_BLANKS = re.compile(r"\n{3,}")


def plain(html: str, without: Collection[str] = ()) -> str:
    """Return the text of an HTML document or fragment, broken markup read as browsers do.

    Paragraphs are parted by a blank line, list items begin with `- ` or their number, quoted lines
    with `> `; links are their text. Elements of the classes `without` are passed over. Whatever the
    input, some text comes back.
    """
    tree = parsed(html)
    return "" if tree is None else text_of(tree, without)


def parsed(html: str, *, huge_tree: bool = False) -> Any:
    """Return the root element of HTML, or None where nothing is in it."""
    from lxml import etree
    from lxml import html as lxml_html

    data = _UNFIT.sub("", html).encode()
    if not data.strip():
        return None
    parser = lxml_html.HTMLParser(
        encoding="utf-8", no_network=True, remove_pis=True, huge_tree=huge_tree
    )
    try:
        return lxml_html.document_fromstring(data, parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def text_of(tree: Any, without: Collection[str] = ()) -> str:
    """Return the text of an element, as `plain` does; what follows the element is not its own."""
    from lxml import etree

    writer, skipped = _Writer(), None
    walk = etree.iterwalk(tree, events=("start", "end", "comment"))
    for event, element in walk:
        if event == "start":
            if _is_passed(element, without):
                skipped = element
                walk.skip_subtree()
            else:
                writer.enter(element.tag, element)
                writer.write(element.text)
            continue
        if event == "end" and element is not skipped:
            writer.leave(element.tag)
        if element is not tree:
            writer.write(element.tail)
    return writer.text()


def _is_passed(element: Any, without: Collection[str]) -> bool:
    if element.tag in _IS_PASSED:
        return True
    attributes = element.attrib
    if "hidden" in attributes or _HIDDEN.search(attributes.get("style", "")):
        return True
    return bool(without) and not set(without).isdisjoint(attributes.get("class", "").split())


class _Writer:
    """Lays out text line by line.

    `_prefixes` is what a line begins with: one entry for every quote and list item around it.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line = ""
        self._prefixes: list[str] = []
        self._last_prefix = ""
        self._marker: str | None = None
        self._counts: list[int | None] = []
        self._blank = False
        self._pre = 0

    def enter(self, tag: str, element: Any) -> None:
        if tag in _IS_LINE:
            self._break(apart=tag in _IS_APART and not (tag in _LISTS and self._counts))
        if tag == "br":
            self._end_line(even_empty=True)
        elif tag == "blockquote":
            self._prefixes.append("> ")
        elif tag in _LISTS:
            self._counts.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._begin_item()
        elif tag == "pre":
            self._pre += 1
        elif tag in ("td", "th") and self._line.strip():
            self._line = self._line.rstrip() + " | "
        elif tag == "img":
            # Emoji are pictures in mail and blogs; any other alternative text is no prose.
            alt = element.get("alt", "")
            if len(alt) <= 8 and not any(c.isascii() or c.isalpha() for c in alt):
                self.write(alt)

    def leave(self, tag: str) -> None:
        if tag in _IS_LINE:
            self._break(apart=tag in _IS_APART and not (tag in _LISTS and len(self._counts) > 1))
        if tag in ("blockquote", "li") and self._prefixes:
            self._prefixes.pop()
            self._marker = None
        elif tag in _LISTS and self._counts:
            self._counts.pop()
        elif tag == "pre":
            self._pre -= 1

    def write(self, text: str | None) -> None:
        if not text:
            return
        text = _UNSEEN.sub("", text)
        if self._pre:
            first, *others = text.replace("\r\n", "\n").split("\n")
            self._line += first
            for line in others:
                self._end_line(even_empty=True)
                self._line = line
            return
        text = _BLANKS.sub(" ", text)
        if text.startswith(" ") and (not self._line or self._line.endswith(" ")):
            text = text[1:]
        self._line += text

    def text(self) -> str:
        self._end_line()
        return _MANY_BLANKS.sub("\n\n", "\n".join(self._lines)).strip("\n")

    def _begin_item(self) -> None:
        number = None
        if self._counts and (count := self._counts[-1]) is not None:
            self._counts[-1] = number = count + 1
        marker = "- " if number is None else f"{number}. "
        self._prefixes.append(" " * len(marker))
        self._marker = marker

    def _break(self, *, apart: bool) -> None:
        self._end_line()
        self._blank |= apart

    def _end_line(self, *, even_empty: bool = False) -> None:
        line = self._line if self._pre else self._line.strip()
        self._line = ""
        if not line.strip() and not even_empty:
            return
        prefix = "".join(self._prefixes)
        if self._blank and self._lines:
            shared = commonprefix((self._last_prefix, prefix)).rstrip()  # noqa: RUF071
            if self._lines[-1] != shared:
                self._lines.append(shared)
        self._blank = False
        self._last_prefix = prefix
        if self._marker is not None and line.strip():
            prefix = prefix[: -len(self._marker)] + self._marker
            self._marker = None
        self._lines.append((prefix + line).rstrip())
