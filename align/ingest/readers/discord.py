"""Discord: the data package as it is delivered, and chats as DiscordChatExporter writes them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from align.ingest.formats.discord_chats import first_message, read_chat
from align.ingest.formats.discord_package import read_package
from align.ingest.found import Found
from align.ingest.reading import Export, Notes, Options, Reader
from align.ingest.tree import Tree, ZipTree

_MESSAGES = ("messages.json", "messages.csv")
_PACKAGE = "data package"
# Discord translates the names of the package's folders; these marks are the same in all of them.
_FOLDERS = re.compile(
    r"account|activity|activities|ads|programs|servers|support[_ ]tickets|messages", re.IGNORECASE
)
_INSIDE = re.compile(r"user\.json|avatar\.\w+|(.+/)?events-\d+-\d+-of-\d+\.json|\d+/guild\.json")
_OLD_ROWS = re.compile(r'\ufeff?"?ID"?,"?Timestamp"?,"?Contents"?')
_ROWS = re.compile(r'\s*\[\s*\{\s*"ID"\s*:\s*"?\d+"?\s*,\s*"Timestamp"')
_CHAT = re.compile(r'\ufeff?\s*\{\s*"guild"\s*:\s*\{')
_CHANNEL = re.compile(r'"channel"\s*:\s*\{\s*"id"\s*:\s*"(\d{1,20})"')


def claim(tree: Tree, names: Sequence[str]) -> list[Export]:
    """Return the data packages, and a channel's files of the exporter together."""
    packages = _packages(tree, names)
    taken = {name for package in packages for name in package.names}
    return packages + _chats(tree, [name for name in names if name not in taken])


def read(export: Export, notes: Notes, options: Options) -> Iterator[Found]:
    """Yield the messages, each channel's from the oldest on."""
    if export.title == _PACKAGE:
        return read_package(export, notes)
    return read_chat(export, notes, options)


def _packages(tree: Tree, names: Sequence[str]) -> list[Export]:
    present = set(names)
    rooms: dict[str | None, set[str]] = defaultdict(set)
    for name in names:
        folder, _, base = name.rpartition("/")
        if base in _MESSAGES and _is_channel(
            tree, name, f"{folder}/channel.json".lstrip("/"), present
        ):
            # A channel's folder may have been named alone.
            rooms[folder.rpartition("/")[0] if folder else None].add(folder)
    return [Export(tree, _files(tree, names, *room), _PACKAGE) for room in rooms.items()]


def _is_channel(tree: Tree, name: str, folder: str, present: set[str]) -> bool:
    if f"{folder}/channel.json".lstrip("/") in present:
        return True
    head = tree.head_text(name, 4096)
    return bool((_ROWS if name.endswith(".json") else _OLD_ROWS).match(head))


def _files(
    tree: Tree, names: Sequence[str], room: str | None, channels: set[str]
) -> tuple[str, ...]:
    """Return the package's files: those of its channels, and of the folders beside them."""
    if room is None:
        return tuple(name for name in names if name in (*_MESSAGES, "channel.json"))
    root, _, _ = room.rpartition("/")
    if isinstance(tree, ZipTree) and room and not root:
        return tuple(names)
    within = f"{root}/" if root else ""
    folders = {room.removeprefix(within)} if room else channels
    for name in names if room else ():
        folder, slash, rest = name.removeprefix(within).partition("/")
        is_known = _FOLDERS.fullmatch(folder) or _INSIDE.fullmatch(rest)
        if slash and is_known and name.startswith(within):
            folders.add(folder)
    own = {f"{room}/index.json".lstrip("/"), f"{within}README.txt"}
    return tuple(
        name
        for name in names
        if name in own or (name.startswith(within) and _first(name, within) in folders)
    )


def _first(name: str, within: str) -> str | None:
    """Return the folder below another one in which something lies; None where it lies in none."""
    folder, slash, _ = name.removeprefix(within).partition("/")
    return folder if slash else None


def _chats(tree: Tree, names: Sequence[str]) -> list[Export]:
    parts: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        if not name.lower().endswith(".json") or ".json_Files/" in name:
            continue
        head = tree.head_text(name, 512)
        if _CHAT.match(head):
            head = tree.head_text(name)
            match = _CHANNEL.search(head)
            parts[match[1] if match else name].append((first_message(head), name))
    exports = []
    for found in parts.values():
        files = [name for _, name in sorted(found)]
        # What was sent in the chat lies beside the file, and is not the owner's to learn from.
        beside = tuple(f"{name}_Files/" for name in files)
        sent = [name for name in names if name.startswith(beside)]
        exports.append(Export(tree, (*files, *sent)))
    return exports


READER = Reader("Discord", "discord", claim, read)
