"""Notes of an Obsidian vault as plain Markdown: links, embeds, tags, callouts, comments. Pure."""

import re
from collections.abc import Callable

# Code keeps its brackets and percent signs.
_CODE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})(?P<of>[^\n]*)\n.*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|`[^`\n]+`",
    re.MULTILINE | re.DOTALL,
)
# What plugins run stands in blocks of these names.
_PROGRAMS = ("dataview", "dataviewjs", "tasks", "query", "base", "button", "excalidraw")
_EMBED = re.compile(r"!\[\[[^\[\]\n]*\]\]")
_LINK = re.compile(r"\[\[([^\[\]\n|#]*)(#[^\[\]\n|]*)?(?:\\?\|([^\[\]\n]*))?\]\]")
_COMMENT = re.compile(
    r"(?<![\w%])%%(?!%)[^\n]+?%%|^%%[ \t]*\n.*?\n%%[ \t]*$", re.MULTILINE | re.DOTALL
)
_CALLOUT = re.compile(r"^((?:>[ \t]?)+)\[!([\w-]+)(?:\|[^\]\n]*)?\][+-]?[ \t]*(.*)$", re.MULTILINE)
_BLOCK_ID = re.compile(
    r"(?<![ \t])[ \t]+\^[A-Za-z0-9-]+[ \t]*$|^\^[A-Za-z0-9-]+[ \t]*$", re.MULTILINE
)
_FIELD = re.compile(r"^[ \t]*[\w][\w -]{0,40}::[ \t].*$\n?", re.MULTILINE)
_TAG_LINE = re.compile(r"^(?:[ \t]*#[^\W\d_][\w/-]*)+[ \t]*$\n?", re.MULTILINE)
_TAG = re.compile(r"(?<![\w&/#\[(])#([^\W\d_][\w/-]*)")
_HIGHLIGHT = re.compile(r"==(?=\S)([^=\n]+?)(?<=\S)==")
_MARKUP = (_EMBED, _LINK, _COMMENT, _CALLOUT)
_PROPERTIES = frozenset({"aliases", "cssclass", "cssclasses"})


def is_obsidian(text: str, properties: object) -> bool:
    """Tell whether a note has markup that only a vault has."""
    if isinstance(properties, dict) and not _PROPERTIES.isdisjoint(properties):
        return True
    found = False

    def look(part: str) -> str:
        nonlocal found
        found = found or any(pattern.search(part) for pattern in _MARKUP)
        return part

    _outside_code(text, look)
    return found


def is_template(name: str, text: str) -> bool:
    """Tell whether a note is the form for other notes."""
    folders = [part.casefold().strip("_ ") for part in name.split("/")[:-1]]
    forms = {"template", "templates", "vorlagen"}
    return not forms.isdisjoint(folders) and ("{{" in text or "<%" in text)


def plain_obsidian(text: str) -> str:
    """Return a note's text without what only Obsidian shows."""
    return re.sub(r"\n{3,}", "\n\n", _outside_code(text, _plain))


def link_text(text: str) -> str:
    """Return text with each `[[link]]` as it is read: its alias, else its page's name."""
    return _LINK.sub(_shown, text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts, start = [], 0
    for code in _CODE.finditer(text):
        parts.append(change(text[start : code.start()]))
        is_program = (code["of"] or "").strip(" {}").casefold().startswith(_PROGRAMS)
        parts.append("" if is_program else code[0])
        start = code.end()
    parts.append(change(text[start:]))
    return "".join(parts)


def _plain(text: str) -> str:
    text = _COMMENT.sub("", text)
    text = _EMBED.sub("", text)
    text = link_text(text)
    text = _CALLOUT.sub(lambda match: match[1] + match[3] if match[3] else "", text)
    text = _BLOCK_ID.sub("", text)
    text = _FIELD.sub("", text)
    text = _TAG_LINE.sub("", text)
    text = _TAG.sub(r"\1", text)
    return _HIGHLIGHT.sub(r"\1", text)


def _shown(link: re.Match[str]) -> str:
    page, heading, alias = link[1], link[2], link[3]
    if alias and alias.strip():
        return alias.strip()
    name = page.strip().rstrip("\\").rsplit("/", 1)[-1].removesuffix(".md")
    # A link into its own note names the heading only.
    return name or (heading or "").rsplit("#", 1)[-1].lstrip("^").strip()
