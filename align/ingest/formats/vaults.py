"""Notes of Obsidian and Logseq as plain Markdown: links, embeds, tags, callouts, outlines. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

# Code keeps its brackets and percent signs.
_CODE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})(?P<of>[^\n]*)\n.*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|`[^`\n]+`",
    re.MULTILINE | re.DOTALL,
)
# What plugins run stands in blocks of these names.
_PROGRAMS = ("dataview", "dataviewjs", "tasks", "query", "base", "button", "excalidraw")
# With the word that joins it to what stands before.
_EMBED = re.compile(r"(?:,?[ ](?:and|or|und|oder|et|ou|y|o|e|en)[ ])?!\[\[[^\[\]\n]*\]\]", re.I)
_TEMPLATER = re.compile(r"<%.*?%>", re.DOTALL)
_LINK = re.compile(r"\[\[([^\[\]\n|#]*)(#[^\[\]\n|]*)?(?:\\?\|([^\[\]\n]*))?\]\]")
_COMMENT = re.compile(
    r"(?<![\w%])%%(?!%)[^\n]+?%%|^%%[ \t]*\n.*?\n%%[ \t]*$", re.MULTILINE | re.DOTALL
)
_CALLOUT = re.compile(r"^((?:>[ \t]?)+)\[!([\w-]+)(?:\|[^\]\n]*)?\][+-]?[ \t]*(.*)$", re.MULTILINE)
_BOX = re.compile(r"^(?:>[ \t]?)+\[![\w-]+[^\n]*(?:\n>[^\n]*)*", re.MULTILINE)
_BLOCK_ID = re.compile(
    r"(?<![ \t])[ \t]+\^[A-Za-z0-9-]+[ \t]*$|^\^[A-Za-z0-9-]+[ \t]*$", re.MULTILINE
)
_FIELD = re.compile(r"^[ \t]*[\w][\w -]{0,40}::[ \t].*$\n?", re.MULTILINE)
_TAG_LINE = re.compile(r"^(?:[ \t]*#[^\W\d_][\w/-]*)+[ \t]*$\n?", re.MULTILINE)
# Behind a sentence or in a task: there a tag is no word of it.
_LAST_TAGS = re.compile(
    r"((?<=[.!?\u2026\])])|^[ \t]*- \[[ x]\] .*?)(?:[ \t]+#[^\W\d_][\w/-]*)+[ \t]*$", re.MULTILINE
)
_TAG = re.compile(r"(?<![\w&/#\[(])#([^\W\d_][\w/-]*)")
_HIGHLIGHT = re.compile(r"==(?=\S)([^=\n]+?)(?<=\S)==")
_MARKUP = (_EMBED, _LINK, _COMMENT, _CALLOUT)
_PROPERTIES = frozenset({"aliases", "cssclass", "cssclasses"})
_BLOCK = re.compile(r"^([ \t]*)-(?:[ ]|$)(.*)$")
_PROPERTY = re.compile(r"^[ \t]*([\w./-]{1,60})::(?:[ \t]+(.*)|$)")
_REFERENCE = re.compile(r"\(\([0-9a-f]{8}-[0-9a-f-]{27}\)\)", re.IGNORECASE)
_LABELLED = re.compile(r"\[([^\]\n]*)\]\(\(\([0-9a-f-]{36}\)\)\)", re.IGNORECASE)
_MACRO = re.compile(r"\{\{[^{}\n]*(?:\{\{[^{}\n]*\}\}[^{}\n]*)*\}\}")
_ADVANCED = re.compile(r"^[ \t]*#\+BEGIN_(?:QUERY|COMMENT)", re.IGNORECASE)
_DRAWER_END = re.compile(r"[ \t]*:END:")
_END = re.compile(r"^[ \t]*#\+END_", re.IGNORECASE)
_TASK = re.compile(
    r"^(#{1,6}[ ])?(?:TODO|DOING|DONE|LATER|NOW|WAITING|WAIT|CANCELED|CANCELLED|IN-PROGRESS)[ ]+"
)
_PRIORITY = re.compile(r"\[#[A-C]\][ ]*")
_PLANNED = re.compile(r"^[ \t]*(?:SCHEDULED|DEADLINE):[ ]*<[^>\n]*>")
_PICTURE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)(?:\{[^}\n]*\})?")
_LOGSEQ_TAG = re.compile(r"(?<![\w&/#(])#(?:\[\[([^\[\]\n]+)\]\]|([^\W\d_][\w/-]*))")
_LOGSEQ_HIGHLIGHT = re.compile(r"\^\^(?=\S)([^^\n]+)\^\^")
_OWN = re.compile(
    r"^[ \t]*(?:-[ ])?(?:collapsed|id|title|alias|tags|type|template|public)::[ ]"
    r"|\(\([0-9a-f]{8}-|\{\{(?:query|embed|renderer|video)\b|:LOGBOOK:",
    re.MULTILINE | re.IGNORECASE,
)
_JOURNAL_PAGE = re.compile(r"(?:^|/)journals/\d{4}_\d\d_\d\d\.md$")
# Outlines are this deep only where somebody breaks a reader.
_DEEPEST = 50


@dataclass
class _Block:
    depth: int
    lines: list[str] = field(default_factory=list)
    is_template: bool = False


def is_obsidian(text: str, properties: object) -> bool:
    """Tell whether a note has markup that only a vault has."""
    if isinstance(properties, dict) and not _PROPERTIES.isdisjoint(properties):
        return True
    text = _CODE.sub("\n", text)
    return any(pattern.search(text) for pattern in _MARKUP)


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
    text = _TEMPLATER.sub("", _EMBED.sub("", text))
    text = link_text(text)
    text = _BOX.sub(_unboxed, text)
    text = _BLOCK_ID.sub("", text)
    text = _FIELD.sub("", text)
    text = _TAG_LINE.sub("", text)
    text = _LAST_TAGS.sub(r"\1", text)
    text = _TAG.sub(r"\1", text)
    return _HIGHLIGHT.sub(r"\1", text)


def _unboxed(box: re.Match[str]) -> str:
    """Return a callout as its writer's own text; one of the kind `quote` stays a quotation."""
    text = _CALLOUT.sub(lambda match: match[1] + match[3] if match[3] else "", box[0])
    is_quote = re.search(r"\[!(?:quote|cite)", box[0], re.IGNORECASE)
    return text if is_quote else re.sub(r"(?m)^(?:>[ \t]?)+", "", text)


def _shown(link: re.Match[str]) -> str:
    page, heading, alias = link[1], link[2], link[3]
    if alias and alias.strip():
        return alias.strip()
    name = page.strip().rstrip("\\").rsplit("/", 1)[-1].removesuffix(".md")
    # A link into its own note names the heading only.
    return name or (heading or "").rsplit("#", 1)[-1].lstrip("^").strip()


def is_logseq(text: str, origin: str, *, in_graph: bool) -> bool:
    """Tell whether a page is Logseq's: an outline as a whole, with a mark of its own.

    A graph's settings beside it (`in_graph`) are such a mark, and so is where it lies.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    body = [line for line in lines if not _PROPERTY.match(line)]
    is_outline = all(line[0] in "- \t" for line in body) and any(map(_BLOCK.match, body))
    marked = in_graph or _JOURNAL_PAGE.search(origin) or _OWN.search(text)
    return bool(is_outline and marked)


def plain_logseq(text: str) -> tuple[dict[str, str], str]:
    """Return a page's own properties, by their names in small letters, and its text."""
    properties: list[re.Match[str]] = []
    blocks: list[_Block] = []
    for line in text.split("\n"):
        if block := _BLOCK.match(line):
            blocks.append(_Block(len(block[1].replace("\t", "  ")), [block[2]]))
        elif blocks:
            blocks[-1].lines.append(line)
        elif match := _PROPERTY.match(line):
            properties.append(match)
        elif line.strip():
            blocks.append(_Block(0, [line]))
    if blocks and not properties:
        # The first block may hold nothing else.
        matches = [_PROPERTY.match(line) for line in blocks[0].lines if line.strip()]
        properties = [match for match in matches if match] if all(matches) else []
    return {match[1].casefold(): (match[2] or "").strip() for match in properties}, _joined(blocks)


def page_title(stem: str) -> str:
    """Return the page's name that a file's name stands for: `on%2Fbread`, `on___bread`."""
    return unquote(stem).replace("___", "/")


def _joined(blocks: list[_Block]) -> str:
    depths: list[int] = []
    hidden: int | None = None
    text = ""
    was_item = False
    for block in blocks:
        while depths and depths[-1] >= block.depth:
            depths.pop()
        depths.append(block.depth)
        level = min(len(depths) - 1, _DEEPEST)
        if hidden is not None and level > hidden:
            continue
        rendered = _block_text(block)
        hidden = level if block.is_template else None
        if block.is_template or not rendered:
            continue
        is_item = level > 0
        if is_item:
            indent = "  " * (level - 1)
            rendered = f"{indent}- " + rendered.replace("\n", f"\n{indent}  ")
        text += ("\n" if is_item and was_item else "\n\n") + rendered
        was_item = is_item
    return text.strip("\n")


def _block_text(block: _Block) -> str:
    """Return a block's text without its properties, clocks and programs."""
    kept: list[str] = []
    waits_for: re.Pattern[str] | None = None
    is_code = False
    for number, line in enumerate(block.lines):
        line = line.rstrip() if number == 0 else _outdented(line, block.depth).rstrip()
        is_fence = line.lstrip().startswith("```")
        if waits_for is not None:
            waits_for = None if waits_for.match(line) else waits_for
        elif is_fence or is_code:
            is_code ^= is_fence
            kept.append(line)
        elif line.strip() in (":LOGBOOK:", ":PROPERTIES:"):
            waits_for = _DRAWER_END
        elif _ADVANCED.match(line):
            waits_for = _END
        elif match := _PROPERTY.match(line):
            block.is_template |= match[1].casefold() == "template"
        elif not _PLANNED.match(line):
            plain = _plain_line(line)
            if plain or not line:
                kept.append(plain)
    return "\n".join(kept).strip()


def _plain_line(line: str) -> str:
    line = _TASK.sub(r"\1", line)
    line = _PRIORITY.sub("", line)
    line = _LABELLED.sub(r"\1", line)
    line = _REFERENCE.sub("", line)
    line = _MACRO.sub("", line)
    line = _PICTURE.sub("", line)
    line = _LOGSEQ_TAG.sub(lambda match: match[1] or match[2], line)
    line = link_text(line)
    return re.sub(r"(?<=\S)[ ]{2,}", " ", _LOGSEQ_HIGHLIGHT.sub(r"\1", line)).rstrip()


def _outdented(line: str, depth: int) -> str:
    """Take off the indentation that a block's further lines have."""
    left = depth + 2
    place = 0
    while place < len(line) and left > 0 and line[place] in " \t":
        left -= 2 if line[place] == "\t" else 1
        place += 1
    return line[place:]
