"""The list of bases: what is here, and what each would cost to have."""

from collections.abc import Iterator
from pathlib import Path

from align.console import size_words
from align.models import hub
from align.models.known_bases import KnownBase, bases_dir, known_bases
from align.models.written_bases import source_of
from align.paths import relative_to_root
from align.text.printable import printable

_HEAD = ("name", "base", "here", "download", "disk", "licence")


def table() -> list[str]:
    """Return the list as lines."""
    rows = [_HEAD, *map(_known, known_bases()), *_others()]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    lines = (
        "  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return [printable(line) for line in lines]


def _known(base: KnownBase) -> tuple[str, ...]:
    place = next((path for path in base.folders if (path / "config.json").is_file()), None)
    is_written = place is not None
    place = place or hub.cached(base.name, "main")
    licence = base.licence + (", to be accepted on the hub" if base.is_gated else "")
    if place is not None:
        here = relative_to_root(place) if is_written else "hub's cache"
        return base.short, base.name, here, "", size_words(_size(place)), licence
    download, disk = f"{size_words(base.download_bytes)} (hub)", size_words(base.download_bytes)
    if base.package is not None:
        download += f" or {size_words(base.package.wheel_bytes)} (pip)"
    return base.short, base.name, "-", download, disk, licence


def _others() -> Iterator[tuple[str, ...]]:
    """Yield what was written of GGUF files."""
    known = {path for base in known_bases() for path in base.folders}
    for config in sorted(bases_dir().glob("*/config.json")):
        folder = config.parent
        if folder not in known:
            source = source_of(folder)
            file, licence = str(source.get("file", "a folder")), str(source.get("licence", "?"))
            size = size_words(_size(folder))
            yield folder.name, file, relative_to_root(folder), "", size, licence


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
