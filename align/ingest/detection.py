"""Which reader reads which of the files under some paths."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from align.errors import UserError
from align.ingest.reader import Inputs, Reader, ReadLog
from align.ingest.readers import readers
from align.ingest.tree import Tree, suffix_of, tree_of, zip_in
from align.ingest.voices import is_of_others

# Zips four deep in a folder are somebody's backup of exports; deeper ones are a trap.
_DEPTH = 5


@dataclass(frozen=True)
class Detected:
    """Files, and who reads them."""

    reader: Reader
    inputs: Inputs

    @property
    def size(self) -> int:
        """How many bytes they have."""
        return sum(self.inputs.tree.size(name) for name in self.inputs.names)


def detect(paths: Iterable[Path], log: ReadLog) -> list[Detected]:
    """Return what is read by whom, in the order of the paths; a path inside another counts once.

    Raises:
        UserError: A path does not exist, or nobody reads anything of it.
    """
    absolute = dict.fromkeys(Path(os.path.abspath(path.expanduser())) for path in paths)
    outermost = [path for path in absolute if not any(other in path.parents for other in absolute)]
    detected: list[Detected] = []
    for path in outermost:
        claimed = list(_claimed(tree_of(path, log.problem), log, _DEPTH))
        if not claimed:
            raise _unread(path, log)
        detected.extend(claimed)
    return detected


def _claimed(tree: Tree, log: ReadLog, depth: int) -> Iterator[Detected]:
    left = list(tree.names)
    for reader in readers():
        if not left:
            break
        if reader.is_catch_all:
            for name in filter(is_of_others, left):
                log.passed("others' words or nobody's, by its name", name=name)
            left = [name for name in left if not is_of_others(name)]
        claims = reader.claim(tree, left)
        claimed = {name for inputs in claims for name in inputs.names}
        left = [name for name in left if name not in claimed]
        yield from (Detected(reader, inputs) for inputs in claims)
    for name in left:
        suffix = suffix_of(name)
        if suffix == ".zip" and depth > 1:
            try:
                inner = zip_in(tree, name, log.problem)
            except UserError as error:
                log.problems.append(error)
                continue
            yield from _claimed(inner, log, depth - 1)
        else:
            log.passed(f"{suffix or 'no suffix'}: a kind that is not read", name=name)


def _unread(path: Path, log: ReadLog) -> UserError:
    if log.problems:
        return log.problems[0]
    counts = "; ".join(log.passed_lines())
    what = f"a kind that is not read ({path.suffix or 'no suffix'})"
    if not path.is_dir() and log.names and "not read" not in counts:
        what = counts
    if path.is_dir():
        what = f"nothing to read in this folder{f' ({counts})' if counts else ''}"
    return UserError(path, what, "docs/ingest.md lists what is read")
