"""Exports made in a test, read by one reader; and what damages them."""

import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from align.errors import UserError
from align.ingest.contents import Content, Document, Message
from align.ingest.reader import Inputs, Options, Reader, ReadLog
from align.ingest.tree import Tree, origin_of, tree_of

Files = Mapping[str, bytes | str]


def write_folder(folder: Path, files: Files) -> Path:
    """Write files into a folder and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def write_zip(path: Path, files: Files) -> Path:
    """Write files into a zip and return it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read_with(
    reader: Reader, path: Path, options: Options | None = None, log: ReadLog | None = None
) -> list[Content]:
    """Return what one reader finds under a path; problems fail unless notes are given."""
    told = log or ReadLog()
    tree = tree_of(path, told.problem)
    found = [
        f
        for inputs in claimed(reader, tree)
        for f in reader.read(inputs, told, options or Options())
    ]
    assert log is not None or not told.problems, [str(problem) for problem in told.problems]
    return found


def claimed(reader: Reader, tree: Tree) -> list[Inputs]:
    """Return what a reader takes of a tree."""
    claims = reader.claim(tree, tree.names)
    names = [name for inputs in claims for name in inputs.names]
    assert len(names) == len(set(names)) and set(names) <= set(tree.names)
    return claims


def texts(found: list[Content]) -> list[str]:
    """Return the texts of what was found."""
    return [each.text for each in found]


def messages(found: list[Content]) -> list[Message]:
    """Return what was found, which is messages only."""
    assert all(isinstance(each, Message) for each in found)
    return [each for each in found if isinstance(each, Message)]


def documents(found: list[Content]) -> list[Document]:
    """Return what was found, which is documents only."""
    assert all(isinstance(each, Document) for each in found)
    return [each for each in found if isinstance(each, Document)]


# How many damaged inputs a reader is given by the ordinary tests, and by the slow ones.
FEW, MANY = 200, 10_000
_NASTY = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\x1b[2J", b"\xe2\x80\xae",
    b"{", b"}", b"[", b"]", b'"', b"\\", b"<", b">", b"&#x0;", b"\n", b"\r", b",", b":", b"null",
    b"-1", b"1e999", b"99999999999999999999", b"NaN", b"[]", b"{}", b'""', b"true",
)  # fmt: skip


def survives_damage(
    reader: Reader, files: Files, folder: Path, count: int, *, options: Options | None = None
) -> None:
    """Read `count` damaged copies of an export: nothing but UserError is ever raised.

    Every yielded piece must be storable: texts are texts, times are times.
    """
    originals = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
    for seed in range(count):
        chance = random.Random(seed)
        victim = chance.choice(sorted(originals))
        tree = MemoryTree(originals | {victim: _damaged(originals[victim], chance)}, folder)
        log = ReadLog()
        try:
            for inputs in claimed(reader, tree):
                for found in reader.read(inputs, log, options or Options()):
                    _is_storable(found)
        except UserError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}, {victim}: {error!r}") from error


class MemoryTree(Tree):
    """Files that lie nowhere: ten thousand folders on a disk would take the most of the time."""

    def __init__(self, files: Mapping[str, bytes], folder: Path) -> None:
        self._files = files
        self._folder = folder
        self.label = str(folder)
        self.names = tuple(sorted(files))

    def _open(self, name: str) -> IO[bytes]:
        return io.BytesIO(self._files[name])

    def size(self, name: str) -> int:
        return len(self._files[name])

    def place(self, name: str) -> str:
        return str(self._folder / name)

    def origin_of(self, name: str) -> str:
        return origin_of(self._folder / name)


def _is_storable(found: Content) -> None:
    assert isinstance(found, Message | Document)
    assert isinstance(found.text, str)
    for value in (found.title, found.raw, found.author_key, found.reason):
        assert value is None or isinstance(value, str)
    assert isinstance(found.author, str)
    assert found.key is None or isinstance(found.key, str)
    if found.time is not None:
        found.time.isoformat()


def _damaged(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(7)
        if kind == 0:  # cut short
            data = data[:at]
        elif kind == 1:  # a stretch is missing
            data = data[:at] + data[at + chance.randrange(1, 40) :]
        elif kind == 2:  # a stretch stands twice
            end = at + chance.randrange(1, 60)
            data = data[:end] + data[at:end] + data[end:]
        elif kind == 3:  # one byte is another
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 4:  # something nasty stands there
            data = data[:at] + chance.choice(_NASTY) + data[at + chance.randrange(0, 3) :]
        elif kind == 5:  # two stretches have changed places
            a, b = sorted((at, chance.randrange(len(data) + 1)))
            data = data[:a] + data[b : b + 30] + data[a:b] + data[b + 30 :]
        elif kind == 6 and data:  # a number is another
            digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
            if digits:
                i = chance.choice(digits)
                data = (
                    data[:i] + chance.choice((b"-", b"999999999999", b"", b"1.5")) + data[i + 1 :]
                )
    return data
