"""Lines of pages become paragraphs again, without headers, numbers and cut words. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

# How many lines at the top and at the bottom of a page may be a header.
_EDGE = 3
_LEAST_PAGES = 3
_NUMBER = re.compile(
    r"[\W_]*(?:(?:page|seite|p\.|s\.)[ ]*)?\d{1,4}(?:[ ]*(?:/|of|von|sur|de)[ ]*\d{1,4})?[\W_]*"
    r"|[\W_]*[ivxlc]{1,7}[\W_]*",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[•◦▪‣●○■–*-]|\d{1,3}[.)]|[a-z][.)])[ \t]+\S")  # noqa: RUF001
_BULLET = re.compile(r"^[•◦▪‣●○■][ \t]*", re.MULTILINE)
_CUT = re.compile(r"(\w*[^\W\d_])[-\u00ad\u2010]$")
_ENDS = (".", "!", "?", "…", ":", '"', "”", "“", "»", "’", ")")  # noqa: RUF001
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
# A line that is shorter than this share of a full one ends a paragraph.
_SHORT = 0.8
# Below this share of full lines, the writer ended the lines: a poem, a letter's head.
_FULL_LINES = 0.25


def text_of_pages(pages: Sequence[str]) -> str:
    """Return the pages' text in one, in paragraphs."""
    lines = _without_edges([_lines(page) for page in pages])
    full = _full_length(lines)
    words = Counter(re.findall(r"\w+-\w+", "\n".join(line for line in lines if line)))
    paragraphs: list[str] = []
    open_line: str | None = None
    for line in lines:
        if line is None:
            # Whether a page's end is a paragraph's, its last line says.
            continue
        if not line:
            open_line = None
        elif open_line is not None and not _begins(line, open_line, full):
            paragraphs[-1] = _joined(paragraphs[-1], line, words, full)
            open_line = line
        else:
            paragraphs.append(line)
            open_line = line
    return _BULLET.sub("- ", "\n\n".join(paragraphs))


def _lines(page: str) -> list[str]:
    text = page.translate(_LIGATURES).replace("\u00a0", " ")
    lines = [" ".join(line.split()) for line in text.split("\n")]
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def _without_edges(pages: list[list[str]]) -> list[str | None]:
    """Return all lines, None between pages, without what the edges of most pages repeat."""
    seen: Counter[str] = Counter()
    numbered = 0
    for page in pages:
        seen.update({_shape(line) for line in (*page[:_EDGE], *page[-_EDGE:]) if line})
        numbered += any(_NUMBER.fullmatch(line) for line in (*page[:1], *page[-1:]))
    most = max(len(pages) / 2, _LEAST_PAGES - 1)
    repeated = {shape for shape, count in seen.items() if count > most}
    found: list[str | None] = []
    for page in pages:
        kept = list(page)
        for end in (0, -1):
            for _ in range(_EDGE):
                line = kept[end] if kept else None
                if line is None:
                    break
                is_number = numbered * 2 > len(pages) and _NUMBER.fullmatch(line)
                if line and _shape(line) not in repeated and not is_number:
                    break
                kept.pop(end)
        found.extend([*kept, None])
    return found


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line.casefold())


def _full_length(lines: Sequence[str | None]) -> int:
    """Return the length of a full line, 0 where lines end where their writer ended them."""
    lengths = sorted(len(line) for line in lines if line)
    if not lengths:
        return 0
    full = lengths[int(len(lengths) * 0.9)]
    near = sum(length >= _SHORT * full for length in lengths)
    return full if full >= 30 and near >= _FULL_LINES * len(lengths) else 0


def _begins(line: str, before: str, full: int) -> bool:
    """Tell whether a line begins a paragraph."""
    if full == 0:
        return False
    if _ITEM.match(line):
        return True
    short = len(before) < _SHORT * full
    # A short line that ends nothing is a heading, unless what follows goes on in small letters.
    return short and (before.endswith(_ENDS) or not line[0].islower())


def _joined(text: str, line: str, words: Counter[str], full: int) -> str:
    if full == 0:
        return f"{text}\n{line}"
    cut = _CUT.search(text)
    if not cut or not line[0].islower():
        return f"{text} {line}"
    first = re.match(r"\w+", line)
    whole = f"{cut[1]}-{first[0] if first else ''}"
    # A hyphen that the word has elsewhere too is its own.
    return f"{text[:-1]}-{line}" if words[whole] else f"{text[:-1]}{line}"
