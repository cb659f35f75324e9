"""Chats as web pages: the blocks with a time, and in each the name that comes again. Pure.

Facebook and Instagram, DiscordChatExporter, imessage-exporter and others differ in their classes
only: a block is as large as it can be with one time in it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from align.ingest.formats.chat_lines import Line, is_stamp
from align.ingest.formats.markup import text_of

_FEWEST = 3
# How much of a page's text stands in the blocks; the rest is its head and foot.
_SHARE = 0.5
_LONGEST_STAMP, _LONGEST_NAME = 60, 60
# Google's lists of what was searched, watched and clicked, in any language.
_ACTIVITY = ".//*[contains(@class, 'outer-cell')]//*[contains(@class, 'content-cell')]"


@dataclass
class _Text:
    """A text in the page: whose it is in the tree, and whether it stands after that element."""

    element: Any
    is_tail: bool
    text: str

    @property
    def holder(self) -> Any:
        return self.element.getparent() if self.is_tail else self.element

    def drop(self) -> None:
        setattr(self.element, "tail" if self.is_tail else "text", None)


def is_activity(tree: Any) -> bool:
    """Tell whether a page lists what somebody did with a service: that is nobody's writing."""
    return bool(tree.xpath(_ACTIVITY))


def page_lines(tree: Any) -> list[Line]:
    """Return the messages of a page that is a chat; nothing where it is none. It is used up."""
    blocks = _blocks(tree)
    if len(blocks) < _FEWEST:
        return []
    parts = [list(_texts(block)) for block, _ in blocks]
    name_place = _place_of_names(parts)
    length = sum(len(part.text) for part in _texts(tree))
    if not name_place or sum(len(p.text) for part in parts for p in part) < _SHARE * length:
        return []
    lines, name = [], ""
    for (block, stamp), texts in zip(blocks, parts, strict=True):
        names = [text for text in texts if _place(text) == name_place]
        # Who goes on writing is often not named again.
        name = names[0].text if names else name
        # `(Read by them after 3 seconds)` is no part of what was said.
        aside = [t for t in texts if t.is_tail and t.element is stamp.element and t.text[0] == "("]
        for text in (*names[:1], stamp, *aside):
            text.drop()
        lines.append(Line(name, stamp.text, "", [text_of(block)]))
    return lines


def _blocks(tree: Any) -> list[tuple[Any, _Text]]:
    """Return each largest element with one time in it, and that time."""
    short = (text for text in _texts(tree) if len(text.text) <= _LONGEST_STAMP)
    stamps = [text for text in short if is_stamp(text.text)]
    counts: Counter[Any] = Counter()
    for stamp in stamps:
        counts.update((stamp.holder, *stamp.holder.iterancestors()))
    blocks = []
    for stamp in stamps:
        around = (stamp.holder, *stamp.holder.iterancestors())
        block = next((e for e in reversed(around) if counts[e] == 1), None)
        if block is not None:
            blocks.append((block, stamp))
    return blocks


def _place_of_names(parts: list[list[_Text]]) -> str | None:
    """Return where in most blocks stands a name: short, and one of a few that come again."""
    values: dict[str, list[str]] = defaultdict(list)
    for texts in parts:
        first = {_place(text): text.text for text in reversed(texts)}
        for place, text in first.items():
            values[place].append(text)
    for place in dict.fromkeys(_place(text) for texts in parts[:_FEWEST] for text in texts):
        counts = Counter(values[place])
        again = sum(count for count in counts.values() if count > 1)
        is_short = all(len(name) <= _LONGEST_NAME and not is_stamp(name) for name in counts)
        if is_short and len(counts) > 1 and 2 * len(values[place]) > len(parts) < 3 * again:
            return place
    return None


def _place(text: _Text) -> str:
    return f"{text.holder.tag} {text.holder.get('class', '')} {text.is_tail}"


def _texts(tree: Any) -> Iterator[_Text]:
    for element in tree.iter():
        is_shown = isinstance(element.tag, str) and element.tag not in ("style", "script", "title")
        if is_shown and (text := " ".join((element.text or "").split())):
            yield _Text(element, False, text)
        if element is not tree and (text := " ".join((element.tail or "").split())):
            yield _Text(element, True, text)
