"""Which reader reads which file: everything is read before anything is stored."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from align.console import progress
from align.errors import UserError
from align.ingest.conversations import read_jsonl_text
from align.ingest.documents import SUFFIXES, read_document
from align.ingest.pieces import Piece
from align.ingest.text import decoded
from align.paths import project_root

_JOURNALS = frozenset({"journal", "journals", "diary", "diaries"})
_OWN = frozenset({"my", "old", "daily", "private", "personal", "the"})
_JSONL = ".jsonl"


@dataclass
class Reading:
    """What was found: pieces in the order of their files, and what was left out, by reason."""

    pieces: list[Piece] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    files: int = 0


def read(paths: Iterable[Path]) -> Reading:
    """Read files and folders.

    Raises:
        UserError: A path does not exist or cannot be read; a file that was named, or a whole
            folder, has nothing that can be read; a line of a JSONL file is broken.
    """
    reading = Reading()
    found: dict[Path, bool] = {}
    for path in paths:
        for file, named in _files(path, reading.left_out):
            absolute = Path(os.path.abspath(file))
            found[absolute] = found.get(absolute, False) or named
    for file in progress(sorted(found), len(found), "Reading", unit="files"):
        _read_file(file, found[file], reading)
    return reading


def origin_of(path: Path) -> str:
    """Return a file's name in the store: the same on machines that keep it in the same place.

    From the project's root where it lies inside, from `~` where it lies in the user's home.
    """
    absolute = Path(os.path.abspath(path))
    for seen in (absolute, absolute.resolve()):
        for folder, prefix in ((project_root(), ""), (Path.home(), "~/")):
            for base in (folder, folder.resolve()):
                if seen.is_relative_to(base) and base != Path(base.anchor):
                    return prefix + seen.relative_to(base).as_posix()
    return absolute.as_posix()


def in_journal(origin: str) -> bool:
    """Tell whether a file or a folder on its way is called a journal or a diary.

    So are `journal-may-2024.md` and `my diary`; a post on keeping a journal is none.
    """
    return any(_names_journal(part) for part in PurePath(origin.lower()).parts)


def _names_journal(name: str) -> bool:
    words = [word for word in re.split(r"[^a-z]+", PurePath(name).stem) if word]
    if not words or _JOURNALS.isdisjoint(words):
        return False
    return words[0] in _JOURNALS or _JOURNALS.union(_OWN).issuperset(words)


def _files(path: Path, left_out: Counter[str]) -> list[tuple[Path, bool]]:
    """Return the readable kinds of files in a path, and whether they were named themselves."""
    path = path.expanduser()
    if path.is_file():
        if not _readable(path):
            raise UserError(path, f"a kind that is not read ({path.suffix or 'no suffix'})", _KINDS)
        return [(path, True)]
    if not path.is_dir():
        what = "not a file or folder" if path.exists() else "no such file or folder"
        raise UserError(path, what, "Name a folder or file of yours")
    found = []
    for folder, folders, names in os.walk(path, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.startswith(".") or not file.is_file():
                continue
            if _readable(file):
                found.append((file, False))
            else:
                left_out[f"{file.suffix.lower() or 'no suffix'}: a kind that is not read"] += 1
    if not found:
        raise UserError(path, "nothing to read in this folder", _KINDS)
    return found


_KINDS = "What is read: .md, .txt and .jsonl files"


def _readable(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or path.suffix.lower() == _JSONL


def _unreadable(error: OSError) -> None:
    raise error


def _read_file(file: Path, named: bool, reading: Reading) -> None:
    origin = origin_of(file)
    text = decoded(file.read_bytes())
    reading.files += 1
    if text is None:
        if named:
            raise UserError(file, "binary, not text", "Name a text file")
        reading.left_out["binary"] += 1
    elif file.suffix.lower() == _JSONL:
        journal = in_journal(origin)
        pieces = read_jsonl_text(text, str(file), origin, journal, reading.left_out)
        reading.pieces.extend(pieces)
    else:
        source = "journal" if in_journal(origin) else "documents"
        piece = read_document(text, source, origin)
        if piece is None:
            reading.left_out["empty"] += 1
        else:
            reading.pieces.append(piece)
