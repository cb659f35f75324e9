"""Exports of talks with assistants: which conversations.json is whose, and what lies beside it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.ingest.contents import Message
from align.ingest.formats.json_data import id_of, json_items, object_of
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, base_of, joined

# Newer exports are cut in parts; a browser numbers what it has already.
_NAME = re.compile(r"conversations(?:[-_ ]?\(?\d+\)?)?\.json", re.IGNORECASE)


MessagesOf = Callable[[dict[str, Any], str, ReadLog], Iterator[Message]]


@dataclass(frozen=True)
class Layout:
    """How one service's export looks.

    Attributes:
        mark: What the beginning of a file of conversations holds.
        known: Names that only this service's exports have beside it: by them an empty or a damaged
            file of conversations is known too.
        beside: Matches what else belongs to the export, from its folder on.
    """

    mark: re.Pattern[str]
    known: frozenset[str]
    beside: re.Pattern[str]

    def claim(self, tree: Tree, names: Sequence[str]) -> list[Inputs]:
        """Return the exports of the service, a folder each."""
        present = set(names)
        folders: dict[str, list[str]] = defaultdict(list)
        for name in names:
            folder, _, base = name.rpartition("/")
            if not base.lower().endswith(".json") or base in self.known:
                continue
            is_named = bool(_NAME.fullmatch(base))
            has_company = is_named and any(joined(folder, each) in present for each in self.known)
            if has_company or self.mark.search(tree.head_text(name)):
                folders[folder].append(name)
        return [
            Inputs(tree, (*files, *self._beside(names, folder, files)))
            for folder, files in folders.items()
        ]

    def _beside(self, names: Sequence[str], folder: str, files: list[str]) -> list[str]:
        within = joined(folder, "")
        # A conversation that was saved alone may lie among other things.
        if not any(_NAME.fullmatch(name.removeprefix(within)) for name in files):
            return []
        found = []
        for name in names:
            inside = name.removeprefix(within)
            belongs = inside in self.known or self.beside.fullmatch(inside)
            if belongs and name.startswith(within) and name not in files:
                found.append(name)
        return found

    def reader(self, name: str, source: str, messages_of: MessagesOf) -> Reader:
        """Return a reader; `messages_of` is given a conversation, its place and the log."""

        def read(inputs: Inputs, log: ReadLog, options: Options) -> Iterator[Message]:
            for place, item in self._conversations(inputs, log):
                yield from messages_of(item, place, log)

        return Reader(name, source, self.claim, read)

    def _conversations(self, inputs: Inputs, log: ReadLog) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the conversations of an export, each with its place."""
        others = 0
        for name in inputs.names:
            base = base_of(name)
            head = inputs.tree.head_text(name) if base.lower().endswith(".json") else ""
            if base in self.known or not (_NAME.fullmatch(base) or self.mark.search(head)):
                others += 1
                continue
            # One that was saved alone is no list.
            prefix = "" if head.lstrip("\ufeff \t\r\n").startswith("{") else "item"
            origin = inputs.origin(name)
            for number, item in enumerate(json_items(inputs, name, prefix, log)):
                if isinstance(item, dict):
                    yield f"{origin}:{number}", item
        if others:
            log.passed("a file beside the conversations", others)


def branch(
    nodes: Mapping[str, Any], leaf: str | None, parent: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return what stands from the first node to a leaf: what was tried before is not there.

    Args:
        nodes: By their ids.
        leaf: The id of the last one.
        parent: The key under which each names the one before.
    """
    path: dict[str, dict[str, Any]] = {}
    while leaf is not None and leaf in nodes and leaf not in path:
        path[leaf] = object_of(nodes[leaf])
        leaf = id_of(path[leaf].get(parent))
    return list(reversed(path.items()))
