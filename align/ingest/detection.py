"""What was named, taken apart: which reader takes which files."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from align.errors import UserError
from align.ingest.readers import readers
from align.ingest.reading import Export, Notes, Reader
from align.ingest.tree import Tree, tree_of, zip_in

# A zip in a zip in a folder is somebody's export; deeper ones are a trap.
_DEPTH = 3


@dataclass(frozen=True)
class Taken:
    """One export, and who reads it."""

    reader: Reader
    export: Export

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(self.export.tree.size(name) for name in self.export.names)


def detect(paths: Iterable[Path], notes: Notes) -> list[Taken]:
    """Return what is read by whom, in the order of the paths.

    A path that lies inside another one that was named is taken once.

    Raises:
        UserError: A path does not exist, or nobody reads anything of it.
    """
    taken: list[Taken] = []
    for path in _outermost(paths):
        found = list(_claimed(tree_of(path, notes.problem), notes, _DEPTH))
        if not found:
            _nothing(path, notes)
        taken.extend(found)
    return taken


def _outermost(paths: Iterable[Path]) -> list[Path]:
    named = list(dict.fromkeys(Path(os.path.abspath(path.expanduser())) for path in paths))
    return [path for path in named if not any(other in path.parents for other in named)]


def _claimed(tree: Tree, notes: Notes, depth: int) -> Iterator[Taken]:
    left = list(tree.names)
    for reader in readers():
        if not left:
            break
        claims = reader.claim(tree, left)
        names = {name for export in claims for name in export.names}
        left = [name for name in left if name not in names]
        yield from (Taken(reader, export) for export in claims)
    for name in left:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix == ".zip" and depth > 1:
            try:
                inner = zip_in(tree, name, notes.problem)
            except UserError as error:
                notes.problems.append(error)
                continue
            yield from _claimed(inner, notes, depth - 1)
        else:
            notes.passed(f"{suffix or 'no suffix'}: a kind that is not read")


def _nothing(path: Path, notes: Notes) -> None:
    if notes.problems:
        raise notes.problems[0]
    what = ", ".join(f"{n:,} {reason}" for reason, n in sorted(notes.passed_over.items()))
    kinds = "docs/ingest.md lists what is read"
    if path.is_dir():
        raise UserError(
            path, f"nothing to read in this folder{f' ({what})' if what else ''}", kinds
        )
    raise UserError(path, f"a kind that is not read ({path.suffix or 'no suffix'})", kinds)
